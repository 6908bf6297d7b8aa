//! Requests and their answers, and what browsers did with the cookie between them.
//!
//! Pure: what a HAR file, a live address or pasted headers hold comes in, causes go out.

use std::collections::BTreeSet;

use hipflask_core::cookie::{self, Attributes};

use super::{
    cause::{Cause, Kind},
    place::Place,
    set_cookie::SetCookie,
};

/// One request and its answer, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange {
    pub(super) place: Option<Place>,
    pub(super) method: String,
    /// The lines of the request's `Cookie` headers.
    pub(super) cookies: Vec<String>,
    /// The lines of the answer's `Set-Cookie` headers.
    pub(super) set_cookies: Vec<String>,
    /// Another site has started it.
    pub(super) is_cross_site: bool,
    /// What it is loaded for.
    pub(super) into: Into,
}

/// What an answer is loaded for; browsers tell it to places of https and of this machine alone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Into {
    Frame,
    Page,
    Script,
    #[default]
    Unknown,
}

impl Exchange {
    /// Returns each value that the request has for a cookie.
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        for line in &self.cookies {
            let pairs = cookie::pairs(line.as_bytes());
            let named = pairs.filter(|(known, _)| &**known == name.as_bytes());
            values.extend(named.map(|(_, value)| String::from_utf8_lossy(&value).into_owned()));
        }
        values
    }

    /// Returns what the answer sets under a name, the last line last.
    pub(super) fn sets(&self, name: &str) -> Vec<SetCookie> {
        let cookies = self.set_cookies.iter().filter_map(|line| SetCookie::parse(line));
        cookies.filter(|cookie| cookie.name == name).collect()
    }

    /// Says how `SameSite` of a cookie keeps it back here, if it does.
    fn keeps_back(&self, cookie: &SetCookie) -> Option<String> {
        if !self.is_cross_site {
            return None;
        }
        let is_page =
            self.into == Into::Page || self.into == Into::Unknown && self.method == "POST";
        let is_kept = match cookie.same_site.as_deref() {
            Some("none") => !cookie.is_secure,
            Some("strict") => true,
            _ => !(self.into == Into::Page && matches!(&*self.method, "GET" | "HEAD")),
        };
        let from = match self.into {
            _ if is_page => "a page",
            Into::Frame => "an iframe",
            Into::Script => "a script",
            _ => "an iframe or a script",
        };
        let rule = match cookie.same_site.as_deref() {
            Some(rule) => format!("SameSite={rule}"),
            None => "no SameSite, which counts as Lax".into(),
        };
        is_kept
            .then(|| format!("{} from {from} of another site; the cookie has {rule}", self.method))
    }
}

/// Looks at all exchanges in their order.
pub(super) fn look(exchanges: &[Exchange], name: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut held: Vec<(SetCookie, Place)> = Vec::new();
    for exchange in exchanges {
        causes.extend(shadow_copies(exchange, name));
        causes.extend(joined_lines(exchange, name));
        if let Some(place) = &exchange.place
            && exchange.values(name).is_empty()
        {
            let expected = held.iter().find(|(cookie, from)| cookie.is_for(place, from));
            if let Some((cookie, _)) = expected {
                causes.push(match exchange.keeps_back(cookie) {
                    Some(detail) => Cause::new(Kind::SameSite, detail),
                    None => {
                        Cause::new(Kind::NotSent, format!("{} {}", exchange.method, place.path))
                    }
                });
            }
        }
        let sets = exchange.sets(name);
        if sets.iter().any(|it| it.is_partitioned) && sets.iter().any(|it| !it.is_partitioned) {
            causes.push(Cause::new(Kind::Partitioned, "one answer sets both"));
        }
        for cookie in sets {
            let found = cookie.look(exchange.place.as_ref());
            // A page that is loaded whole may set any.
            let blocked = exchange
                .keeps_back(&cookie)
                .filter(|_| matches!(exchange.into, Into::Frame | Into::Script));
            let differs =
                held.iter().any(|(other, _)| other.is_partitioned != cookie.is_partitioned);
            if differs && !cookie.is_deletion {
                causes.push(Cause::new(Kind::Partitioned, "two answers differ in it"));
            }
            let is_kept = found.iter().all(|cause| cause.kind == Kind::Deleted)
                && blocked.is_none()
                && !cookie.is_too_large();
            causes.extend(found);
            causes.extend(blocked.map(|detail| Cause::new(Kind::SameSite, detail)));
            held.retain(|(other, _)| {
                (&other.domain, &other.path) != (&cookie.domain, &cookie.path)
            });
            if let Some(place) = &exchange.place
                && is_kept
                && !cookie.is_deletion
            {
                held.push((cookie, place.clone()));
            }
        }
    }
    causes
}

/// Several cookies of one name in a request, with the headers that delete the copies.
fn shadow_copies(exchange: &Exchange, name: &str) -> Option<Cause> {
    let values = exchange.values(name);
    if values.len() < 2 {
        return None;
    }
    let detail = match &exchange.place {
        Some(place) => deletions(name, place).into_iter().collect::<Vec<_>>().join(" | "),
        None => "give --url or --har to see the headers that delete them".into(),
    };
    Some(Cause::new(Kind::ShadowCopies, format!("{} of them; {detail}", values.len())))
}

