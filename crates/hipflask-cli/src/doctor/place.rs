//! Where a request went: scheme, host and path of an address.

/// A place of the web.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) is_https: bool,
    /// In lower case, without the port.
    pub(super) host: String,
    pub(super) path: String,
}

impl Place {
    /// Reads an `http` or `https` address; what is behind `?` and `#` does not count.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let is_https = match &*scheme.to_ascii_lowercase() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return None,
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        // An IPv6 address has colons between brackets.
        let host = match host.rfind(':') {
            Some(colon) if !host[colon..].contains(']') => &host[..colon],
            _ => host,
        };
        let path = if path.is_empty() { "/" } else { path };
        (!host.is_empty()).then(|| Self {
            is_https,
            host: host.to_ascii_lowercase(),
            path: path.into(),
        })
    }

    /// Reports whether browsers keep and send `Secure` cookies there, as Chromium does.
    pub(super) fn is_trustworthy(&self) -> bool {
        let host = self.host.as_str();
        let is_loopback = host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || host.starts_with("127.") && host.split('.').count() == 4;
        self.is_https || is_loopback
    }

    pub(super) fn is_within(&self, domain: &str) -> bool {
        let rest = self.host.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Reports whether two hosts belong to one site, as far as that is known without the list of public
    /// suffixes: they share their last two labels, or are the same.
    pub(super) fn is_same_site(&self, other: &Self) -> bool {
        let site = |host: &str| host.rsplit('.').take(2).map(str::to_owned).collect::<Vec<_>>();
        self.host == other.host
            || !self.domains().is_empty() && site(&self.host) == site(&other.host)
    }

    pub(super) fn is_below(&self, path: &str) -> bool {
        let rest = self.path.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
    }

    /// Returns the path of a cookie that names none.
    pub(super) fn default_path(&self) -> String {
        match self.path.rfind('/') {
            None | Some(0) => "/".into(),
            Some(end) => self.path[..end].into(),
        }
    }

    pub(super) fn origin(&self) -> String {
        format!("{}://{}", if self.is_https { "https" } else { "http" }, self.host)
    }

    /// Returns the host and the domains above it that may have cookies: those with a dot.
    pub(super) fn domains(&self) -> Vec<&str> {
        let is_address = self.host.starts_with('[')
            || self.host.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        if is_address {
            return Vec::new();
        }
        let mut domains = vec![self.host.as_str()];
        while let Some((_, above)) = domains[domains.len() - 1].split_once('.') {
            if !above.contains('.') {
                break;
            }
            domains.push(above);
        }
        domains
    }

    /// Returns the paths at which a cookie that is sent there can have been set, the longest first.
    pub(super) fn paths(&self) -> Vec<&str> {
        let ends = self.path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
        let mut paths: Vec<_> =
            ends.map(|at| &self.path[..at]).chain([self.path.as_str()]).collect();
        paths.push("/");
        paths.retain(|path| *path == "/" || !path.ends_with('/'));
        paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
        paths.dedup();
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_host_and_path() {
        let place = Place::parse("http://User:pw@Shop.Example:8080/a/b?next=/c#d").unwrap();
        assert_eq!((place.host.as_str(), place.path.as_str()), ("shop.example", "/a/b"));
        assert_eq!(place.default_path(), "/a");
        assert_eq!(place.paths(), ["/a/b", "/a", "/"]);
        assert_eq!(place.domains(), ["shop.example"]);
        assert!(place.is_below("/a") && place.is_below("/a/b") && !place.is_below("/a/bc"));
        assert!(!place.is_trustworthy());
        let place = Place::parse("https://a.b.example").unwrap();
        assert_eq!((place.path.as_str(), place.default_path().as_str()), ("/", "/"));
        assert_eq!(place.domains(), ["a.b.example", "b.example"]);
        assert!(place.is_within("b.example") && !place.is_within("xb.example"));
        let place = Place::parse("http://[::1]:5000/").unwrap();
        assert!(place.is_trustworthy() && place.domains().is_empty());
        let is_same_site = |one: &str, two: &str| {
            Place::parse(one).unwrap().is_same_site(&Place::parse(two).unwrap())
        };
        assert!(is_same_site("http://a.shop.example", "https://shop.example/x"));
        assert!(!is_same_site("http://shop.test", "http://other.test"));
        assert!(!is_same_site("http://10.0.0.1", "http://10.1.0.1"));
        assert_eq!(Place::parse("data:text/html,x"), None);
        assert_eq!(Place::parse("http:///x"), None);
    }
}
