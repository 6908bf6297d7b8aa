//! Writes the date of HTTP headers: Unix seconds → `Fri, 21 Nov 2025 02:40:00 GMT`.
//!
//! Used by the cookie stage for `Expires` and by the serializer for its date tag; knows neither.
//! The form is IMF-fixdate of [RFC 9110, section 5.6.7][rfc], the clock is an argument.
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7

use crate::calendar;

const LENGTH: usize = 29;
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
const WEEKDAYS: &[u8; 21] = b"MonTueWedThuFriSatSun";

/// Returns the date of `unix_seconds`, or `None` outside the years 1 to 9999.
///
/// ```
/// use hipflask_core::http_date::http_date;
///
/// assert_eq!(http_date(0).as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
/// assert_eq!(http_date(253_402_300_800), None); // the year 10000
/// ```
pub fn http_date(unix_seconds: i64) -> Option<String> {
    let mut date = String::with_capacity(LENGTH);
    push_http_date(&mut date, unix_seconds)?;
    Some(date)
}

/// Appends the date of `unix_seconds` to `out`; outside the years 1 to 9999 appends nothing and
/// returns `None`.
pub fn push_http_date(out: &mut String, unix_seconds: i64) -> Option<()> {
    let bytes = render(unix_seconds)?;
    out.push_str(str::from_utf8(&bytes).ok()?);
    Some(())
}

fn render(unix_seconds: i64) -> Option<[u8; LENGTH]> {
    let moment = calendar::from_unix(unix_seconds)?;
    let year = u16::try_from(moment.year()).ok().filter(|year| (1..=9999).contains(year))?;
    let (century, year_of_century) = ((year / 100) as i8, (year % 100) as i8);

    let mut date = *b"Wdy, 00 Mon 0000 00:00:00 GMT";
    date[..3].copy_from_slice(word(WEEKDAYS, moment.weekday().to_monday_zero_offset()));
    put_two_digits(&mut date, 5, moment.day());
    date[8..11].copy_from_slice(word(MONTHS, moment.month() - 1));
    put_two_digits(&mut date, 12, century);
    put_two_digits(&mut date, 14, year_of_century);
    put_two_digits(&mut date, 17, moment.hour());
    put_two_digits(&mut date, 20, moment.minute());
    put_two_digits(&mut date, 23, moment.second());
    Some(date)
}

fn word(words: &[u8], index: i8) -> &[u8] {
    let start = usize::from(index.unsigned_abs()) * 3;
    &words[start..start + 3]
}

fn put_two_digits(date: &mut [u8; LENGTH], at: usize, number: i8) {
    let number = number.unsigned_abs();
    date[at] = b'0' + number / 10;
    date[at + 1] = b'0' + number % 10;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unix_seconds: i64, expected: Option<&str>) {
        assert_eq!(http_date(unix_seconds).as_deref(), expected, "{unix_seconds}");
    }

    #[test]
    fn http_date_is_zero_padded_in_every_year() {
        check(0, Some("Thu, 01 Jan 1970 00:00:00 GMT"));
        check(-1, Some("Wed, 31 Dec 1969 23:59:59 GMT"));
        check(1_763_692_800, Some("Fri, 21 Nov 2025 02:40:00 GMT"));
        check(1_709_164_800, Some("Thu, 29 Feb 2024 00:00:00 GMT"));
        check(-62_135_596_800, Some("Mon, 01 Jan 0001 00:00:00 GMT"));
        check(253_402_300_799, Some("Fri, 31 Dec 9999 23:59:59 GMT"));
    }

    #[test]
    fn http_date_refuses_years_of_other_lengths() {
        check(-62_135_596_801, None);
        check(253_402_300_800, None);
        check(i64::MIN, None);
        check(i64::MAX, None);
    }

    #[test]
    fn push_http_date_leaves_the_text_alone_on_failure() {
        let mut text = String::from("Expires=");
        assert_eq!(push_http_date(&mut text, i64::MAX), None);
        assert_eq!(text, "Expires=");
        assert_eq!(push_http_date(&mut text, 0), Some(()));
        assert_eq!(text, "Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
