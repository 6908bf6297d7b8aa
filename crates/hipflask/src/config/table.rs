//! The table of settings: each one's name, whose it is, what it takes, and where that goes.
//!
//! Code, environment, TOML, Python, misspellings and `docs/settings.md` read this one table.

use std::time::Duration;

use hipflask_core::{
    cookie::SameSite,
    engine::ConflictPolicy,
    listing::OnUserLimit,
    record::{Format, Package},
    stored::IdStorage,
};

use super::{
    ConfigError, OnOutage, SessionConfig, digest, given::Given, lifetime, revocations::Address,
};

/// Who has defined the name of a setting.
///
/// ```
/// use hipflask::config::{Origin, settings};
///
/// assert!(settings().iter().any(|setting| setting.origin() == Origin::FlaskSession));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Origin {
    /// Flask itself.
    Flask,
    /// Flask-Session.
    FlaskSession,
    /// Flask-WTF.
    FlaskWtf,
    /// Hipflask.
    Hipflask,
}

/// A name that a configuration may have, in the environment, in TOML or in Python.
///
/// ```
/// use hipflask::config::settings;
///
/// let lifetime = settings().iter().find(|it| it.name() == "PERMANENT_SESSION_LIFETIME");
/// assert_eq!(lifetime.map(|setting| setting.takes()), Some("seconds"));
/// ```
#[derive(Debug)]
pub struct Setting {
    name: &'static str,
    origin: Origin,
    takes: &'static str,
    default: &'static str,
    pub(super) goes: Goes,
}

/// Where the value of a setting goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goes {
    /// To the keys, which are read together.
    Key(&'static str),
    /// Nowhere in Rust: what to do instead.
    Nowhere(&'static str),
    /// To the configuration, as this method of it does; the text is how the name was written.
    To(&'static str, fn(&mut SessionConfig, &str, Given) -> Result<(), ConfigError>),
}

impl Setting {
    /// Returns the name, as Flask's configuration has it: without a prefix.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns who has defined the name.
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns what kind of value it takes, in words.
    pub const fn takes(&self) -> &'static str {
        self.takes
    }

    /// Reports whether it takes a truth value.
    pub fn is_flag(&self) -> bool {
        self.takes == FLAG
    }

    /// Returns what counts where it is not set.
    pub const fn default(&self) -> &'static str {
        self.default
    }

    /// Returns what does the same in code.
    pub const fn method(&self) -> Option<&'static str> {
        match self.goes {
            Goes::Key(method) | Goes::To(method, _) => Some(method),
            Goes::Nowhere(_) => None,
        }
    }

    /// Returns what to do instead, where Rust has no use for the setting.
    pub const fn instead(&self) -> Option<&'static str> {
        match self.goes {
            Goes::Nowhere(instead) => Some(instead),
            _ => None,
        }
    }
}

/// Returns all settings that have a meaning for sessions, in the order of their names.
pub const fn settings() -> &'static [Setting] {
    SETTINGS
}

pub(super) const ADDRESS: &str = "the address of a store";
pub(super) const CONNECT: &str =
    "connect in code, with the address of the store: hipflask::store::connect";
const SWEEP: &str = "call `purge` of the store from time to time, in a task of its own";
const WEAK: &str = "a weak key is always refused: `insecure_accept_weak_key` accepts it";
const THEIRS: &str = "see Flask-Session";
const FLAG: &str = "`true` or `false`";
const SECONDS: &str = "seconds";
const POLICIES: &str = "last_writer, first_writer or error";
const STORAGES: &str = "plain, hashed or hashed_from_plain";
const OUTAGES: &str = "anonymous or refuse";
const SESSIONS: &str = "a whole number of sessions";
const USER_LIMITS: &str = "end_oldest or refuse";
const FORMATS: &str = "msgpack, json, pickle or tagged_json";
const PACKAGES: &str = "the word of a package: beaker, django_database, django_signed_cookies, \
    flask_kvsession, quart_session, starlette or starsessions";
const BYTES: &str = "a whole number of bytes, 0 being no limit,";
const KEYS: &str = "a list of keys of a session, such as [\"_user_id\"],";
const DIGESTS: &str = "sha1, sha256 or sha512";
const PART: &str = "a number from 0 to 1,";

macro_rules! goes {
    (key $method:literal) => {
        Goes::Key($method)
    };
    (nowhere $instead:expr) => {
        Goes::Nowhere($instead)
    };
    (to $method:literal |$it:ident, $name:ident, $value:ident| $apply:expr) => {
        Goes::To($method, |$it, $name, $value| {
            $apply;
            Ok(())
        })
    };
}