/// Returns a header for each place where a copy can lie.
fn deletions(name: &str, place: &Place) -> BTreeSet<String> {
    let domains = place.domains().into_iter().map(Some).chain([None]);
    let attributes = domains.flat_map(|domain| {
        place.paths().into_iter().filter_map(move |path| {
            let attributes = Attributes::new().with_path(path).with_secure(place.is_https);
            match domain {
                Some(domain) => attributes.with_domain(domain).ok(),
                None => Some(attributes),
            }
        })
    });
    attributes.map(|it| format!("Set-Cookie: {}", cookie::write_deletion(name, &it))).collect()
}

/// A comma between cookies, behind which Flask sees none.
fn joined_lines(exchange: &Exchange, name: &str) -> Option<Cause> {
    exchange.cookies.iter().find_map(|line| {
        let (first, second) = line.split_once(',')?;
        let follows = second.trim_start().split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        });
        let is_named = |part: &str| cookie::find_joined(part.as_bytes(), name).is_some();
        let is_ours = is_named(first) || is_named(second.trim_start());
        (follows && is_ours).then(|| Cause::new(Kind::JoinedLines, ""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str, cookies: &[&str], set_cookies: &[&str]) -> Exchange {
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
        Exchange {
            place: Place::parse(url),
            method: "GET".into(),
            cookies: lines(cookies),
            set_cookies: lines(set_cookies),
            ..Exchange::default()
        }
    }

    #[track_caller]
    fn check(exchanges: &[Exchange], expected: &[Kind]) {
        let kinds: Vec<_> = look(exchanges, "session").iter().map(|cause| cause.kind).collect();
        assert_eq!(kinds, expected);
    }

    const SITE: &str = "https://shop.example/";

    #[test]
    fn cookie_that_goes_to_and_fro_is_no_cause() {
        check(
            &[
                at(SITE, &[], &["session=x; Path=/; Secure"]),
                at(SITE, &["a=1; session=x"], &[]),
                at("https://other.example/", &[], &[]),
                at(SITE, &["session=x"], &["session=; Path=/; Max-Age=0"]),
                at(SITE, &[], &[]),
            ],
            &[Kind::Deleted],
        );
    }

    #[test]
    fn cookie_that_does_not_come_back_is_told() {
        check(&[at(SITE, &[], &["session=x"]), at(SITE, &[], &[])], &[Kind::NotSent]);
        let http = "http://shop.example/";
        check(&[at(http, &[], &["session=x; Secure"]), at(http, &[], &[])], &[Kind::SecureOnHttp]);
        let deep = "https://shop.example/a/b";
        check(&[at(deep, &[], &["session=x"]), at(SITE, &[], &[])], &[]);
    }

    #[test]
    fn same_site_keeps_back_what_another_site_starts() {
        let set = at(SITE, &[], &["session=x; SameSite=Lax"]);
        let other = |method: &str, into| Exchange {
            method: method.into(),
            is_cross_site: true,
            into,
            ..at(SITE, &[], &[])
        };
        check(&[set.clone(), other("POST", Into::Page)], &[Kind::SameSite]);
        check(&[set.clone(), other("GET", Into::Frame)], &[Kind::SameSite]);
        check(&[set.clone(), other("GET", Into::Unknown)], &[Kind::SameSite]);
        check(&[set, other("GET", Into::Page)], &[Kind::NotSent]);
        let framed =
            Exchange { into: Into::Frame, is_cross_site: true, ..at(SITE, &[], &["session=x"]) };
        check(&[framed], &[Kind::SameSite]);
    }

    #[test]
    fn copies_are_told_with_the_headers_that_delete_them() {
        let twice = at("https://www.shop.example/a/b", &["session=x; session=y"], &[]);
        let causes = look(&[twice], "session");
        assert_eq!(causes[0].kind, Kind::ShadowCopies);
        for header in [
            "Set-Cookie: session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/ ",
            "Set-Cookie: session=; Domain=shop.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; HttpOnly; Path=/a ",
        ] {
            assert!(format!("{} ", causes[0].detail).contains(header), "{}", causes[0].detail);
        }
    }

    #[test]
    fn joined_lines_are_told() {
        check(&[at(SITE, &["theme=dark,session=x"], &[])], &[Kind::JoinedLines]);
        check(&[at(SITE, &["session=x, theme=dark"], &[])], &[Kind::JoinedLines]);
        check(&[at(SITE, &["session=x; note=a,b"], &[])], &[]);
    }

    #[test]
    fn partitioned_beside_plain_is_told() {
        let plain = at(SITE, &[], &["session=x; Secure"]);
        let partitioned =
            at(SITE, &["session=x"], &["session=x; Secure; Partitioned; SameSite=None"]);
        check(&[plain, partitioned], &[Kind::Partitioned]);
    }
}
