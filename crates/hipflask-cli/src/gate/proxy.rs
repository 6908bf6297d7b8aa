//! What a proxy asks about, and which proxies are believed: addresses and networks.
//!
//! Without a list, the page is the request's own target, and `X-Forwarded-*` is not looked at. With one, the
//! page is what a listed proxy says, and nothing is known of it otherwise.

use std::{net::IpAddr, str::FromStr};

use hyper::{
    HeaderMap, Method, Request,
    header::{ACCEPT, HeaderValue},
};

use super::path::Page;

/// What is asked about.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) page: Page,
    /// The page's path and query as they were sent.
    pub(super) target: Option<String>,
    /// A browser wants to show it as a page, so that it can be sent elsewhere.
    pub(super) is_navigation: bool,
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>, peer: IpAddr, trusted: &[Network]) -> Self {
        let headers = request.headers();
        let own = request.method().as_str();
        let (target, method) = if trusted.is_empty() {
            (request.uri().path_and_query().map(|it| it.as_str()), own)
        } else if trusted.iter().any(|network| network.contains(peer)) {
            let method = only(headers, "x-forwarded-method").unwrap_or(own);
            (only(headers, "x-forwarded-uri"), method)
        } else {
            (None, own)
        };
        Self {
            page: target.map_or(Page::Unclear, Page::of_target),
            target: target.map(str::to_owned),
            is_navigation: [Method::GET, Method::HEAD].iter().any(|it| it == method)
                && wants_page(headers),
        }
    }
}

/// Returns a header that is there once: of two, one may be the visitor's.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?.to_str().ok()?;
    lines.next().is_none().then_some(line)
}

/// Reports whether a browser navigates; old ones tell only what they would like best.
fn wants_page(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => {
            let mut lines = headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
            lines.any(|line| line.windows(9).any(|it| it == b"text/html"))
        }
    }
}

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Network {
    address: u128,
    is_v4: bool,
    /// How many bits count.
    n_bits: u32,
}

/// A text is no network.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected an address or a network, such as 127.0.0.1 or 10.0.0.0/8")]
pub(super) struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let (address, is_v4) = bits_of(address.parse().map_err(|_| NetworkError)?);
        let width = if is_v4 { 32 } else { 128 };
        let n_bits = bits.map_or(Ok(width), str::parse).map_err(|_| NetworkError)?;
        let network = Self { address, is_v4, n_bits };
        // Bits behind those that count are a mistake of some kind.
        let is_whole =
            n_bits <= width && network.prefix(address) << (width - n_bits).min(127) == address;
        is_whole.then_some(network).ok_or(NetworkError)
    }
}

impl Network {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (bits, is_v4) = bits_of(address);
        is_v4 == self.is_v4 && self.prefix(bits) == self.prefix(self.address)
    }

    fn prefix(&self, bits: u128) -> u128 {
        let width = if self.is_v4 { 32 } else { 128_u32 };
        bits.checked_shr(width.saturating_sub(self.n_bits)).unwrap_or(0)
    }
}

/// Returns the bits of an address; IPv4 inside of IPv6 is IPv4.
fn bits_of(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(address) => (address.to_bits().into(), true),
        IpAddr::V6(address) => (address.to_bits(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, expected: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
    }

    #[test]
    fn network_contains_its_addresses() {
        check("127.0.0.1", "127.0.0.1", true);
        check("127.0.0.1", "::ffff:127.0.0.1", true);
        check("127.0.0.1", "127.0.0.2", false);
        check("10.0.0.0/8", "10.255.1.2", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.0.0.0/8", "::a00:1", false);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("0.0.0.0/0", "::1", false);
        check("::1", "::1", true);
        check("fd00::/8", "fd12::1", true);
        check("fd00::/8", "fe80::1", false);
        check("::/0", "fe80::1", true);
    }

    fn asked(trusted: &[&str], headers: &[(&str, &str)]) -> Asked {
        let mut request = Request::get("/own?x=1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let trusted: Vec<_> = trusted.iter().map(|it| it.parse().unwrap()).collect();
        Asked::of(&request.body(()).unwrap(), "10.0.0.1".parse().unwrap(), &trusted)
    }

    #[test]
    fn only_listed_proxies_are_believed() {
        let forged = [
            ("X-Forwarded-Uri", "/public?y=2"),
            ("X-Forwarded-Method", "POST"),
            ("Accept", "text/html"),
        ];
        let own = asked(&[], &forged);
        assert_eq!((own.page, own.target.as_deref()), (Page::of_target("/own"), Some("/own?x=1")));
        assert!(own.is_navigation);
        let other = asked(&["127.0.0.1"], &forged);
        assert_eq!((other.page, other.target.as_deref()), (Page::Unclear, None));
        let listed = asked(&["127.0.0.1", "10.0.0.0/8"], &forged);
        assert_eq!(
            (listed.page, listed.target.as_deref()),
            (Page::of_target("/public"), Some("/public?y=2"))
        );
        assert!(!listed.is_navigation);
    }

    #[test]
    fn what_a_proxy_says_twice_or_not_is_unclear() {
        for headers in [&[][..], &[("X-Forwarded-Uri", "/public"), ("X-Forwarded-Uri", "/admin")]] {
            assert_eq!(asked(&["10.0.0.1"], headers).page, Page::Unclear, "{headers:?}");
        }
    }

    #[test]
    fn browsers_say_whether_they_navigate() {
        for (name, value, expected) in [
            ("Sec-Fetch-Mode", "navigate", true),
            ("Sec-Fetch-Mode", "cors", false),
            ("Sec-Fetch-Mode", "websocket", false),
            ("Accept", "text/html,*/*", true),
            ("Accept", "application/json", false),
            ("Accept", "*/*", false),
        ] {
            assert_eq!(asked(&[], &[(name, value)]).is_navigation, expected, "{name}: {value}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "localhost",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0/8",
            "::1/129",
            "::1/0",
            "1.2.3.4/-1",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
    }
}
