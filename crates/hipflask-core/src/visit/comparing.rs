//! Comparing: what would be different if a request that another program has answered had been ours.
//!
//! For shadow mode, which looks on while the other program serves. It tells nothing of what a session holds.

use std::fmt;

use super::{Opened, Opening, Sessions, Visit};
use crate::{
    UnixTime, cookie,
    interface::{CookieError, CookieSessions, SaveAction},
    reason::Reason,
    session::Session,
    stored::Held,
    value::Dict,
};

/// How many seconds may lie between the moments from which both count the life of a cookie.
const APART: u64 = 2;

/// How our session differs from another program's.
///
/// ```
/// use hipflask_core::{reason::Reason, visit::Difference};
///
/// let difference = Difference::Verdict(Reason::BadSignature);
/// assert_eq!((difference.code(), difference.row()), ("verdict", None));
/// assert!(difference.to_string().starts_with("one of both opens the session"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// The session is opened with other content.
    Content,
    /// The cookie is deleted with other attributes: these.
    DeletedCookie(Vec<String>),
    /// The cookie is encrypted.
    Encrypted,
    /// A cookie that browsers drop is an error.
    LargeCookie,
    /// The session cannot be sent.
    NotSaved(CookieError),
    /// Another `Set-Cookie` is sent: these of its attributes differ, or its `value`.
    SetCookie(Vec<String>),
    /// One of both opens the session, for the other it is empty; why it is what it is here.
    Verdict(Reason),
}

impl Difference {
    /// Returns the stable `snake_case` code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::DeletedCookie(_) => "deleted_cookie",
            Self::Encrypted => "encrypted",
            Self::LargeCookie => "large_cookie",
            Self::NotSaved(_) => "not_saved",
            Self::SetCookie(_) => "set_cookie",
            Self::Verdict(_) => "verdict",
        }
    }

    /// Returns the row of the page on compatibility that explains it, if it is deliberate.
    pub const fn row(&self) -> Option<&'static str> {
        match self {
            Self::DeletedCookie(_) => Some("deletion of the cookie"),
            Self::Encrypted => Some("a cookie that nobody can read"),
            Self::LargeCookie => Some("cookie of more than 4,096 bytes, name and value together"),
            _ => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content => f.write_str("the session is opened with other content"),
            Self::DeletedCookie(parts) => {
                write!(f, "the cookie is deleted with another {}", parts.join(", "))
            }
            Self::Encrypted => f.write_str("the cookie is encrypted"),
            Self::LargeCookie => f.write_str("a cookie that browsers drop is an error"),
            Self::NotSaved(error) => write!(f, "the session is not saved: {error}"),
            Self::SetCookie(parts) => {
                write!(f, "the cookie is sent with another {}", parts.join(", "))
            }
            Self::Verdict(reason) => write!(
                f,
                "one of both opens the session, for the other it is empty; here {}: {reason}",
                reason.code()
            ),
        }
    }
}

impl Opened {
    /// Compares what is opened here with what another program has opened of the same cookie.
    ///
    /// ```
    /// use hipflask_core::{
    ///     UnixTime, interface::CookieSessions, reason::Reason, signing::KeyRing, value::{Dict, Value},
    ///     visit::{Difference, Sessions},
    /// };
    ///
    /// let sessions = Sessions::from(CookieSessions::new(&KeyRing::new("k")));
    /// let opened = sessions.open(Some(b"spoilt"), UnixTime::from_secs(1_763_692_800)).finish();
    /// assert_eq!(opened.unlike(&Dict::new()), None);
    ///
    /// let theirs = Dict::from_iter([("a".into(), Value::from(1))]);
    /// assert_eq!(opened.unlike(&theirs), Some(Difference::Verdict(Reason::Malformed)));
    /// ```
    pub fn unlike(&self, theirs: &Dict) -> Option<Difference> {
        let content = self.clone().into_parts().0.to_dict();
        if content == *theirs {
            return None;
        }
        let one_is_empty = content.is_empty() || theirs.is_empty();
        let verdict = Difference::Verdict(self.visit().reason());
        Some(if one_is_empty { verdict } else { Difference::Content })
    }
}

impl Sessions {
    /// As [`open`](Self::open), and leaves no trace: a record's life is not extended.
    pub fn look_at(&self, cookie: Option<&[u8]>, now: UnixTime) -> Opening {
        self.open_or_look(cookie, now, true)
    }

