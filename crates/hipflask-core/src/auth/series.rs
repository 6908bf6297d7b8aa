//! A remember cookie of our own: a random series, and a token that changes with each return.
//!
//! A store keeps hashes of both. Whoever returns with a token that was replaced before holds a copy, or
//! holds what was copied: the series ends then, for both.
//! After Barry Jaspan's [Improved persistent login cookie][best]; the hashes are there so that whoever
//! reads the store cannot return.
//!
//! [best]: https://web.archive.org/web/20180819014446/http://jaspan.com/improved_persistent_login_cookie_best_practice

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{
    UnixTime,
    cookie::LONGEST_LIFE,
    encoding, session,
    signing::Key,
    value::{Dict, Value},
};

const USER: &str = "user";
const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const ROTATED: &str = "rotated";
const STARTED: &str = "started";
const LIFE: &str = "life";

/// How long the token of before is good, too: for requests that a browser sends at once.
const GRACE: Duration = Duration::from_secs(60);

/// What a browser has: whoever knows it can return as the user, so it is never shown.
///
/// ```
/// use hipflask_core::auth::SeriesToken;
///
/// let token = SeriesToken::from_entropy(&[7; 48]);
/// assert_eq!(SeriesToken::parse(token.to_value().as_bytes()).as_ref(), Some(&token));
/// assert_eq!(format!("{token:?}"), "SeriesToken(..)");
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct SeriesToken {
    series: Key,
    token: Key,
}

impl SeriesToken {
    /// How many random bytes a new series needs.
    pub const ENTROPY: usize = 48;
    const SERIES_LEN: usize = 22;
    const LEN: usize = Self::SERIES_LEN + 1 + 43;

    /// Starts a series with random bytes.
    pub fn from_entropy(entropy: &[u8; Self::ENTROPY]) -> Self {
        let (series, token) = entropy.split_at(16);
        let text = |bytes| Key::from(encoding::encode_url(bytes));
        Self { series: text(series), token: text(token) }
    }

    /// Takes what may be a cookie's value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let is_text = |part: &[u8]| {
            part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        };
        let (series, token) = (value.get(..Self::SERIES_LEN)?, value.get(Self::SERIES_LEN + 1..)?);
        let is_one = value.len() == Self::LEN && value[Self::SERIES_LEN] == b'.';
        (is_one && is_text(series) && is_text(token))
            .then(|| Self { series: series.into(), token: token.into() })
    }

    /// Returns the same series with the token of another.
    #[must_use]
    pub fn with_token_of(&self, other: &Self) -> Self {
        Self { series: self.series.clone(), token: other.token.clone() }
    }

    /// Returns the cookie's value.
    pub fn to_value(&self) -> String {
        let text = |key: &Key| String::from_utf8_lossy(key.as_bytes()).into_owned();
        format!("{}.{}", text(&self.series), text(&self.token))
    }

    /// Returns under what a store keeps the series.
    pub fn record_key(&self) -> String {
        format!("remember:{}", hash(&self.series))
    }
}

impl std::fmt::Debug for SeriesToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SeriesToken(..)")
    }
}

/// What a store keeps of a series.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::{UnixTime, auth::{Returned, Series, SeriesToken}};
///
/// let now = UnixTime::from_secs(1_763_692_800);
/// let first = SeriesToken::from_entropy(&[7; 48]);
/// let second = first.with_token_of(&SeriesToken::from_entropy(&[8; 48]));
///
/// let a_month = Duration::from_secs(30 * 86_400);
/// let series = Series::new("7", &first, a_month, now);
/// assert_eq!(series.returned(&first, now), Returned::Current);
/// let series = series.rotated(&second, now);
/// let later = UnixTime::from_secs(1_763_692_900);
/// assert_eq!(series.returned(&first, later), Returned::Stolen);
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Series {
    user_id: String,
    current: String,
    previous: Option<String>,
    rotated: UnixTime,
    started: UnixTime,
    life: Duration,
}

/// What a token that was shown means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Returned {
    /// It is the newest: it is to be replaced.
    Current,
    /// It was replaced a moment ago, by a request that was sent at the same time.
    Lately,
    /// It was replaced before: somebody has a copy. The series is to end.
    Stolen,
}

impl Series {
    /// The longest that a series lives from one return to the next, because browsers keep no cookie for
    /// longer.
    pub const LONGEST: Duration = LONGEST_LIFE;

    /// Starts a series for a user, which ends so long after the last return.
    pub fn new(
        user_id: impl Into<String>,
        first: &SeriesToken,
        life: Duration,
        now: UnixTime,
    ) -> Self {
        Self {
            user_id: user_id.into(),
            current: hash(&first.token),
            previous: None,
            rotated: now,
            started: now,
            life: life.min(Self::LONGEST),
        }
    }

    /// Reads a record.
    pub fn from_content(content: &Dict) -> Option<Self> {
        let text = |key| content.get(key).and_then(Value::as_str).map(str::to_owned);
        let time = |key| content.get(key).and_then(session::time_of);
        Some(Self {
            user_id: text(USER)?,
            current: text(CURRENT)?,
            previous: text(PREVIOUS),
            rotated: time(ROTATED)?,
            started: time(STARTED)?,
            life: time(LIFE)?.since(UnixTime::default()),
        })
    }

    /// Returns what is to be kept.
    pub fn to_content(&self) -> Dict {
        let previous = self.previous.clone().map_or(Value::Null, Value::from);
        Dict::from_iter([
            (USER.into(), Value::from(self.user_id.as_str())),
            (CURRENT.into(), Value::from(self.current.as_str())),
            (PREVIOUS.into(), previous),
            (ROTATED.into(), Value::from(self.rotated.as_millis())),
            (STARTED.into(), Value::from(self.started.as_millis())),
            (LIFE.into(), Value::from(UnixTime::since_epoch(self.life).as_millis())),
        ])
    }

    /// Returns the key of the record that says when all series of a user were ended. It says nothing of
    /// whom it is about.
    pub fn key_of_ended(user_id: &str) -> String {
        let digest = Sha256::new_with_prefix(b"hipflask remember\0").chain_update(user_id);
        format!("remember_ended:{}", encoding::encode_url(&digest.finalize()))
    }

    /// Returns whose it is.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns when the user has given a password for it: for who has to tell whether it was revoked.
    pub const fn started_at(&self) -> UnixTime {
        self.started
    }

    /// Returns how long it lives from now on, if its user returns now.
    pub const fn life(&self) -> Duration {
        self.life
    }

    /// Judges a token of this series.
    pub fn returned(&self, shown: &SeriesToken, now: UnixTime) -> Returned {
        // Hashes of random tokens: the time of comparing them tells nothing.
        let shown = hash(&shown.token);
        if shown == self.current {
            Returned::Current
        } else if self.previous == Some(shown) && now.since(self.rotated) <= GRACE {
            Returned::Lately
        } else {
            Returned::Stolen
        }
    }

    /// Replaces the token.
    #[must_use]
    pub fn rotated(&self, next: &SeriesToken, now: UnixTime) -> Self {
        Self {
            user_id: self.user_id.clone(),
            current: hash(&next.token),
            previous: Some(self.current.clone()),
            rotated: now,
            started: self.started,
            life: self.life,
        }
    }
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Series(..)")
    }
}

fn hash(text: &Key) -> String {
    encoding::encode_url(&Sha256::digest(text.as_bytes()))
}
