//! What a browser's headers say of where a request comes from.
//!
//! `Sec-Fetch-Site` first, then whether `Origin` is the request's own host: the verdicts of
//! tower-http 0.7, which are Go's. The facade's tests ask both about the same requests.

use super::CsrfError;

/// What the headers say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Another site has started the request.
    Refused(CsrfError),
    /// The method changes nothing.
    Safe,
    /// The site itself, the visitor, or a trusted site has started the request.
    SameOrigin,
    /// Nothing: an old browser, or no browser. tower-http lets such requests pass.
    Silent,
}

/// The parts of a request that tell where it comes from.
///
/// ```
/// use hipflask_core::csrf::{CsrfError, Headers, Verdict};
///
/// let own = Headers {
///     method: "POST",
///     host: Some(b"shop.example"),
///     origin: Some(b"https://shop.example"),
///     sec_fetch_site: None,
/// };
/// assert_eq!(own.judge(|_| false), Verdict::SameOrigin);
/// let other = Headers { origin: Some(b"https://evil.example"), ..own };
/// assert_eq!(other.judge(|_| false), Verdict::Refused(CsrfError::OriginMismatch));
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "these are all headers that count")]
pub struct Headers<'a> {
    /// `POST`, and so on.
    pub method: &'a str,
    /// The authority of the request's address, if it has one, else `Host`.
    pub host: Option<&'a [u8]>,
    /// `Origin`.
    pub origin: Option<&'a [u8]>,
    /// `Sec-Fetch-Site`.
    pub sec_fetch_site: Option<&'a [u8]>,
}

impl Headers<'_> {
    /// Says where the request comes from; `is_trusted` says whether an origin counts as the own.
    pub fn judge(self, is_trusted: impl Fn(&[u8]) -> bool) -> Verdict {
        if matches!(self.method, "GET" | "HEAD" | "OPTIONS") {
            return Verdict::Safe;
        }
        let origin = self.origin.unwrap_or_default();
        let refusal = match self.sec_fetch_site.unwrap_or_default() {
            b"same-origin" | b"none" => return Verdict::SameOrigin,
            b"" if origin.is_empty() => return Verdict::Silent,
            b"" if self.host.is_some() && parts(origin).map(|(host, _)| host) == self.host => {
                return Verdict::SameOrigin;
            }
            b"" => CsrfError::OriginMismatch,
            _ => CsrfError::CrossSite,
        };
        if is_trusted(origin) { Verdict::SameOrigin } else { Verdict::Refused(refusal) }
    }
}

/// Reports whether a text is an origin as browsers write it, such as `https://shop.example`.
///
/// ```
/// use hipflask_core::csrf::is_origin;
///
/// assert!(is_origin("https://shop.example:8443"));
/// assert!(!is_origin("shop.example") && !is_origin("https://shop.example/"));
/// ```
pub fn is_origin(text: &str) -> bool {
    parts(text.as_bytes()).is_some_and(|(_, path)| path.is_empty())
}

/// Returns host with port, and the rest of an address of the web. What browsers never write as an origin, such as a
/// name before the host, is none: this is at no place laxer than tower-http.
fn parts(address: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = strip_scheme(address, b"https://").or_else(|| strip_scheme(address, b"http://"))?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let is_sound = is_host(str::from_utf8(host).ok()?) && all(path, b"-._~/?#=&");
    is_sound.then_some((host, path))
}

fn strip_scheme<'a>(address: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = address.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// A name or an address, and a port if there is one.
fn is_host(host: &str) -> bool {
    // An address of IPv6 has colons of its own, in brackets.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "0"),
    };
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = v6.map_or_else(|| all(name.as_bytes(), b"-._~"), |v6| all(v6.as_bytes(), b":."));
    is_name
        && !name.is_empty()
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reports whether there are only letters, digits and these.
fn all(text: &[u8], others: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || others.contains(byte))
}
