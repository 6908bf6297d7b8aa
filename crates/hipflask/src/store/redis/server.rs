//! Where a Redis server is, and how to introduce oneself to it.

use std::fmt;

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult, TlsCertificates,
    io::tcp::TcpSettings,
};

/// A server's name and port.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

impl Host {
    /// Reads `NAME`, `NAME:PORT`, `[IPv6]` or `[IPv6]:PORT`.
    pub(super) fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']')? {
                (name, "") => (name, None),
                (name, port) => (name, Some(port.strip_prefix(':')?)),
            },
            None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
        };
        let port = port.map_or(Ok(default_port), str::parse).ok()?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
        (!name.is_empty() && name.bytes().all(is_name))
            .then(|| Self { name: name.to_owned(), port })
    }

    /// Reads the `NAME:PORT` after the slot in a cluster's redirection. The name is empty when it
    /// is the one of the server that answers, and an IPv6 address has no brackets there.
    pub(super) fn of_redirect(details: &str) -> Option<Self> {
        let (name, port) = details.split(' ').nth(1)?.rsplit_once(':')?;
        Some(Self { name: name.to_owned(), port: port.parse().ok()? })
    }

    /// Returns what stands for no host, where only the rest of an answer counts.
    pub(super) const fn unknown() -> Self {
        Self { name: String::new(), port: 0 }
    }

    /// Fills in the name that an answer left out: it is the one of the server that answered.
    pub(super) fn or_name_of(mut self, other: &Self) -> Self {
        if self.name.is_empty() {
            self.name.clone_from(&other.name);
        }
        self
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

/// How to introduce oneself to a server.
#[derive(Clone, Default)]
pub(super) struct Login {
    pub(super) settings: RedisConnectionInfo,
    pub(super) tls: Option<Tls>,
}

/// How to know that it is the server.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) certificates: TlsCertificates,
    /// Whether the server's certificate must be one to trust.
    pub(super) is_checked: bool,
}

impl Login {
    pub(super) fn client(&self, host: &Host) -> RedisResult<Client> {
        let (name, port) = (host.name.clone(), host.port);
        let address = match &self.tls {
            None => ConnectionAddr::Tcp(name, port),
            Some(Tls { is_checked, .. }) => {
                let insecure = !is_checked;
                ConnectionAddr::TcpTls { host: name, port, insecure, tls_params: None }
            }
        };
        self.client_at(address)
    }

    pub(super) fn client_at(&self, address: ConnectionAddr) -> RedisResult<Client> {
        let info = address
            .into_connection_info()?
            .set_redis_settings(self.settings.clone())
            // Small requests must not wait for each other's acknowledgements.
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        match &self.tls {
            None => Client::open(info),
            Some(Tls { certificates, .. }) => {
                choose_cryptography();
                Client::build_with_tls(info, certificates.clone())
            }
        }
    }
}

/// Gives rustls its cryptography if the application has not: where several are compiled in, it
/// would panic for not knowing which.
fn choose_cryptography() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // Another thread may have been first, with what is as good.
        let _ = ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u16)>) {
        let found = Host::parse(text, 6379);
        assert_eq!(found.as_ref().map(|host| (host.name.as_str(), host.port)), expected, "{text}");
    }

    #[test]
    fn hosts_have_a_name_and_perhaps_a_port() {
        check("localhost", Some(("localhost", 6379)));
        check("127.0.0.1:7000", Some(("127.0.0.1", 7000)));
        check("[::1]", Some(("::1", 6379)));
        check("[::1]:7000", Some(("::1", 7000)));
        for wrong in ["", ":7000", "a:", "a:b", "a:70000", "[::1", "[::1]7000", "::1", "a,b", "a b"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn redirections_may_leave_out_the_name() {
        let here = Host { name: "here".into(), port: 1 };
        let read = |text| Host::of_redirect(text).map(|host| host.or_name_of(&here));
        assert_eq!(read("1 there:2"), Some(Host { name: "there".into(), port: 2 }));
        assert_eq!(read("1 ::1:2"), Some(Host { name: "::1".into(), port: 2 }));
        assert_eq!(read("1 :2"), Some(Host { name: "here".into(), port: 2 }));
        assert_eq!(read("1 there"), None);
    }
}
