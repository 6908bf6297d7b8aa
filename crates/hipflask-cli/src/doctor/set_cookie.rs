//! A `Set-Cookie` line as browsers read it, and what they do with it.
//!
//! Rules: [RFC 6265bis, section 5.7](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7).

use hipflask_core::interface::CookieSessions;

use super::{
    cause::{Cause, Kind},
    place::Place,
};

/// What a response sets.
#[derive(Clone, Debug, Default)]
pub(super) struct SetCookie {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) is_secure: bool,
    pub(super) is_partitioned: bool,
    pub(super) is_http_only: bool,
    pub(super) is_deletion: bool,
    pub(super) same_site: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) path: Option<String>,
    is_attribute_too_long: bool,
}

impl SetCookie {
    /// Reads what stands behind `Set-Cookie:`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie =
            Self { name: name.trim().into(), value: value.trim().into(), ..Self::default() };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            if value.len() > 1024 {
                cookie.is_attribute_too_long = true;
                continue;
            }
            match &*name.trim().to_ascii_lowercase() {
                "secure" => cookie.is_secure = true,
                "httponly" => cookie.is_http_only = true,
                "partitioned" => cookie.is_partitioned = true,
                "samesite" => cookie.same_site = Some(value.to_ascii_lowercase()),
                "domain" if !value.is_empty() => {
                    cookie.domain = Some(value.trim_start_matches('.').to_ascii_lowercase());
                }
                "path" if value.starts_with('/') => cookie.path = Some(value.into()),
                "max-age" => {
                    cookie.is_deletion = value.parse().is_ok_and(|seconds: i64| seconds <= 0)
                }
                "expires" if value.contains(" 1970 ") => cookie.is_deletion = true,
                _ => {}
            }
        }
        Some(cookie)
    }

    /// Reports whether a line looks like one, if it has no name of a header before it.
    pub(super) fn is_one(line: &str) -> bool {
        let words = ["path=", "httponly", "secure", "samesite=", "max-age=", "expires=", "domain="];
        line.split(';').skip(1).any(|part| {
            let part = part.trim().to_ascii_lowercase();
            words.iter().any(|word| part.starts_with(word))
        })
    }

    /// Finds out why browsers refuse it, where the place it comes from is known.
    pub(super) fn look(&self, place: Option<&Place>) -> Vec<Cause> {
        let mut causes = Vec::new();
        let mut push = |kind, detail: String| causes.push(Cause::new(kind, detail));
        if self.is_attribute_too_long {
            push(Kind::Attributes, "an attribute of more than 1,024 bytes is ignored".into());
        }
        if self.is_partitioned && !self.is_secure {
            push(
                Kind::Partitioned,
                "Partitioned without Secure is refused: set SESSION_COOKIE_SECURE".into(),
            );
        }
        if self.same_site.as_deref() == Some("none") && !self.is_secure {
            push(
                Kind::SameSite,
                "SameSite=None without Secure is refused: set SESSION_COOKIE_SECURE".into(),
            );
        }
        let lower = self.name.to_ascii_lowercase();
        let is_host = lower.starts_with("__host-");
        if (is_host || lower.starts_with("__secure-")) && !self.is_secure {
            push(
                Kind::Attributes,
                "the prefix of the name needs Secure: set SESSION_COOKIE_SECURE".into(),
            );
        }
        if is_host && (self.domain.is_some() || self.path.as_deref() != Some("/")) {
            push(Kind::Attributes, "__Host- needs Path=/ and no Domain".into());
        }
        if let Some(place) = place {
            if self.is_secure && !place.is_trustworthy() {
                push(Kind::SecureOnHttp, place.origin());
            }
            if let Some(domain) = &self.domain
                && !place.is_within(domain)
            {
                push(Kind::Attributes, format!("Domain={domain} is not the host {}", place.host));
            }
        }
        if self.is_deletion {
            push(Kind::Deleted, String::new());
        }
        causes
    }

    /// Reports whether browsers drop it for its size, which is told where its value is looked at.
    pub(super) const fn is_too_large(&self) -> bool {
        self.name.len() + self.value.len() > CookieSessions::MAX_COOKIE_SIZE
    }

    /// Reports whether browsers send it to a place.
    pub(super) fn is_for(&self, place: &Place, from: &Place) -> bool {
        let is_host = match &self.domain {
            Some(domain) => place.is_within(domain),
            None => place.host == from.host,
        };
        let path = self.path.clone().unwrap_or_else(|| from.default_path());
        is_host && place.is_below(&path) && (!self.is_secure || place.is_trustworthy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, place: &str, expected: &[Kind]) {
        let cookie = SetCookie::parse(line).expect("it is a cookie");
        let kinds: Vec<_> =
            cookie.look(Place::parse(place).as_ref()).into_iter().map(|it| it.kind).collect();
        assert_eq!(kinds, expected, "{line} from {place}");
    }

    #[test]
    fn browsers_refuse_what_the_rules_say() {
        let https = "https://shop.example/a/b";
        check("session=x; Secure; HttpOnly; Path=/", https, &[]);
        check("session=x; Secure", "http://shop.example/", &[Kind::SecureOnHttp]);
        check("session=x; Secure", "http://localhost:5000/", &[]);
        check("session=x; Secure", "http://127.0.0.1/", &[]);
        check("session=x; SameSite=None", https, &[Kind::SameSite]);
        check("session=x; Partitioned", https, &[Kind::Partitioned]);
        check("__Host-session=x; Secure; Path=/a", https, &[Kind::Attributes]);
        check("__Host-session=x; Path=/", https, &[Kind::Attributes]);
        check("session=x; Domain=.example", https, &[]);
        check("session=x; Domain=other.example", https, &[Kind::Attributes]);
        check(
            "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0",
            https,
            &[Kind::Deleted],
        );
        for (size, expected) in [(4089, false), (4090, true)] {
            let cookie = SetCookie::parse(&format!("session={}", "x".repeat(size))).unwrap();
            assert_eq!(cookie.is_too_large(), expected);
        }
        check(&format!("session=x; Path=/{}", "x".repeat(1024)), https, &[Kind::Attributes]);
    }
}
