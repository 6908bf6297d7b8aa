//! The addresses of Redis servers, taken apart.
//!
//! Knows the words of redis-py, which Flask-Session's users have in their configurations.

use std::{fs, time::Duration};

use redis::{
    ClientTlsConfig, ConnectionAddr, ProtocolVersion, RedisConnectionInfo, TlsCertificates,
};

use super::{
    cluster::Cluster,
    lanes::{Lanes, Wait},
    link::Peer,
    sentinel::Sentinels,
    server::{Host, Login, Tls},
    servers::Servers,
};
use crate::store::{
    ConnectError,
    address::{Options, percent_decode, refuse_options, split_options, unknown_option},
};

const SERVER: &str = "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss://… with TLS";
const SENTINEL: &str = "redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DATABASE]";
const CLUSTER: &str = "redis+cluster://[USER:PASSWORD@]HOST[:PORT],…";
const SOCKET: &str = "redis+unix://[USER:PASSWORD@]/PATH[?db=DATABASE]";

/// What an address says.
pub(super) struct Address {
    pub(super) servers: Servers,
    pub(super) deadline: Option<Duration>,
    pub(super) wait: Option<Wait>,
}

/// Reads an address; only files with certificates are opened.
pub(super) fn read(address: &str) -> Result<Address, ConnectError> {
    let (address, mut options) = split_options(address)?;
    let (scheme, rest) = address.split_once("://").unwrap_or((address, ""));
    let kind = ["redis", "valkey"].iter().find_map(|name| scheme.strip_prefix(name));
    let kind = kind.ok_or_else(|| wrong(SERVER))?;
    let (is_secure, kind) = kind.strip_prefix('s').map_or((false, kind), |kind| (true, kind));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let protocol = protocol(&mut options)?;
    let settings = settings(&percent_decode(user)?, &percent_decode(password)?, protocol);
    let login = Login { settings, tls: tls(is_secure, &mut options)? };
    let servers = match kind {
        "" => server(hosts, path, login)?,
        "+cluster" if path.is_empty() => Servers::Cluster(Cluster::new(
            read_hosts(hosts, 6379).ok_or_else(|| wrong(CLUSTER))?,
            login,
        )),
        "+cluster" => return Err(wrong(CLUSTER)),
        "+sentinel" => {
            let user = take("sentinel_username", &mut options).unwrap_or_default();
            let password = take("sentinel_password", &mut options).unwrap_or_default();
            let settings = self::settings(&user, &password, protocol);
            let sentinel_login = Login { settings, tls: login.tls.clone() };
            sentinel(hosts, path, login, sentinel_login)?
        }
        "+unix" if hosts.is_empty() && !is_secure => {
            socket(path, &take("db", &mut options).unwrap_or_default(), login)?
        }
        "+unix" => return Err(wrong(SOCKET)),
        _ => return Err(wrong(SERVER)),
    };
    let (deadline, wait) = (seconds("socket_timeout", &mut options)?, wait(&mut options)?);
    refuse_options(options)?;
    Ok(Address { servers, deadline, wait })
}

const fn wrong(expected: &'static str) -> ConnectError {
    ConnectError::Address { expected }
}

fn server(host: &str, path: &str, mut login: Login) -> Result<Servers, ConnectError> {
    let read = || Some((Host::parse(host, 6379)?, read_database(path)?));
    let (host, database) = read().ok_or_else(|| wrong(SERVER))?;
    login.settings = login.settings.set_db(database);
    let client = login.client(&host).map_err(|_| wrong(SERVER))?;
    Ok(one(&Peer::Server(client)))
}

fn socket(path: &str, database: &str, mut login: Login) -> Result<Servers, ConnectError> {
    let database = read_database(database).ok_or_else(|| unknown_option("db"))?;
    login.settings = login.settings.set_db(database);
    let address = ConnectionAddr::Unix(format!("/{}", percent_decode(path)?).into());
    let client = login.client_at(address).map_err(|_| wrong(SOCKET))?;
    Ok(one(&Peer::Server(client)))
}