    /// Compares a `Set-Cookie` with which another program has sent a session, at `now`, with ours of the
    /// same content. `opened` is what we open of its value.
    ///
    /// Neither the order of attributes counts, nor whether their names are written large, nor other bytes
    /// that hold the same: what Flask has read and writes again has other bytes, too, if keys were numbers.
    ///
    /// ```
    /// use hipflask_core::{
    ///     UnixTime, interface::CookieSessions, signing::KeyRing, visit::{Difference, Sessions},
    /// };
    ///
    /// let sessions = Sessions::from(CookieSessions::new(&KeyRing::new("k")));
    /// let now = UnixTime::from_secs(1_763_692_800);
    /// let value = "eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw"; // Flask wrote this.
    /// let compare = |attributes: &str| {
    ///     let opened = sessions.look_at(Some(value.as_bytes()), now).finish();
    ///     sessions.compare(&format!("session={value}; {attributes}"), opened, now)
    /// };
    /// assert_eq!(compare("HttpOnly; Path=/"), None);
    /// let parts = vec!["httponly".to_owned(), "secure".to_owned()];
    /// assert_eq!(compare("Secure; Path=/"), Some(Difference::SetCookie(parts)));
    /// ```
    pub fn compare(&self, theirs: &str, opened: Opened, now: UnixTime) -> Option<Difference> {
        if is_deletion(theirs) {
            let ours = cookie::write_deletion(self.name(), self.attributes());
            let parts = differing(theirs, &ours);
            return (!parts.is_empty()).then_some(Difference::DeletedCookie(parts));
        }
        let reason = opened.visit().reason();
        if !reason.is_verified() {
            return Some(Difference::Verdict(reason));
        }
        let (mut session, visit) = opened.into_parts();
        session.set_modified(true);
        let at = visit.cookie().and_then(|facts| facts.signed_at).map_or(now, UnixTime::from_secs);
        let ours = match self.header_of(&session, &visit, at) {
            Ok(ours) => ours.unwrap_or_default(),
            Err(CookieError::TooLarge { .. }) => return Some(Difference::LargeCookie),
            Err(CookieError::NoEntropy) => return Some(Difference::Encrypted),
            Err(error) => return Some(Difference::NotSaved(error)),
        };
        let mut parts = differing(theirs, &ours);
        if self.holds(&ours, &session, at) {
            parts.retain(|part| part != VALUE);
        }
        let is_near = |ago| {
            let earlier = UnixTime::from_secs(at.as_secs().saturating_sub(ago));
            let ours = self.header_of(&session, &visit, earlier).ok().flatten();
            ours.is_some_and(|ours| !differing(theirs, &ours).iter().any(|part| part == EXPIRES))
        };
        if parts.iter().any(|part| part == EXPIRES) && (1..=APART).any(is_near) {
            parts.retain(|part| part != EXPIRES);
        }
        (!parts.is_empty()).then_some(Difference::SetCookie(parts))
    }

    /// Returns the rules of cookies that hold their session.
    fn cookies(&self) -> Option<&CookieSessions> {
        match self {
            Self::Revocable(rules) => Some(rules.cookies()),
            Self::Signed(interface) => Some(interface),
            Self::Stored(_) => None,
        }
    }

    /// Reports whether a `Set-Cookie` holds just this session.
    fn holds(&self, header: &str, session: &Session, now: UnixTime) -> bool {
        let value = parts(header).next().map(|(_, value)| value.as_bytes());
        let opened = self.cookies().map(|cookies| cookies.open(value, now));
        opened.is_some_and(|opened| opened.session.to_dict() == session.to_dict())
    }

    /// Returns the `Set-Cookie` of a changed session, if one is sent.
    fn header_of(
        &self,
        session: &Session,
        visit: &Visit,
        now: UnixTime,
    ) -> Result<Option<String>, CookieError> {
        if let Self::Stored(rules) = self {
            let header = |held: &Held| rules.write_cookie(held.id(), session.is_permanent(), now);
            return visit.held().map(header).transpose();
        }
        let Some(cookies) = self.cookies() else { return Ok(None) };
        Ok(match cookies.save(session, now)?.action {
            SaveAction::Set(header) | SaveAction::Delete(header) => Some(header),
            SaveAction::Keep => None,
        })
    }
}

const EXPIRES: &str = "expires";
const VALUE: &str = "value";

/// Returns the names of the parts of a `Set-Cookie`, in small letters, each with its text.
fn parts(header: &str) -> impl Iterator<Item = (String, &str)> {
    header.split(';').enumerate().map(|(at, part)| {
        let (name, text) = part.split_once('=').unwrap_or((part, ""));
        let name = if at == 0 { VALUE.to_owned() } else { name.trim().to_ascii_lowercase() };
        (name, text.trim())
    })
}

/// Returns the parts of which only one of two headers has the text, in alphabetical order.
fn differing(theirs: &str, ours: &str) -> Vec<String> {
    let of_one = |one: &str, other: &str| -> Vec<String> {
        let missing = |part: &_| !parts(other).any(|it| it == *part);
        parts(one).filter(missing).map(|(name, _)| name).collect()
    };
    let mut names = [of_one(theirs, ours), of_one(ours, theirs)].concat();
    names.sort();
    names.dedup();
    names
}

fn is_deletion(header: &str) -> bool {
    let mut all = parts(header);
    all.next().is_some_and(|(_, value)| value.is_empty())
        || all.any(|(name, text)| match name.as_str() {
            "max-age" => text.parse().is_ok_and(|age: i64| age <= 0),
            EXPIRES => text.contains(" 1970 ") || text.contains("-1970 "),
            _ => false,
        })
}
