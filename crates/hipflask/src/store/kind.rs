//! The kinds of stores there are: the one list of their schemes and features.
//!
//! Before the stores; knows how their addresses start, and nothing of what they do.

use hipflask_core::record::Format;

use super::ConnectError;

macro_rules! kinds {
    ($($feature:literal $port:literal $schemes:expr;)*) => {
        &[$(StoreKind {
            feature: $feature,
            is_built: cfg!(feature = $feature),
            port: $port,
            schemes: &$schemes,
        }),*]
    };
}

/// Every kind of store, also those that were left out when Hipflask was built.
pub const STORES: &[StoreKind] = kinds! {
    "dynamodb" 0 ["dynamodb"];
    "filesystem" 0 ["file"];
    "memcached" 11211 ["memcached"];
    "memory" 0 ["memory"];
    "mongodb" 27017 ["mongodb"];
    "mysql" 3306 ["mysql", "mariadb"];
    "postgres" 5432 ["postgres", "postgresql"];
    "redis" 6379 [
        "redis", "rediss", "valkey", "valkeys",
        "redis+cluster", "rediss+cluster", "valkey+cluster", "valkeys+cluster",
        "redis+sentinel", "rediss+sentinel", "valkey+sentinel", "valkeys+sentinel",
        "redis+unix", "valkey+unix",
    ];
    "sqlite" 0 ["sqlite"];
};

/// What stores are addressed by, in short.
const EXPECTED: &str = "memory:, file:DIR, sqlite:PATH or a URL like redis://HOST";

/// More edits than these make another word.
const MAX_EDITS: usize = 2;

/// A kind of store, as its addresses start.
///
/// ```
/// use hipflask::store::StoreKind;
///
/// let kind = StoreKind::of("rediss://user:password@localhost/0")?;
/// assert_eq!(kind.feature(), "redis");
/// assert!(kind.schemes().contains(&"valkey"));
///
/// let error = StoreKind::of("redsi://localhost").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "no session store has an address of this scheme: did you mean `redis:`?",
/// );
/// # Ok::<(), hipflask::store::ConnectError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoreKind {
    feature: &'static str,
    is_built: bool,
    /// Where its server listens unless told otherwise; 0 where there is none to go to.
    port: u16,
    schemes: &'static [&'static str],
}

impl StoreKind {
    /// Finds the kind that an address is of.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when it is of none; with the nearest scheme, if one is near.
    pub fn of(address: &str) -> Result<&'static Self, ConnectError> {
        let unknown = ConnectError::Address { expected: EXPECTED };
        let Some((scheme, _)) = address.split_once(':') else { return Err(unknown) };
        let found = STORES.iter().find(|kind| kind.schemes.contains(&scheme));
        found.ok_or_else(|| {
            nearest(scheme).map_or(unknown, |nearest| ConnectError::Scheme { nearest })
        })
    }

    /// Returns the name of the cargo feature that brings it.
    pub const fn feature(&self) -> &'static str {
        self.feature
    }

    /// Reports whether it was compiled in.
    pub const fn is_built(&self) -> bool {
        self.is_built
    }

    /// Returns the only format that Flask-Session reads from such a store; `None` leaves the choice to
    /// the configuration.
    pub fn record_format(&self) -> Option<Format> {
        (self.feature == "filesystem").then_some(Format::Pickle)
    }

    /// Returns what its addresses start with, up to the colon.
    pub const fn schemes(&self) -> &'static [&'static str] {
        self.schemes
    }

    /// Returns what may be shown of an address: its scheme, servers and path, without a user, a password
    /// or options; `None` if it is no address, or it is not certain which part is which.
    ///
    /// ```
    /// use hipflask::store::StoreKind;
    ///
    /// let shown = StoreKind::shown("redis://:hunter2@cache/1?timeout=5");
    /// assert_eq!(shown.as_deref(), Some("redis://cache:6379/1"));
    /// ```
    pub fn shown(address: &str) -> Option<String> {
        let kind = Self::of(address).ok()?;
        let (scheme, rest) = address.split_once(':')?;
        let path = rest.split_once('?').map_or(rest, |(path, _)| path);
        if kind.port == 0 || scheme.ends_with("+unix") {
            return (!path.contains('@')).then(|| format!("{scheme}:{path}"));
        }
        let path = path.strip_prefix("//")?.split_once('/').map_or("", |(_, path)| path);
        let servers = kind.servers(address)?;
        Some(
            format!("{scheme}://{}/{path}", servers.replace(", ", ","))
                .trim_end_matches('/')
                .to_owned(),
        )
    }

    /// Returns the hosts in one of its addresses with their port: never a user or a password, and
    /// nothing where it is not certain which part is which.
    pub(super) fn servers(&self, address: &str) -> Option<String> {
        let (scheme, rest) = address.split_once("://")?;
        let before_options = rest.split_once('?').map_or(rest, |(path, _)| path);
        let (authority, path) = before_options.split_once('/').unwrap_or((before_options, ""));
        let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
        let is_unclear = path.contains('@') || hosts == authority && rest.contains('@');
        if self.port == 0 || hosts.is_empty() || is_unclear {
            return None;
        }
        let port = if scheme.ends_with("+sentinel") { 26379 } else { self.port };
        let hosts = hosts.split(',').map(|host| match host.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => host.to_owned(),
            _ => format!("{host}:{port}"),
        });
        Some(hosts.collect::<Vec<_>>().join(", "))
    }
}