fn sentinel(
    hosts: &str,
    path: &str,
    mut master_login: Login,
    login: Login,
) -> Result<Servers, ConnectError> {
    let (name, database) = path.split_once('/').unwrap_or((path, ""));
    let read = || Some((read_hosts(hosts, 26379)?, read_database(database)?));
    let (hosts, database) = read().ok_or_else(|| wrong(SENTINEL))?;
    let name = percent_decode(name)?;
    if name.is_empty() {
        return Err(wrong(SENTINEL));
    }
    master_login.settings = master_login.settings.set_db(database);
    let sentinels = Sentinels { hosts, login, name, master_login };
    Ok(one(&Peer::Master(sentinels)))
}

/// Returns the connections to one server.
pub(super) fn one(peer: &Peer) -> Servers {
    Servers::One(Lanes::new(peer))
}

fn read_hosts(text: &str, port: u16) -> Option<Vec<Host>> {
    text.split(',').map(|host| Host::parse(host, port)).collect()
}

fn read_database(text: &str) -> Option<i64> {
    if text.is_empty() { Some(0) } else { text.parse::<u16>().ok().map(i64::from) }
}

fn settings(user: &str, password: &str, protocol: ProtocolVersion) -> RedisConnectionInfo {
    let mut settings =
        RedisConnectionInfo::default().set_protocol(protocol).set_skip_set_lib_name();
    if !user.is_empty() {
        settings = settings.set_username(user);
    }
    if !password.is_empty() {
        settings = settings.set_password(password);
    }
    settings
}

fn take(name: &str, options: &mut Options) -> Option<String> {
    let position = options.iter().position(|(found, _)| found == name)?;
    Some(options.remove(position).1)
}

fn protocol(options: &mut Options) -> Result<ProtocolVersion, ConnectError> {
    match take("protocol", options).as_deref() {
        None | Some("3") => Ok(ProtocolVersion::RESP3),
        Some("2") => Ok(ProtocolVersion::RESP2),
        Some(_) => Err(unknown_option("protocol")),
    }
}

fn seconds(name: &str, options: &mut Options) -> Result<Option<Duration>, ConnectError> {
    let Some(text) = take(name, options) else {
        return Ok(None);
    };
    let duration = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let duration = duration.filter(|duration| !duration.is_zero());
    duration.map(Some).ok_or_else(|| unknown_option(name))
}

fn wait(options: &mut Options) -> Result<Option<Wait>, ConnectError> {
    let mut number = |name, default| match take(name, options).map(|text| text.parse::<u32>()) {
        None => Ok(default),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(unknown_option(name)),
    };
    let (replicas, timeout) = (number("wait_replicas", 0)?, number("wait_timeout_ms", 1000)?);
    if timeout == 0 {
        return Err(unknown_option("wait_timeout_ms"));
    }
    let timeout = Duration::from_millis(timeout.into());
    Ok((replicas > 0).then_some(Wait { replicas, timeout }))
}

fn tls(is_secure: bool, options: &mut Options) -> Result<Option<Tls>, ConnectError> {
    if !is_secure {
        return Ok(None);
    }
    let is_checked = match take("ssl_cert_reqs", options).as_deref() {
        None | Some("required") => true,
        Some("none") => false,
        Some(_) => return Err(unknown_option("ssl_cert_reqs")),
    };
    let mut read = |name| {
        let path = take(name, options);
        path.map(fs::read).transpose().map_err(|_| unknown_option(name))
    };
    let root_cert = read("ssl_ca_certs")?;
    let client_tls = match (read("ssl_certfile")?, read("ssl_keyfile")?) {
        (None, None) => None,
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, _) => return Err(unknown_option("ssl_keyfile")),
        (_, None) => return Err(unknown_option("ssl_certfile")),
    };
    let tls = Tls { certificates: TlsCertificates { client_tls, root_cert }, is_checked };
    // Here, so that wrong files are found before a server is.
    let login = Login { tls: Some(tls.clone()), ..Login::default() };
    login.client(&Host::unknown()).map_err(|_| wrong_certificates())?;
    Ok(Some(tls))
}

