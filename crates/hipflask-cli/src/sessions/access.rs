//! Which store, and by which rules its records are read: from the command line, else from a configuration.

use std::time::{SystemTime, UNIX_EPOCH};

use hipflask::{
    config::{ConfigError, SessionConfig},
    store::{AnyStore, ConnectError, StoreKind, connect},
};
use hipflask_core::{
    UnixTime,
    stored::{Settings, StoredSessions},
};

use super::args::{ConfigArgs, StoreArgs};
use crate::{node::Node, output::Failure};

const NO_STORE: &str = "there is no store: give --store, or a --config or an environment that has SESSION_STORE, the \
                        address of what SESSION_TYPE names only by its kind";
const MEMORY: &str = "a store in memory belongs to its own process, and nobody else can see it";

/// How the records of an application are read.
pub(super) struct Access {
    /// As the configuration has it, without a key if it has none.
    pub(super) rules: StoredSessions,
    /// `None` where there is no key, and so no configuration.
    pub(super) config: Option<SessionConfig>,
    /// How long a session lives was said: by a configuration, or by that setting in the environment.
    pub(super) knows_life: bool,
    /// `SESSION_STORE`.
    address: Option<String>,
}

impl Access {
    /// Reads the configuration.
    pub(super) fn read(args: &ConfigArgs) -> Result<Self, Failure> {
        let node = match &args.config {
            Some(path) => Node::of_file(path, &args.prefix.prefix)?,
            None => Node::of_environment(&args.prefix.prefix),
        };
        let config = node.config_for_reading().map(|it| match &args.key_prefix {
            Some(prefix) => it.with_key_prefix(prefix),
            None => it,
        });
        let fault = |error: ConfigError| Failure::Configuration(error.to_string());
        let rules = match &config {
            Some(config) => config.build_stored().map_err(fault)?,
            None => {
                let prefix = args.key_prefix.clone();
                let defaults = Settings::default();
                let key_prefix = prefix.unwrap_or_else(|| defaults.key_prefix.clone());
                StoredSessions::new(Settings { key_prefix, ..defaults })
            }
        };
        let knows_life =
            args.config.is_some() || node.shown("PERMANENT_SESSION_LIFETIME").is_some();
        Ok(Self { rules, config, knows_life, address: node.store().map(str::to_owned) })
    }

    /// Returns an address that was given, else the configuration's.
    pub(super) fn address<'a>(&'a self, given: Option<&'a str>) -> Result<&'a str, Failure> {
        given.or(self.address.as_deref()).ok_or_else(|| Failure::Configuration(NO_STORE.into()))
    }

    /// Reads the configuration and connects to the store.
    pub(super) async fn to_store(args: &StoreArgs) -> Result<(Self, AnyStore), Failure> {
        let mut access = Self::read(&args.config)?;
        let store = open(access.address(args.store.as_deref())?).await?;
        access.rules = access.rules.for_store(&store);
        Ok((access, store))
    }

    /// Returns the configuration whose sessions are signed cookies that can be revoked, and what may be shown of
    /// where; `None` where a store of sessions is named.
    pub(super) fn of_revocations(
        args: &StoreArgs,
    ) -> Result<Option<(SessionConfig, String)>, Failure> {
        let access = Self::read(&args.config)?;
        if access.address(args.store.as_deref()).is_ok() {
            return Ok(None);
        }
        let Some(config) = access.config.filter(|config| !config.wants_store()) else {
            return Ok(None);
        };
        let place = config.revocations().and_then(StoreKind::shown);
        Ok(place.map(|place| (config, place)))
    }

    /// Returns what may be shown of the store's address.
    pub(super) fn place(&self, args: &StoreArgs) -> String {
        let address = self.address(args.store.as_deref()).ok();
        address.and_then(StoreKind::shown).unwrap_or_else(|| "the store".into())
    }

    /// Returns what the keys of sessions start with.
    pub(super) fn key_prefix(&self) -> &str {
        &self.rules.settings().key_prefix
    }
}

/// Connects to a store that other processes can have, too.
pub(super) async fn open(address: &str) -> Result<AnyStore, Failure> {
    let fault = |error: ConnectError| Failure::Configuration(error.to_string());
    if StoreKind::of(address).map_err(fault)?.feature() == "memory" {
        return Err(Failure::Configuration(MEMORY.into()));
    }
    connect(address).await.map_err(fault)
}

/// Returns the time of this machine, to the millisecond.
pub(super) fn now() -> UnixTime {
    UnixTime::since_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
