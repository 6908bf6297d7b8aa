//! The cookies of a test's browser: what `Set-Cookie` leaves behind, and what the next request carries.
//!
//! As RFC 6265 says it for one host that is reached over https. Knows no session.

use std::time::{Duration, UNIX_EPOCH};

use hipflask_core::UnixTime;

/// What browsers keep of a cookie, name and value together.
const LONGEST: usize = 4096;

#[derive(Clone, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// Without one, it ends with the browser.
    expires: Option<UnixTime>,
}

impl Cookie {
    fn lives_at(&self, now: UnixTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

impl Jar {
    /// Does what a line of `Set-Cookie` says, in the response to a request for `path`.
    pub(super) fn keep(&mut self, line: &str, path: &str, now: UnixTime) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (mut own_path, mut max_age, mut expires) = (None, None, None);
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            match &*attribute.to_ascii_lowercase() {
                "path" => own_path = Some(value).filter(|path| path.starts_with('/')),
                "max-age" => max_age = value.parse::<i64>().ok(),
                "expires" => expires = httpdate::parse_http_date(value).ok(),
                _ => {}
            }
        }
        let expires = match (max_age, expires) {
            (Some(seconds), _) => {
                let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
                Some(now.checked_add(seconds).unwrap_or(now))
            }
            (None, Some(date)) => {
                Some(UnixTime::since_epoch(date.duration_since(UNIX_EPOCH).unwrap_or_default()))
            }
            (None, None) => None,
        };
        if name.len() + value.len() > LONGEST {
            return;
        }
        self.set(name, value, own_path.unwrap_or(folder(path)), expires);
        self.expire(now);
    }

    pub(super) fn set(&mut self, name: &str, value: &str, path: &str, expires: Option<UnixTime>) {
        let [name, value, path] = [name, value, path].map(str::to_owned);
        let cookie = Cookie { name, value, path, expires };
        let mut old = self.0.iter_mut();
        match old.find(|old| old.name == cookie.name && old.path == cookie.path) {
            Some(old) => *old = cookie,
            None => self.0.push(cookie),
        }
    }

    pub(super) fn expire(&mut self, now: UnixTime) {
        self.0.retain(|cookie| cookie.lives_at(now));
    }

    /// Forgets what ends with the browser.
    pub(super) fn close(&mut self) {
        self.0.retain(|cookie| cookie.expires.is_some());
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|cookie| cookie.name != name);
    }

    /// Returns the value and the path of a cookie.
    pub(super) fn get(&self, name: &str, now: UnixTime) -> Option<(&str, &str)> {
        let found = self.0.iter().find(|cookie| cookie.name == name && cookie.lives_at(now))?;
        Some((&found.value, &found.path))
    }

    /// Returns the `Cookie` line of a request for `path`, longer paths first.
    pub(super) fn line(&self, path: &str) -> Option<String> {
        let mut sent: Vec<_> = self.0.iter().filter(|cookie| covers(&cookie.path, path)).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<_> =
            sent.iter().map(|Cookie { name, value, .. }| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// Returns the path of a cookie that names none: the folder of the request's.
fn folder(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

fn covers(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || folder.ends_with('/') || rest.starts_with('/'))
}