fn wrong_certificates() -> ConnectError {
    unknown_option("ssl_ca_certs, ssl_certfile or ssl_keyfile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(address: &str, expected: &str) {
        let Err(error) = read(address) else { panic!("{address} is taken") };
        let error = error.to_string();
        assert!(error.contains(expected), "{address}: {error}");
        assert!(!error.contains("secret"), "{address}: {error}");
    }

    #[test]
    fn addresses_name_servers_and_options() {
        for address in [
            "redis://localhost",
            "redis://localhost:6379/0",
            "redis://:s%40cret@[::1]:1/15",
            "rediss://user:secret@localhost",
            "redis+sentinel://a,b:26380/mymaster",
            "redis+sentinel://user:secret@a/mymaster/2?sentinel_password=secret",
            "redis+cluster://a,b:7000,c",
            "redis+unix:///run/redis.sock",
            "redis+unix://user:secret@/run/my%20redis.sock?db=2&socket_timeout=1",
            "rediss://a?ssl_cert_reqs=none",
            "valkey://:secret@a/1",
            "valkeys://a?ssl_cert_reqs=none",
            "valkey+cluster://a,b",
            "rediss://a?ssl_cert_reqs=required",
            "valkey+sentinel://a,b:26380/mymaster",
            "valkey+unix:///run/valkey.sock",
            "redis://a?socket_timeout=0.5&protocol=2&wait_replicas=1&wait_timeout_ms=500",
        ] {
            assert!(read(address).is_ok(), "{address}");
        }
        let timeout = Duration::from_millis(500);
        let address =
            read("redis://a?wait_replicas=1&wait_timeout_ms=500&socket_timeout=2").unwrap();
        assert_eq!(address.wait, Some(Wait { replicas: 1, timeout }));
        assert_eq!(address.deadline, Some(Duration::from_secs(2)));
        assert_eq!(read("redis://a").unwrap().wait, None);
    }

    #[test]
    fn wrong_addresses_are_refused_without_repeating_them() {
        for address in ["redis:", "redis://", "redis://u:secret@a,b", "redis://u:secret@a/x"] {
            check_error(address, "must be redis://");
        }
        check_error("redis+sentinel://:secret@a", "must be redis+sentinel://");
        check_error("redis+cluster://:secret@a/1", "must be redis+cluster://");
        check_error("redis+cluster://:secret@a,", "must be redis+cluster://");
        check_error("redis+unix://:secret@a/run/redis.sock", "must be redis+unix://");
        check_error("rediss+unix://:secret@/run/redis.sock", "must be redis+unix://");
        check_error("redis+unix:///run/redis.sock?db=secret", "`db`");
        check_error("rediss://a?ssl_cert_reqs=secret", "`ssl_cert_reqs`");
        check_error("redis://a?ssl_cert_reqs=none", "`ssl_cert_reqs`");
        check_error("redis://a?pasword=secret", "`pasword`");
        check_error("redis://a?protocol=secret", "`protocol`");
        check_error("redis://a?socket_timeout=0", "`socket_timeout`");
        check_error("redis://a?socket_timeout=nan", "`socket_timeout`");
        check_error("redis://a?wait_timeout_ms=0", "`wait_timeout_ms`");
        check_error("redis://a?wait_replicas=-1", "`wait_replicas`");
        check_error("redis://a?ssl_ca_certs=/secret", "`ssl_ca_certs`");
        check_error("rediss://a?ssl_ca_certs=/secret", "`ssl_ca_certs`");
        check_error("rediss://a?ssl_ca_certs=Cargo.toml&ssl_certfile=Cargo.toml", "`ssl_certfile`");
        check_error("redis://a?sentinel_password=secret", "`sentinel_password`");
    }
}
