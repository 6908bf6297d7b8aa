//! Whether two addresses are of one origin, as Flask-WTF compares them.

/// Reports whether scheme, host and port of two addresses are the same.
///
/// As in Flask-WTF the case of scheme and host does not count, and a port that is left out is another
/// than the same port written out.
///
/// ```
/// use hipflask_core::csrf::is_same_origin;
///
/// assert!(is_same_origin("https://SHOP.example/cart?page=2", "https://shop.example/"));
/// assert!(!is_same_origin("https://shop.example:443/", "https://shop.example/"));
/// ```
pub fn is_same_origin(one: &str, other: &str) -> bool {
    let one = origin(one);
    one.is_some() && one == origin(other)
}

/// Scheme, host and port.
fn origin(address: &str) -> Option<(String, String, Option<u16>)> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    // An address of IPv6 has colons of its own, in brackets.
    let end = host.find(']').map_or(0, |end| end + 1);
    let (host, port) = match host[end..].find(':') {
        Some(colon) => (&host[..end + colon], &host[end + colon + 1..]),
        None => (host, ""),
    };
    let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
    (!host.is_empty()).then(|| (scheme.to_ascii_lowercase(), host.to_lowercase(), port))
}
