//! How the records of a store are written and read at one moment: format, limits, and encryption.
//!
//! Between `decode` and those who have records. A record is sealed for the key under which it lies, so
//! that it says nothing under any other one.

use std::sync::Arc;

use super::{DecodeError, Decoded, EncodeError, Format, TakeOver, decode, empty, encode};
use crate::{
    UnixTime,
    serializer::Limits,
    signing::{KeyRing, Sealer},
    value::Dict,
};

/// Opens encrypted records, and says whether records are to be encrypted.
///
/// ```
/// use hipflask_core::{record::Sealing, signing::KeyRing};
///
/// let sealing = Sealing::new(&KeyRing::new("k"));
/// assert_eq!(format!("{sealing:?}"), "Sealing { encryption: None, .. }");
/// ```
#[derive(Clone)]
pub struct Sealing {
    sealer: Arc<Sealer>,
    encryption: Option<Encryption>,
}

/// Records are encrypted.
#[derive(Clone, Copy, Debug)]
struct Encryption {
    accept_plain_until: Option<UnixTime>,
}

impl Sealing {
    /// Opens what keys of this ring have sealed, and seals nothing.
    pub fn new(ring: &KeyRing) -> Self {
        Self { sealer: Arc::new(Sealer::new(ring, "record")), encryption: None }
    }

    /// Encrypts records, so that nobody can read them in the store. DIFFERENCE: Flask-Session cannot read
    /// them either.
    ///
    /// Plain ones are read before the time `accept_plain_until`, and become encrypted ones when they are
    /// next saved.
    ///
    /// ```
    /// use hipflask_core::{
    ///     UnixTime, record::{Coding, Format, Sealing}, serializer::Limits, signing::KeyRing, value::Dict,
    /// };
    ///
    /// let sealing = Sealing::new(&KeyRing::new("k")).with_encryption(None);
    /// let coding = Coding::new(Format::MsgPack, Limits::default());
    /// let coding = coding.with_sealing(sealing, UnixTime::from_secs(1_763_692_800));
    /// let record = coding.encode(&Dict::new(), "session:S")?;
    /// assert!(coding.decode(&record, "session:S").is_ok());
    /// assert!(coding.decode(&record, "session:T").is_err());
    /// # Ok::<(), hipflask_core::record::EncodeError>(())
    /// ```
    #[cfg(feature = "encryption")]
    #[must_use]
    #[doc(alias = "SESSION_ENCRYPTION")]
    pub const fn with_encryption(mut self, accept_plain_until: Option<UnixTime>) -> Self {
        self.encryption = Some(Encryption { accept_plain_until });
        self
    }
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealing").field("encryption", &self.encryption).finish_non_exhaustive()
    }
}

/// How records are written and read at one moment.
///
/// ```
/// use hipflask_core::{record::{Coding, Format}, serializer::Limits, value::Dict};
///
/// let coding = Coding::new(Format::Json, Limits::default());
/// assert_eq!(coding.encode(&Dict::new(), "session:S")?, b"{}");
/// # Ok::<(), hipflask_core::record::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Coding {
    format: Format,
    limits: Limits,
    sealing: Option<Sealing>,
    keeps_format: bool,
    take_over: Option<Arc<TakeOver>>,
    now: UnixTime,
}

impl Coding {
    /// Writes plain records, and opens no others.
    pub const fn new(format: Format, limits: Limits) -> Self {
        let now = UnixTime::from_secs(0);
        Self { format, limits, sealing: None, keeps_format: false, take_over: None, now }
    }

    /// Writes each record back in the format in which it was read, so that others can go on reading it.
    ///
    /// ```
    /// use hipflask_core::{record::{Coding, Format}, serializer::Limits};
    ///
    /// let coding = Coding::new(Format::MsgPack, Limits::default()).with_kept_format(true);
    /// assert_eq!(coding.for_record_in(Format::Pickle).format(), Format::Pickle);
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_KEEP_FORMAT")]
    pub const fn with_kept_format(mut self, keeps_format: bool) -> Self {
        self.keeps_format = keeps_format;
        self
    }

    /// Returns how a record is written that was read in a format.
    #[must_use]
    pub const fn for_record_in(mut self, format: Format) -> Self {
        self.format = self.format_for(format);
        self
    }

    /// Returns the format in which a record is written that was read in a format.
    pub(crate) const fn format_for(&self, read: Format) -> Format {
        if self.keeps_format { read } else { self.format }
    }

    /// Opens encrypted records, too, and writes them if that is to be.
    #[must_use]
    pub fn with_sealing(self, sealing: impl Into<Option<Sealing>>, now: UnixTime) -> Self {
        Self { sealing: sealing.into(), now, ..self }
    }

    /// Reads the records of another package, too.
    #[must_use]
    pub fn with_take_over(self, take_over: impl Into<Option<Arc<TakeOver>>>) -> Self {
        Self { take_over: take_over.into(), ..self }
    }

    /// Returns how records are written.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Writes a record that is to lie under a key.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] for what the format cannot hold.
    pub fn encode(&self, content: &Dict, key: &str) -> Result<Vec<u8>, EncodeError> {
        let record = encode(content, self.format)?;
        Ok(match self.sealing.as_ref().filter(|it| it.encryption.is_some()) {
            Some(sealing) => sealing.sealer.seal_record(&record, key.as_bytes()),
            None => record,
        })
    }

    /// Reads a record that lies under a key.
    ///
    /// # Errors
    ///
    /// As [`decode`](super::decode), [`DecodeError::Encrypted`] when no key opens it, and
    /// [`DecodeError::NotEncrypted`] when it is plain and no such record is accepted.
    pub fn decode(&self, record: &[u8], key: &str) -> Result<Decoded, DecodeError> {
        if Sealer::is_sealed_record(record) {
            let sealing = self.sealing.as_ref().ok_or(DecodeError::Encrypted)?;
            let unsealed = sealing.sealer.unseal_record(record, key.as_bytes());
            let (key, record) = unsealed.ok_or(DecodeError::Encrypted)?;
            let decoded = decode(&record, self.format, self.limits)?;
            return Ok(Decoded { key: Some(key), ..decoded });
        }
        let foreign = self.take_over.as_ref().and_then(|it| it.read(record, key, self.limits));
        if let Some(read) = foreign {
            return read.map(|(content, format)| Decoded {
                content: Some(content),
                format,
                key: None,
            });
        }
        // That a session was renewed is no secret.
        if self.refuses_plain() && !Format::FLASK_SESSIONS.map(empty).contains(&record) {
            return Err(DecodeError::NotEncrypted);
        }
        decode(record, self.format, self.limits)
    }

    /// Reports whether a record that was read would be sealed otherwise now.
    pub(crate) fn is_outdated(&self, decoded: &Decoded) -> bool {
        let seals = self.sealing.as_ref().is_some_and(|it| it.encryption.is_some());
        decoded.key != seals.then_some(0)
    }

    /// Returns the content as it comes back from a store.
    pub(crate) fn as_stored(&self, content: &Dict) -> Dict {
        super::as_stored(content, self.format, self.limits)
    }

    fn refuses_plain(&self) -> bool {
        let encryption = self.sealing.as_ref().and_then(|it| it.encryption);
        encryption.is_some_and(|it| it.accept_plain_until.is_none_or(|until| self.now >= until))
    }
}