/// Finds the scheme that somebody may have meant: with few edits, or without what follows a plus.
fn nearest(scheme: &str) -> Option<&'static str> {
    // What is much longer is none, and comparing takes the longer the longer it is.
    let scheme = scheme.get(..32.min(scheme.len()))?.to_ascii_lowercase();
    let schemes = STORES.iter().flat_map(|kind| kind.schemes).copied();
    let base = scheme.split('+').next().unwrap_or_default();
    let (edits, nearest) =
        schemes.clone().map(|known| (strsim::levenshtein(&scheme, known), known)).min()?;
    if edits <= MAX_EDITS { Some(nearest) } else { schemes.clone().find(|known| *known == base) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_misspelt_schemes() {
        for (scheme, expected) in [
            ("redsi", Some("redis")),
            ("Redis", Some("redis")),
            ("postgress", Some("postgres")),
            ("mongodb+srv", Some("mongodb")),
            ("rediss+unix", Some("redis+unix")),
            ("sqllite", Some("sqlite")),
            ("http", None),
            ("secret-that-is-no-scheme", None),
            ("", None),
        ] {
            assert_eq!(nearest(scheme), expected, "{scheme}");
        }
    }

    #[test]
    fn schemes_are_of_one_kind_each() {
        let schemes = || STORES.iter().flat_map(StoreKind::schemes);
        for scheme in schemes() {
            assert_eq!(schemes().filter(|other| *other == scheme).count(), 1, "{scheme}");
            assert!(StoreKind::of(&format!("{scheme}:")).is_ok());
        }
    }

    #[cfg(all(feature = "filesystem", feature = "memory"))]
    #[tokio::test]
    async fn kinds_know_the_format_of_their_stores() {
        use crate::store::{Store, connect};

        let folder = std::env::temp_dir().join(format!("hipflask-kinds-{}", std::process::id()));
        for address in [format!("file:{}", folder.display()), "memory:".into()] {
            let (kind, store) =
                (StoreKind::of(&address).unwrap(), connect(&address).await.unwrap());
            assert_eq!(kind.record_format(), store.record_format(), "{address}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn servers_are_shown_without_a_login() {
        for (address, expected) in [
            ("redis://localhost", Some("localhost:6379")),
            ("redis://u:secret@h:1/0", Some("h:1")),
            ("redis://:secr@et@[::1]/0?db=a@secret", Some("[::1]:6379")),
            ("valkeys+sentinel://a,b:1/m", Some("a:26379, b:1")),
            ("redis://u:1/secret@h", None),
            ("redis://u:1?secret@h", None),
            ("redis+unix:///run/redis.sock", None),
            ("mysql://u:secret@h/d?ssl-mode=x", Some("h:3306")),
            ("dynamodb://eu-central-1/Sessions", None),
            ("sqlite:secret", None),
        ] {
            let kind = StoreKind::of(address).unwrap();
            assert_eq!(kind.servers(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn addresses_are_shown_without_what_is_secret() {
        for (address, expected) in [
            ("redis://localhost", Some("redis://localhost:6379")),
            ("redis://u:secret@h:1/0?x=secret", Some("redis://h:1/0")),
            ("redis://u:1/secret@h", None),
            ("valkeys+sentinel://a,b:1/m", Some("valkeys+sentinel://a:26379,b:1/m")),
            ("redis+unix:///run/redis.sock?db=1", Some("redis+unix:///run/redis.sock")),
            ("mysql://u:secret@h/d", Some("mysql://h:3306/d")),
            ("dynamodb://eu-central-1/Sessions", Some("dynamodb://eu-central-1/Sessions")),
            ("dynamodb://key:secret@eu-central-1/Sessions", None),
            ("sqlite:/var/lib/s.db?mode=ro", Some("sqlite:/var/lib/s.db")),
            ("secret", None),
        ] {
            assert_eq!(StoreKind::shown(address).as_deref(), expected, "{address}");
        }
    }
}
