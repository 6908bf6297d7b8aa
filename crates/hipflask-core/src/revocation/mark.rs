//! A mark: what of a user's cookies, or of one session's, is refused.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{
    UnixTime,
    auth::hex,
    record::{self, EncodeError, Format},
    serializer::Limits,
    store::Record,
    value::{Dict, Value},
};

const BEFORE: &str = "before";
const SPARED: &str = "spared";

/// How many cookies of one second a mark spares. Whose is left out logs in again.
const MOST_SPARED: usize = 64;

/// Stands for a cookie's value, and does not give it away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CookieDigest(String);

impl CookieDigest {
    /// Takes the value of a cookie.
    ///
    /// ```
    /// use hipflask_core::revocation::CookieDigest;
    ///
    /// assert_ne!(CookieDigest::of(b"one"), CookieDigest::of(b"other"));
    /// ```
    pub fn of(cookie: &[u8]) -> Self {
        Self(digest(&[cookie]))
    }
}

impl fmt::Display for CookieDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Half of a SHA-256 in hexadecimal, of parts that cannot be mistaken for others.
pub(super) fn digest(parts: &[impl AsRef<[u8]>]) -> String {
    let mut hash = Sha256::new_with_prefix(b"hipflask revocation\0");
    for part in parts {
        hash.update(u64::try_from(part.as_ref().len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..16])
}

/// Refuses what was signed at or before a second, but for some cookies of that second.
///
/// A signed cookie tells its time in whole seconds. A log-in in the second of a revocation is later
/// than it all the same; so its cookie is spared by name.
///
/// ```
/// use hipflask_core::{UnixTime, revocation::{CookieDigest, Mark}};
///
/// let mark = Mark::up_to(UnixTime::from_secs(1_000));
/// let cookie = CookieDigest::of(b"a cookie");
/// assert!(mark.refuses(1_000, &cookie) && !mark.refuses(1_001, &cookie));
/// assert!(!mark.sparing(cookie.clone()).refuses(1_000, &cookie));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    before: u64,
    spared: Vec<CookieDigest>,
}

impl Mark {
    /// Refuses all that is signed up to the end of this second.
    pub const fn up_to(time: UnixTime) -> Self {
        Self { before: time.as_secs(), spared: Vec::new() }
    }

    /// Refuses whatever comes.
    pub(crate) const fn for_ever() -> Self {
        Self { before: u64::MAX >> 1, spared: Vec::new() }
    }

    /// Spares one cookie.
    #[must_use]
    pub fn sparing(mut self, cookie: CookieDigest) -> Self {
        if self.spared.len() == MOST_SPARED {
            self.spared.remove(0);
        }
        self.spared.push(cookie);
        self
    }

    /// Reports whether a cookie that was signed then, in Unix seconds, is refused.
    pub fn refuses(&self, signed_at: u64, cookie: &CookieDigest) -> bool {
        signed_at <= self.before && !self.spared.contains(cookie)
    }

    /// What both refuse together. What the earlier one has spared ends, too.
    pub(crate) fn after(self, earlier: Option<Self>) -> Self {
        let before = earlier.map_or(0, |earlier| earlier.before).max(self.before);
        Self { before, ..self }
    }

    pub(crate) fn encode(&self, format: Format) -> Result<Vec<u8>, EncodeError> {
        let before = i64::try_from(self.before).unwrap_or(i64::MAX);
        let spared: Vec<Value> = self.spared.iter().map(|it| it.0.as_str().into()).collect();
        let items = [(BEFORE, Value::from(before)), (SPARED, Value::List(spared))];
        let content: Dict = items.into_iter().map(|(key, value)| (key.into(), value)).collect();
        record::encode(&content, format)
    }

    /// Reads a mark. One that is damaged refuses all that was signed so far: nobody knows any more
    /// what it spared.
    pub(crate) fn decode(record: &Record, format: Format, now: UnixTime) -> Self {
        let decoded = record::decode(&record.payload, format, Limits::default()).ok();
        let content = decoded.and_then(|decoded| decoded.content);
        let read = content.and_then(|content| {
            let before = u64::try_from(content.get(BEFORE)?.as_i64()?).ok()?;
            let spared = content.get(SPARED)?.as_list()?.iter();
            let spared = spared.map(|it| Some(CookieDigest(it.as_str()?.to_owned())));
            Some(Self { before, spared: spared.collect::<Option<_>>()? })
        });
        read.unwrap_or_else(|| Self::up_to(now))
    }
}
