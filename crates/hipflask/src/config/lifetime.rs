//! How long a session lives, in the forms that Flask's [`PERMANENT_SESSION_LIFETIME`][py] has
//! outside of Python: seconds, whole or not.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/config/#PERMANENT_SESSION_LIFETIME

use std::time::Duration;

use hipflask_core::cookie::LONGEST_LIFE;

use super::{ConfigError, given::Given};

pub(super) const DEFAULT: Duration = Duration::from_secs(31 * DAY);

const DAY: u64 = 24 * 60 * 60;
/// Keeps `Expires` below the year 10,000, for which there is no date, until the year 2999.
const MAX: Duration = Duration::from_secs(7000 * 365 * DAY);
/// A shorter one is zero once it is compared with the age of a cookie, in whole seconds.
const MIN: Duration = Duration::from_secs(1);

/// Confirms that some cookie is accepted and that each has an expiry.
pub(super) fn check(lifetime: Duration) -> Result<(), ConfigError> {
    if lifetime < MIN {
        Err(ConfigError::LifetimeTooShort)
    } else if lifetime > MAX {
        Err(ConfigError::LifetimeTooLong)
    } else {
        Ok(())
    }
}

/// Says what of a lifetime browsers do not keep, if that is so.
pub(crate) fn beyond_browsers(name: &str, lifetime: Duration) -> Option<String> {
    (lifetime > LONGEST_LIFE).then(|| {
        let days = lifetime.as_secs().div_ceil(DAY);
        format!("{name} is {days} days, and browsers keep no cookie for more than 400 days")
    })
}

/// Reads the value of the setting `name`.
pub(super) fn from_given(name: &str, value: &Given) -> Result<Duration, ConfigError> {
    let lifetime = match value {
        Given::Int(seconds) if *seconds < 0 => Duration::ZERO,
        Given::Int(seconds) => Duration::from_secs(u64::try_from(*seconds).unwrap_or(u64::MAX)),
        Given::Float(seconds) if !seconds.is_nan() => from_float(*seconds),
        Given::Text(_) => return Err(ConfigError::LifetimeNotNumber { name: name.into() }),
        _ => {
            return Err(value.wrong_type(name, "a number of seconds, such as 2678400 for 31 days,"));
        }
    };
    check(lifetime)?;
    Ok(lifetime)
}

/// Rounds to microseconds, as Python's `timedelta` does.
fn from_float(seconds: f64) -> Duration {
    // Conversion to an integer saturates, so that what is out of range stays so.
    let micros = (seconds.fract() * 1e6).round_ties_even() as u64;
    Duration::from_secs(seconds.trunc() as u64).saturating_add(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_form(value: &Given, expected: Result<Duration, &str>) {
        let read = from_given("PERMANENT_SESSION_LIFETIME", value);
        assert_eq!(read.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn what_browsers_do_not_keep_is_said() {
        assert_eq!(beyond_browsers("A", LONGEST_LIFE), None);
        assert_eq!(
            beyond_browsers("A", LONGEST_LIFE + MIN).as_deref(),
            Some("A is 401 days, and browsers keep no cookie for more than 400 days")
        );
    }

    #[test]
    fn lifetime_has_flasks_forms() {
        check_form(&Given::Int(2_678_400), Ok(DEFAULT));
        check_form(&Given::Int(1), Ok(MIN));
        check_form(&Given::Float(1.25), Ok(Duration::from_millis(1250)));
        // The microseconds of Python's timedelta(seconds=…).
        for (seconds, micros) in [
            (1.000_000_5, 1_000_001),
            (1.000_001_5, 1_000_001),
            (1.234_568_5, 1_234_568),
            (1.999_999_9, 2_000_000),
            (86_400.123_456_789, 86_400_123_457),
        ] {
            check_form(&Given::Float(seconds), Ok(Duration::from_micros(micros)));
        }
    }

    #[test]
    fn lifetime_refuses_what_ends_at_once_or_never() {
        let short = "expected a lifetime of at least one second: raise PERMANENT_SESSION_LIFETIME, \
                     for instance to 2678400 seconds, which are 31 days, and change SECRET_KEY to \
                     end all sessions";
        let long = "expected a lifetime of at most 7000 years: shorten PERMANENT_SESSION_LIFETIME, \
                    for instance to 2678400 seconds, which are 31 days";
        for seconds in [0, -1, i128::MIN] {
            check_form(&Given::Int(seconds), Err(short));
        }
        for seconds in [0.0, 0.5, -3.5, f64::NEG_INFINITY] {
            check_form(&Given::Float(seconds), Err(short));
        }
        for seconds in [221_000_000_000, i128::from(u64::MAX), i128::MAX] {
            check_form(&Given::Int(seconds), Err(long));
        }
        for seconds in [1e15, 1e300, f64::INFINITY] {
            check_form(&Given::Float(seconds), Err(long));
        }
    }

    #[test]
    fn lifetime_says_which_form_it_expects() {
        for text in ["31 days", "2678400", ""] {
            check_form(
                &Given::Text(text.into()),
                Err(
                    "expected a number of seconds for PERMANENT_SESSION_LIFETIME, found a string: \
                     write 2678400 for 31 days, without quotes and units, which Flask does not \
                     know",
                ),
            );
        }
        check_form(
            &Given::Bool(true),
            Err("expected a number of seconds, such as 2678400 for 31 days, for \
                 PERMANENT_SESSION_LIFETIME, found a truth value"),
        );
        check_form(
            &Given::Float(f64::NAN),
            Err("expected a number of seconds, such as 2678400 for 31 days, for \
                 PERMANENT_SESSION_LIFETIME, found a number"),
        );
    }
}