/// `"NAME" Origin(what it takes, "default") { where it goes }`
macro_rules! rows {
    ($($name:literal $origin:ident($takes:expr, $default:literal) { $($goes:tt)* })*) => {
        &[$(Setting {
            name: $name,
            origin: Origin::$origin,
            takes: $takes,
            default: $default,
            goes: goes!($($goes)*),
        }),*]
    };
}

const SETTINGS: &[Setting] = rows! {
    "APPLICATION_ROOT" Flask("a path", "`/`")
        { to "with_application_root" |it, name, value| it.application_root = value.text(name)? }
    "MAX_COOKIE_SIZE" Flask("a number of bytes, 0 for no limit", "`4096`")
        { to "with_max_cookie_size" |it, name, value| it.max_cookie_size = value.size(name, BYTES)? }
    "PERMANENT_SESSION_LIFETIME" Flask(SECONDS, "`2678400`")
        { to "with_lifetime" |it, name, value| it.lifetime = lifetime::from_given(name, &value)? }
    "SECRET_KEY" Flask("text", "") { key "SessionConfig::new" }
    "SECRET_KEY_FALLBACKS" Flask("a list of texts", "") { key "SecretKey::with_fallback" }
    "SECRET_KEY_FILE" Hipflask("a file or folder of keys, the current one first", "")
        { key "SecretKey::watch" }
    "SESSION_ABSOLUTE_TIMEOUT" Hipflask(SECONDS, "none")
        { to "with_absolute_timeout"
          |it, name, value| it.stored.settings.absolute_timeout = Some(value.seconds(name)?) }
    "SESSION_CACHELIB" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_CLEANUP_N_REQUESTS" FlaskSession(THEIRS, "") { nowhere SWEEP }
    "SESSION_CONFLICT_POLICY" Hipflask(POLICIES, "`last_writer`")
        { to "with_conflict_policy"
          |it, name, value| it.stored.settings.conflict_policy = conflict_policy(name, value)? }
    "SESSION_COOKIE_DOMAIN" Flask("a host name", "the own host")
        { to "with_domain" |it, name, value| it.domain = domain(name, value)? }
    "SESSION_COOKIE_HTTPONLY" Flask(FLAG, "`true`")
        { to "insecure_allow_javascript" |it, name, value| it.http_only = value.flag(name)? }
    "SESSION_COOKIE_NAME" Flask("text", "`session`")
        { to "with_cookie_name" |it, name, value| it.cookie_name = value.text(name)? }
    "SESSION_COOKIE_PARTITIONED" Flask(FLAG, "`false`")
        { to "with_partitioned" |it, name, value| it.partitioned = value.flag(name)? }
    "SESSION_COOKIE_PATH" Flask("a path", "`APPLICATION_ROOT`")
        { to "with_path" |it, name, value| it.path = path(name, value)? }
    "SESSION_COOKIE_SAMESITE" Flask("`Lax`, `Strict` or `None`", "the browser's")
        { to "with_same_site" |it, name, value| it.same_site = same_site(name, value)? }
    "SESSION_COOKIE_SECURE" Flask(FLAG, "`false`")
        { to "with_secure" |it, name, value| it.secure = value.flag(name)? }
    "SESSION_DIGEST" Hipflask(DIGESTS, "`sha1`")
        { to "with_digest" |it, name, value| it.digest = Some(digest::signing(name, value)?) }
    "SESSION_DIGEST_FALLBACKS" Hipflask("a list of digests, or a table of digests and dates", "")
        { to "with_fallback_digest"
          |it, name, value| it.fallback_digests = digest::fallbacks(name, value)? }
    "SESSION_DYNAMODB" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_DYNAMODB_TABLE" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_ENCRYPTION" Hipflask(FLAG, "`false`")
        { to "with_encryption" |it, name, value| it.encryption = value.flag(name)? }
    "SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL" Hipflask("a date", "not at all")
        { to "with_plain_accepted_until"
          |it, name, value| it.accept_plain_until = Some(value.moment(name)?) }
    "SESSION_FILE_DIR" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_FILE_MODE" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_FILE_THRESHOLD" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_IDLE_TIMEOUT" Hipflask(SECONDS, "`PERMANENT_SESSION_LIFETIME`")
        { to "with_idle_timeout"
          |it, name, value| it.stored.settings.idle_timeout = Some(value.seconds(name)?) }
    "SESSION_ID_LENGTH" FlaskSession("a number of bytes", "`32`")
        { to "with_id_length" |it, name, value| it.stored.settings.id_length = value.size(name, BYTES)? }
    "SESSION_ID_STORAGE" Hipflask(STORAGES, "`plain`")
        { to "with_id_storage" |it, name, value| it.stored.settings.id_storage = id_storage(name, value)? }
    "SESSION_KEEP_FORMAT" Hipflask(FLAG, "`false`")
        { to "with_kept_format"
          |it, name, value| it.stored.settings.keep_format = value.flag(name)? }
    "SESSION_KEY_PREFIX" FlaskSession("text", "`session:`")
        { to "with_key_prefix" |it, name, value| it.stored.settings.key_prefix = value.text(name)? }
    "SESSION_MEMCACHED" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_MONGODB" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_MONGODB_COLLECT" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_MONGODB_DB" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_ON_OUTAGE" Hipflask(OUTAGES, "`refuse`")
        { to "with_on_outage" |it, name, value| it.stored.settings.on_outage = on_outage(name, value)? }
    "SESSION_ON_USER_LIMIT" Hipflask(USER_LIMITS, "`end_oldest`")
        { to "with_on_user_limit"
          |it, name, value| it.stored.listing.on_user_limit = on_user_limit(name, value)? }
    "SESSION_PERMANENT" FlaskSession(FLAG, "`true`")
        { to "with_permanent" |it, name, value| it.stored.settings.permanent = value.flag(name)? }
    "SESSION_REDIS" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_REFRESH_EACH_REQUEST" Flask(FLAG, "`true`")
        { to "with_refresh_each_request" |it, name, value| it.refresh_each_request = value.flag(name)? }
    "SESSION_REFRESH_UNTOUCHED" Hipflask(FLAG, "`false`")
        { to "with_refresh_untouched" |it, name, value| it.refresh_untouched = value.flag(name)? }
    "SESSION_REFUSE_WEAK_KEY" Hipflask(FLAG, "`false`") { nowhere WEAK }
    "SESSION_RESIGN" Hipflask(FLAG, "`false`")
        { to "with_resign" |it, name, value| it.resign = value.flag(name)? }
    "SESSION_REVOCATIONS" Hipflask(ADDRESS, "none")
        { to "with_revocations"
          |it, name, value| it.revocations.address = Some(Address(value.text(name)?)) }
    "SESSION_REVOCATIONS_DELAY" Hipflask(SECONDS, "`1`")
        { to "with_revocation_delay" |it, name, value| it.revocations.settings.delay = value.seconds(name)? }
    "SESSION_SERIALIZATION_FORMAT" FlaskSession(FORMATS, "`msgpack`")
        { to "with_record_format" |it, name, value| it.stored.settings.format = format(name, value)? }
    "SESSION_SQLALCHEMY" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_SQLALCHEMY_BIND_KEY" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_SQLALCHEMY_SCHEMA" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_SQLALCHEMY_SEQUENCE" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_SQLALCHEMY_TABLE" FlaskSession(THEIRS, "") { nowhere CONNECT }
    "SESSION_STORE" Hipflask(ADDRESS, "") { nowhere CONNECT }
    "SESSION_STORE_DEADLINE" Hipflask(SECONDS, "`2`")
        { to "with_store_deadline" |it, name, value| it.stored.deadline = value.seconds(name)? }
    "SESSION_TAKE_OVER" Hipflask("the word of a package", "none")
        { to "with_take_over"
          |it, name, value| it.foreign.package = Some(value.word(name, PACKAGES, &Package::ALL)?) }
    "SESSION_TAKE_OVER_KEY" Hipflask("text", "`SECRET_KEY`")
        { to "with_take_over_key" |it, name, value| it.foreign.key = Some(value.text(name)?.into()) }
    "SESSION_TAKE_OVER_MAX_AGE" Hipflask(SECONDS, "`1209600`")
        { to "with_take_over_max_age"
          |it, name, value| it.foreign.max_age = Some(value.seconds(name)?) }
    "SESSION_TOUCH_AFTER" Hipflask("a number from 0 to 1", "`0.1`")
        { to "with_touch_after" |it, name, value| it.stored.settings.touch_after = value.number(name, PART)? }
    "SESSION_TYPE" FlaskSession("the kind of a store", "`null`")
        { to "SessionLayer::stored" |it, name, value| it.stored.wanted = session_type(name, value)? }
    "SESSION_USER_INDEX" Hipflask(FLAG, "`false`")
        { to "with_user_index" |it, name, value| it.stored.lists_users = value.flag(name)? }
    "SESSION_USER_KEYS" Hipflask("a list of keys", "`[\"_user_id\", \"user_id\"]`")
        { to "with_user_keys" |it, name, value| it.revocations.settings.user_keys = value.texts(name, KEYS)? }
    "SESSION_USER_LIMIT" Hipflask("a number of sessions", "none")
        { to "with_user_limit"
          |it, name, value| it.stored.listing.most = Some(value.size(name, SESSIONS)?) }
    "SESSION_USE_SIGNER" FlaskSession(FLAG, "`false`")
        { to "with_signed_ids" |it, name, value| it.stored.use_signer = value.flag(name)? }
    "WTF_CSRF_FIELD_NAME" FlaskWtf("text", "`csrf_token`")
        { to "with_csrf_field_name" |it, name, value| it.csrf.field = value.text(name)? }
    "WTF_CSRF_SECRET_KEY" FlaskWtf("text", "`SECRET_KEY`")
        { to "with_csrf_secret_key" |it, name, value| it.csrf.secret_key = Some(value.text(name)?.into()) }
    "WTF_CSRF_TIME_LIMIT" FlaskWtf("seconds, or null for no limit", "`3600`")
        { to "with_csrf_time_limit" |it, name, value| it.csrf.time_limit = time_limit(name, &value)? }
};

