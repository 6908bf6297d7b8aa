//! With which digest cookies and ids are signed, which others are accepted, and whether sessions are encrypted.
//!
//! Flask signs with SHA-1. To leave it without logging anybody out, sign with another one and accept
//! SHA-1 until what it signed has expired.

use hipflask_core::{UnixTime, interface::Signing, signing::Digest};

use super::{ConfigError, SessionConfig, given::Given};

impl SessionConfig {
    /// Signs cookies, and ids of stored sessions where they are signed, with another digest than SHA-1.
    ///
    /// A Flask app that shares the cookie has to be set to the same: `docs/keys.md` has the lines.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig, UnixTime, config::Digest};
    ///
    /// let until = UnixTime::from_secs(1_798_761_600); // the first second of 2027
    /// let config = SessionConfig::new(SecretKey::random()?)
    ///     .with_digest(Digest::Sha256)
    ///     .with_fallback_digest(Digest::Sha1, until);
    /// config.build()?;
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_DIGEST")]
    pub const fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Accepts what another digest has signed, too: before the time `until`, or for ever.
    #[must_use]
    #[doc(alias = "SESSION_DIGEST_FALLBACKS")]
    pub fn with_fallback_digest(
        mut self,
        digest: Digest,
        until: impl Into<Option<UnixTime>>,
    ) -> Self {
        self.fallback_digests.push((digest, until.into()));
        self
    }

    /// Sets whether a cookie that a fallback key or digest has signed is signed anew and sent again by the
    /// first request that uses its session, and not only by the next that changes it: no.
    ///
    /// Then fallbacks can be dropped sooner. DIFFERENCE: Flask never sends a session that nobody has changed.
    /// A page that only reads and a page that writes may then both send a signed cookie, and the
    /// browser keeps the later one, so turn it on for a change of keys and off again.
    #[must_use]
    #[doc(alias = "SESSION_RESIGN")]
    pub const fn with_resign(mut self, resign: bool) -> Self {
        self.resign = resign;
        self
    }

    /// Encrypts sessions, in their cookies or in a store, so that nobody can read them: no. Needs the feature
    /// `encryption`.
    ///
    /// DIFFERENCE: this is not Flask's format, nor Flask-Session's. A Flask app reads it with the Python
    /// package, and not without. Whether it is on or not, what is encrypted is read.
    ///
    /// ```
    /// # #[cfg(feature = "encryption")] {
    /// use hipflask::{SecretKey, SessionConfig, UnixTime};
    ///
    /// let until = UnixTime::from_secs(1_798_761_600); // the first second of 2027
    /// let config = SessionConfig::new(SecretKey::random()?)
    ///     .with_encryption(true)
    ///     .with_plain_accepted_until(until);
    /// config.build()?;
    /// # }
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_ENCRYPTION")]
    pub const fn with_encryption(mut self, encrypt: bool) -> Self {
        self.encryption = encrypt;
        self
    }

    /// Reports whether sessions are encrypted.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// assert!(!SessionConfig::new(SecretKey::random()?).encrypts());
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    pub const fn encrypts(&self) -> bool {
        self.encryption
    }

    /// Sets until when plain cookies and records are accepted, where they are to be encrypted: not at all.
    #[must_use]
    #[doc(alias = "SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL")]
    pub const fn with_plain_accepted_until(mut self, until: UnixTime) -> Self {
        self.accept_plain_until = Some(until);
        self
    }

    /// Returns a way of signing with these digests.
    pub(super) fn signed(&self, signing: Signing) -> Signing {
        let signing = match self.digest {
            Some(digest) => signing.with_digest(digest),
            None => signing,
        };
        let fallbacks = self.fallback_digests.iter();
        fallbacks
            .fold(signing, |signing, &(digest, until)| signing.with_fallback_digest(digest, until))
    }
}

/// Reads the digest that signs. MD5 is for what exists.
pub(super) fn signing(name: &str, value: Given) -> Result<Digest, ConfigError> {
    match named(name, &value.text(name)?)? {
        Digest::Md5 => Err(unknown(name)),
        digest => Ok(digest),
    }
}

/// Reads the digests that are only accepted: a list, or a table that says until when.
pub(super) fn fallbacks(
    name: &str,
    value: Given,
) -> Result<Vec<(Digest, Option<UnixTime>)>, ConfigError> {
    const EXPECTED: &str =
        "a list such as [\"sha1\"], or a table such as {\"sha1\": \"2027-01-31\"},";
    match value {
        Given::Null => Ok(Vec::new()),
        Given::List(items) => {
            items.into_iter().map(|item| Ok((named(name, &item.text(name)?)?, None))).collect()
        }
        Given::Table(_, entries) => {
            let accepted = |(digest, until): (String, Given)| {
                let until = match until {
                    Given::Null => None,
                    until => Some(until.moment(name)?),
                };
                Ok((named(name, &digest)?, until))
            };
            entries.into_iter().map(accepted).collect()
        }
        other => Err(other.wrong_type(name, EXPECTED)),
    }
}

fn named(name: &str, digest: &str) -> Result<Digest, ConfigError> {
    digest.to_ascii_lowercase().parse().map_err(|_| unknown(name))
}

fn unknown(name: &str) -> ConfigError {
    ConfigError::Store { name: name.into(), expected: "sha1, sha256 or sha512" }
}
