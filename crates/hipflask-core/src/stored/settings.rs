//! How sessions are kept in a store, under Flask-Session's names and with its defaults.

use std::{sync::Arc, time::Duration};

use super::SessionId;
use crate::{
    UnixTime,
    cookie::Attributes,
    engine::ConflictPolicy,
    interface::Signing,
    listing,
    record::{Coding, Format, Sealing, TakeOver},
    serializer::Limits,
    signing::{KeyRing, Signer},
};

/// The salt with which Flask-Session signs ids.
pub const FLASK_SESSION_SALT: &str = "flask-session";

/// The shortest life of a record: many stores count in seconds.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);

/// Whether the store sees ids or only their digests.
///
/// ```
/// use hipflask_core::stored::IdStorage;
///
/// assert_eq!(IdStorage::default(), IdStorage::Plain);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum IdStorage {
    /// Only digests: who reads the store cannot log in. Flask-Session finds no such record.
    Hashed,
    /// As `Hashed`, but what lies under a plain id is still found, and moves at the next save.
    HashedFromPlain,
    /// The ids themselves, as Flask-Session has them.
    #[default]
    Plain,
}

/// What becomes of a request whose session cannot be loaded.
///
/// ```
/// use hipflask_core::stored::OnOutage;
///
/// assert_eq!(OnOutage::default(), OnOutage::Refuse);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnOutage {
    /// It gets an empty session that cannot be changed.
    Anonymous,
    /// It fails.
    #[default]
    Refuse,
}

/// How sessions are kept in a store. Nothing is checked here.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use hipflask_core::stored::Settings;
///
/// let settings = Settings { idle_timeout: Some(Duration::from_secs(1800)), ..Settings::default() };
/// assert_eq!(settings.idle(), Duration::from_secs(1800));
/// ```
#[derive(Clone, Debug)] // safe to print: `Signer` redacts itself
#[expect(
    clippy::exhaustive_structs,
    reason = "each field is a setting, and starts with its default"
)]
pub struct Settings {
    /// `SESSION_COOKIE_NAME`.
    pub name: String,
    /// `SESSION_COOKIE_…`.
    pub attributes: Attributes,
    /// `SESSION_USE_SIGNER`: signs ids, if it is there.
    pub signer: Option<Signer>,
    /// `SESSION_RESIGN`: an id that a fallback key or digest has signed is sent again when it is read.
    pub resign: bool,
    /// `SESSION_KEY_PREFIX`.
    pub key_prefix: String,
    /// `SESSION_ID_LENGTH`: random bytes, not characters.
    pub id_length: usize,
    /// `SESSION_SERIALIZATION_FORMAT`.
    pub format: Format,
    /// `SESSION_KEEP_FORMAT`: what was read in another format is written back in that one.
    pub keep_format: bool,
    /// `SESSION_TAKE_OVER`: reads the sessions of another package, too.
    pub take_over: Option<Arc<TakeOver>>,
    /// `SESSION_ENCRYPTION`: opens encrypted records, if it is there, and may write them.
    pub sealing: Option<Sealing>,
    /// `SESSION_PERMANENT`.
    pub permanent: bool,
    /// `PERMANENT_SESSION_LIFETIME`.
    pub lifetime: Duration,
    /// `SESSION_REFRESH_EACH_REQUEST`: reading extends the session's life.
    pub refresh_each_request: bool,
    /// How long a session lives without a request; the lifetime, unless it is set.
    pub idle_timeout: Option<Duration>,
    /// How long a session lives however many requests there are.
    pub absolute_timeout: Option<Duration>,
    /// The part of the idle time, 0 to 1, that must have passed before reading extends it.
    pub touch_after: f64,
    /// Whether the store sees ids.
    pub id_storage: IdStorage,
    /// What wins when two requests change the same key.
    pub conflict_policy: ConflictPolicy,
    /// How much a record may hold.
    pub limits: Limits,
    /// What becomes of a request whose session cannot be loaded.
    pub on_outage: OnOutage,
    /// The session's keys that name its user; the first that is there counts.
    pub user_keys: Vec<String>,
    /// How the sessions of users are listed, if they are.
    pub listing: Option<listing::Settings>,
    /// So late who [watches](crate::visit::Watch) a session learns that another node has ended it.
    pub delay: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "session".into(),
            attributes: Attributes::new(),
            signer: None,
            resign: false,
            key_prefix: "session:".into(),
            id_length: SessionId::DEFAULT_BYTES,
            format: Format::MsgPack,
            keep_format: false,
            take_over: None,
            sealing: None,
            permanent: true,
            lifetime: Duration::from_secs(31 * 24 * 60 * 60),
            refresh_each_request: true,
            idle_timeout: None,
            absolute_timeout: None,
            touch_after: 0.1,
            id_storage: IdStorage::Plain,
            conflict_policy: ConflictPolicy::LastWriter,
            limits: Limits::default(),
            on_outage: OnOutage::Refuse,
            user_keys: vec!["_user_id".into(), "user_id".into()],
            listing: None,
            delay: Duration::from_secs(1),
        }
    }
}

impl Settings {
    /// Returns the signer that Flask-Session has.
    ///
    /// DIFFERENCE: ids of fallback keys are accepted, too.
    pub fn signer(ring: &KeyRing) -> Signer {
        Self::signer_as(ring, Signing::default())
    }

    /// Returns a signer of ids that signs, but for the salt, as cookies are signed.
    ///
    /// ```
    /// use hipflask_core::{interface::Signing, signing::{Digest, KeyRing}, stored::Settings};
    ///
    /// let signing = Signing::default().with_digest(Digest::Sha256);
    /// assert_eq!(Settings::signer_as(&KeyRing::new("k"), signing).digest(), Digest::Sha256);
    /// ```
    pub fn signer_as(ring: &KeyRing, signing: Signing) -> Signer {
        signing.with_salt(FLASK_SESSION_SALT).signer_without_time(ring)
    }

    /// Returns how records are written and read.
    pub fn coding(&self, now: UnixTime) -> Coding {
        let coding = Coding::new(self.format, self.limits).with_kept_format(self.keep_format);
        coding.with_sealing(self.sealing.clone(), now).with_take_over(self.take_over.clone())
    }

    /// Returns how long a session lives without a request: at least a second.
    pub fn idle(&self) -> Duration {
        self.idle_timeout.unwrap_or(self.lifetime).max(SHORTEST)
    }
}