fn time_limit(name: &str, value: &Given) -> Result<Option<Duration>, ConfigError> {
    if matches!(value, Given::Null) { Ok(None) } else { value.seconds(name).map(Some) }
}

fn conflict_policy(name: &str, value: Given) -> Result<ConflictPolicy, ConfigError> {
    use ConflictPolicy::{Error, FirstWriter, LastWriter};
    let words = [("error", Error), ("first_writer", FirstWriter), ("last_writer", LastWriter)];
    value.word(name, POLICIES, &words)
}

fn id_storage(name: &str, value: Given) -> Result<IdStorage, ConfigError> {
    use IdStorage::{Hashed, HashedFromPlain, Plain};
    let words = [("hashed", Hashed), ("hashed_from_plain", HashedFromPlain), ("plain", Plain)];
    value.word(name, STORAGES, &words)
}

fn on_outage(name: &str, value: Given) -> Result<OnOutage, ConfigError> {
    let words = [("anonymous", OnOutage::Anonymous), ("refuse", OnOutage::Refuse)];
    value.word(name, OUTAGES, &words)
}

fn on_user_limit(name: &str, value: Given) -> Result<OnUserLimit, ConfigError> {
    let words = [("end_oldest", OnUserLimit::EndOldest), ("refuse", OnUserLimit::Refuse)];
    value.word(name, USER_LIMITS, &words)
}

