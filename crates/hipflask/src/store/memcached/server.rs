//! Reads addresses: `memcached://h1:11211,h2:11211?timeout=3`.

use std::time::Duration;

use super::super::address::{ConnectError, split_options, unknown_option};

const EXPECTED: ConnectError = ConnectError::Address {
    expected: "memcached://HOST[:PORT][,HOST[:PORT]…][?timeout=…&connect_timeout=…&max_pool_size=…]",
};
const DEFAULT_PORT: u16 = 11211;

/// Where a server is.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    /// `host:port` without brackets, as pymemcache hashes it.
    pub(super) name: String,
}

/// How servers are talked to, in pymemcache's words.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) max_pool_size: usize,
}

/// Takes an address apart.
pub(super) fn read(address: &str) -> Result<(Vec<Server>, Options), ConnectError> {
    let rest = address.strip_prefix("memcached://").ok_or(EXPECTED)?;
    let (servers, query) = split_options(rest)?;
    let servers = servers.trim_end_matches('/').split(',').map(server).collect::<Result<_, _>>()?;
    Ok((servers, options(&query)?))
}

fn server(text: &str) -> Result<Server, ConnectError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, port.parse().map_err(|_| EXPECTED)?),
        _ => (text, DEFAULT_PORT),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    // What is left of a login, a path or an address without brackets is no host.
    let is_strange = |c: char| c.is_whitespace() || "/@[]".contains(c);
    let lacks_brackets = bare.contains(':') && bare == host;
    if bare.is_empty() || lacks_brackets || bare.contains(is_strange) {
        return Err(EXPECTED);
    }
    Ok(Server { host: bare.into(), port, name: format!("{bare}:{port}") })
}

fn options(query: &[(String, String)]) -> Result<Options, ConnectError> {
    let mut options = Options {
        connect_timeout: Duration::from_secs(3),
        timeout: Duration::from_secs(3),
        max_pool_size: 16,
    };
    for (name, value) in query {
        let read = match name.as_str() {
            "connect_timeout" => seconds(value).map(|time| options.connect_timeout = time),
            "timeout" => seconds(value).map(|time| options.timeout = time),
            "max_pool_size" => (value.parse().ok().filter(|size| (1..=1024).contains(size)))
                .map(|size| options.max_pool_size = size),
            _ => None,
        };
        read.ok_or_else(|| unknown_option(name))?;
    }
    Ok(options)
}

fn seconds(text: &str) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(text.parse().ok()?).ok()?;
    (!time.is_zero()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, names: &[&str]) {
        let (servers, _) = read(address).unwrap();
        assert_eq!(servers.iter().map(|server| &*server.name).collect::<Vec<_>>(), names);
    }

    #[test]
    fn read_names_servers_as_pymemcache_does() {
        check("memcached://cache", &["cache:11211"]);
        check("memcached://a:1,b:2/", &["a:1", "b:2"]);
        check("memcached://[::1]:1,[::1]", &["::1:1", "::1:11211"]);
    }

    #[test]
    fn read_takes_options_in_pymemcache_s_words() {
        let query = "memcached://a?timeout=0.5&connect_timeout=1&max_pool_size=4";
        let (_, options) = read(query).unwrap();
        let expected = Options {
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
            max_pool_size: 4,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn read_refuses_other_addresses_without_repeating_them() {
        for address in [
            "memcached://",
            "memcached://a,,b",
            "memcached://a:port",
            "memcached://user:hunter2@a",
            "memcached://::1",
            "memcached://a/hunter2",
            "redis://hunter2",
        ] {
            let error = read(address).unwrap_err();
            assert!(matches!(error, ConnectError::Address { .. }), "{address}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{address}");
        }
    }

    #[test]
    fn read_names_the_option_that_is_wrong() {
        for query in ["tiemout=1", "timeout=0", "timeout=-1", "max_pool_size=0", "timeout"] {
            let error = read(&format!("memcached://a?{query}")).unwrap_err();
            let name = query.split('=').next().unwrap();
            assert!(
                matches!(error, ConnectError::Option { name: told } if told == name),
                "{query}"
            );
        }
    }
}
