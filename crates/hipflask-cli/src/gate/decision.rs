//! Decides: what is asked about, and what the session holds → whether the visitor may see it, and who that is.
//!
//! Pure; `server` carries it out.

use hipflask_core::{auth::is_local, value::Value};
use hyper::header::HeaderName;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    path::Page,
    proxy::Asked,
    rule::{Rule, text_of, texts_of},
};

/// Who may see what.
#[derive(Debug, Default)]
pub(super) struct Policy {
    /// What every page requires that is not public. If nothing, the session must name a user.
    pub(super) requires: Vec<Rule>,
    /// The keys that name a user.
    pub(super) user_keys: Vec<String>,
    pub(super) paths: Vec<PathRule>,
    /// What the app is told about the visitor: a header for a key.
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) login: Option<Login>,
    /// A visitor who is logged in, but may not see the page, is told so and not sent to log in again.
    pub(super) forbids: bool,
}

/// What one path has of its own.
#[derive(Debug)]
pub(super) struct PathRule {
    pub(super) path: String,
    /// What it requires as well; `None` if everybody may see it.
    pub(super) requires: Option<Vec<Rule>>,
}

/// Where visitors log in.
#[derive(Debug)]
pub(super) struct Login {
    /// An absolute address without fragment.
    pub(super) url: String,
    /// Send browsers there; otherwise the address is only told.
    pub(super) redirects: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Allowed,
    /// The visitor is logged in, and may yet not see the page.
    Forbidden,
    /// Nobody is logged in.
    Unknown,
}

impl Policy {
    /// Judges a session by its values.
    pub(super) fn judge(&self, page: &Page, value: impl Fn(&str) -> Option<Value>) -> Verdict {
        if self.is_public(page) {
            return Verdict::Allowed;
        }
        // What is unclear might be any page.
        let here = self.paths.iter().filter(|it| page.is_below(&it.path) != Some(false));
        let here = here.filter_map(|it| it.requires.as_deref()).flatten();
        let rules: Vec<_> = self.requires.iter().chain(here).collect();
        let names_user = || {
            let mut values = self.user_keys.iter().filter_map(|key| value(key));
            values.any(|value| !value.is_falsy())
        };
        let is_kept = |rule: &Rule| rule.is_kept_by(value(&rule.key).as_ref());
        if rules.iter().all(|rule| is_kept(rule)) && (!self.requires.is_empty() || names_user()) {
            return Verdict::Allowed;
        }
        let mut keys = self.requires.iter().filter(|rule| rule.is_key()).peekable();
        let is_logged_in = if keys.peek().is_some() { keys.all(is_kept) } else { names_user() };
        if is_logged_in { Verdict::Forbidden } else { Verdict::Unknown }
    }

    fn is_public(&self, page: &Page) -> bool {
        let here = self.paths.iter().filter(|it| page.is_below(&it.path) == Some(true));
        here.max_by_key(|it| it.path.len()).is_some_and(|it| it.requires.is_none())
    }

    /// Returns the status of a verdict, and where the visitor is to log in.
    pub(super) fn answer(&self, verdict: Verdict, asked: &Asked) -> (u16, Option<String>) {
        match verdict {
            Verdict::Allowed => (200, None),
            Verdict::Forbidden if self.forbids => (403, None),
            _ => match self.login.as_ref().filter(|_| asked.is_navigation) {
                Some(login) => (
                    if login.redirects { 302 } else { 401 },
                    Some(login.address(asked.target.as_deref())),
                ),
                None => (401, None),
            },
        }
    }

    /// Returns each header once, empty if the session has nothing to say.
    pub(super) fn identity(
        &self,
        value: impl Fn(&str) -> Option<Value>,
    ) -> impl Iterator<Item = (HeaderName, String)> {
        self.headers.iter().map(move |(name, key)| {
            (name.clone(), value(key).as_ref().map(header_text).unwrap_or_default())
        })
    }
}

impl Login {
    /// Returns the address, with the page to come back to if that is one of this site.
    fn address(&self, target: Option<&str>) -> String {
        let Some(target) = target.filter(|target| is_local(target)) else {
            return self.url.clone();
        };
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}next={}", self.url, utf8_percent_encode(target, NON_ALPHANUMERIC))
    }
}

/// What cannot stand in a header, and the sign of escapes, so that no two values look the same.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
const ESCAPED_IN_LISTS: &AsciiSet = &ESCAPED.add(b',');

/// Writes a value as the text of a header; what has no text is empty.
fn header_text(value: &Value) -> String {
    if value.as_list().is_some() {
        let items = texts_of(value).unwrap_or_default();
        let items: Vec<_> = items.iter().map(|item| escaped(item, ESCAPED_IN_LISTS)).collect();
        return items.join(",");
    }
    text_of(value).map(|text| escaped(&text, ESCAPED)).unwrap_or_default()
}

fn escaped(text: &str, set: &'static AsciiSet) -> String {
    // Blanks at either end do not arrive.
    let inner = text.trim_matches(' ');
    let start = text.len() - text.trim_start_matches(' ').len();
    let (before, after) =
        if inner.is_empty() { (text.len(), 0) } else { (start, text.len() - start - inner.len()) };
    let blanks = |n| "%20".repeat(n);
    format!("{}{}{}", blanks(before), utf8_percent_encode(inner, set), blanks(after))
}

#[cfg(test)]
mod tests;