fn format(name: &str, value: Given) -> Result<Format, ConfigError> {
    value.word(name, FORMATS, &Format::ALL)
}

fn same_site(name: &str, value: Given) -> Result<Option<SameSite>, ConfigError> {
    match value {
        Given::Null => Ok(None),
        value => Ok(Some(value.text(name)?.parse()?)),
    }
}

/// The store's own address is not Flask-Session's to tell: it takes client objects.
fn session_type(name: &str, value: Given) -> Result<Option<String>, ConfigError> {
    const TYPES: [&str; 7] =
        ["cachelib", "dynamodb", "filesystem", "memcached", "mongodb", "redis", "sqlalchemy"];
    const EXPECTED: &str = "null, cookie, or one of Flask-Session's types, such as redis";
    if matches!(value, Given::Null) {
        return Ok(None);
    }
    match value.text(name)?.to_ascii_lowercase() {
        word if ["cookie", "null"].contains(&word.as_str()) => Ok(None),
        word if TYPES.contains(&word.as_str()) => Ok(Some(word)),
        _ => Err(ConfigError::Store { name: name.into(), expected: EXPECTED }),
    }
}

fn domain(name: &str, value: Given) -> Result<Option<String>, ConfigError> {
    const EXPECTED: &str = "a host name, or `false` in lower case for none,";
    // What is meant for Python would otherwise be the name of a host.
    let is_word = |text: &str| ["False", "None"].contains(&text);
    match value {
        Given::Bool(false) | Given::Null => Ok(None),
        Given::Text(text) if !is_word(&text) => Ok(Some(text)),
        other => Err(other.wrong_type(name, EXPECTED)),
    }
}

fn path(name: &str, value: Given) -> Result<Option<String>, ConfigError> {
    match value {
        Given::Null | Given::Bool(false) => Ok(None),
        Given::Text(text) if text.is_empty() => Ok(None),
        value => value.text(name).map(Some),
    }
}
