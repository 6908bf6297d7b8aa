//! Passwords: hashes them with Argon2id, and verifies what Flask apps have in their databases.
//!
//! Knows neither users nor sessions. A hash decides by its own text how it is verified: Argon2, bcrypt,
//! and Werkzeug's `scrypt:…` and `pbkdf2:…`.

mod error;
mod scheme;
mod stored;

use std::{
    num::NonZero,
    sync::{Arc, LazyLock},
    thread,
};

use tokio::{sync::Semaphore, task::spawn_blocking};
use zeroize::Zeroizing;

pub use error::PasswordError;
pub use scheme::{LongPasswords, Scheme};
use stored::Stored;

/// What the functions of this module use; so they share its places.
static PASSWORDS: LazyLock<Passwords> = LazyLock::new(Passwords::new);

/// Hashes a password with Argon2id, at the cost of [`Scheme::ARGON2ID`].
///
/// It takes its time on purpose: in a handler, use [`hash_async`].
///
/// ```
/// use hipflask::password;
///
/// let hash = password::hash("correct horse")?;
/// assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// assert!(password::verify(&hash, "correct horse")?);
/// # Ok::<(), password::PasswordError>(())
/// ```
///
/// # Errors
///
/// [`PasswordError`] when the operating system gives no random bytes or no memory.
#[doc(alias = "generate_password_hash")]
pub fn hash(password: &str) -> Result<String, PasswordError> {
    PASSWORDS.hash(password)
}

/// Reports whether a password is the one that was hashed.
///
/// It takes its time on purpose: in a handler, use [`verify_async`].
///
/// ```
/// use hipflask::password;
///
/// let by_werkzeug = "pbkdf2:sha256:10$SSSSSSSSSSSSSSSS$\
///     bebb3b461691590bdbad4db637a2706ae06dd19e7b0a158285bede3b64752b44";
/// assert!(password::verify(by_werkzeug, "pw")?);
/// assert!(!password::verify(by_werkzeug, "PW")?);
/// # Ok::<(), password::PasswordError>(())
/// ```
///
/// # Errors
///
/// [`PasswordError`] when the hash is of no known kind, is malformed, or asks for more work than is
/// allowed. A text that looks like no hash at all, such as an empty one, is nobody's: `false`.
#[doc(alias = "check_password_hash")]
pub fn verify(hash: &str, password: &str) -> Result<bool, PasswordError> {
    PASSWORDS.verify(hash, password)
}

/// As [`verify`], and without a hash, because there is no such user, it works as long to say no.
///
/// ```
/// assert!(!hipflask::password::verify_opt(None, "correct horse")?);
/// # Ok::<(), hipflask::password::PasswordError>(())
/// ```
///
/// # Errors
///
/// As [`verify`].
pub fn verify_opt(hash: Option<&str>, password: &str) -> Result<bool, PasswordError> {
    PASSWORDS.verify_opt(hash, password)
}

/// Reports whether [`hash`] would write another kind of hash, or one of another cost.
///
/// ```
/// use hipflask::password;
///
/// let hash = "scrypt:32768:8:1$SSSSSSSSSSSSSSSS$84c52084…"; // Werkzeug's
/// assert!(password::needs_rehash(hash)); // so, after the right password: store `hash` of it
/// assert!(!password::needs_rehash(&password::hash("correct horse")?));
/// # Ok::<(), password::PasswordError>(())
/// ```
pub fn needs_rehash(hash: &str) -> bool {
    PASSWORDS.needs_rehash(hash)
}

/// As [`hash`], beside the async threads.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), hipflask::password::PasswordError> {
/// let hash = hipflask::password::hash_async("correct horse").await?;
/// assert!(hash.starts_with("$argon2id$"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`hash`], and [`PasswordError::Stopped`] when the runtime stops.
pub async fn hash_async(password: impl Into<String>) -> Result<String, PasswordError> {
    PASSWORDS.hash_async(password).await
}

/// As [`verify_opt`], beside the async threads.
///
/// ```
/// use hipflask::password;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), password::PasswordError> {
/// // What the database has for the name; `None` if there is no such user.
/// let hash: Option<String> = None;
/// if password::verify_async(hash, "correct horse").await? {
///     // Log the user in.
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`verify`], and [`PasswordError::Stopped`] when the runtime stops.
pub async fn verify_async(
    hash: Option<String>,
    password: impl Into<String>,
) -> Result<bool, PasswordError> {
    PASSWORDS.verify_async(hash, password).await
}

/// How an app hashes its passwords, and how it verifies them: what the functions of this module do,
/// with other settings.
///
/// A clone shares the places of its original. A place is what a hash waits for beside the async threads:
/// there is one for each processor, so a flood of log-ins fills neither the memory nor the runtime's
/// threads. Who waits for a place costs no thread.
///
/// ```
/// use hipflask::password::{Passwords, Scheme};
///
/// // A Flask app reads the same database: write what Werkzeug reads.
/// let passwords = Passwords::new().with_scheme(Scheme::WERKZEUG);
/// assert!(passwords.hash("correct horse")?.starts_with("scrypt:32768:8:1$"));
/// # Ok::<(), hipflask::password::PasswordError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Passwords {
    scheme: Scheme,
    unknown: Option<Scheme>,
    long: LongPasswords,
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// Hashes with Argon2id, and takes every hash for what it says it is.
    pub fn new() -> Self {
        let places = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            scheme: Scheme::ARGON2ID,
            unknown: None,
            long: LongPasswords::default(),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// Hashes new passwords by this scheme. An unknown user costs the same, unless
    /// [`with_unknown_as`](Self::with_unknown_as) says otherwise.
    #[must_use]
    pub const fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Works for an unknown user as for a hash of this scheme: the one that most of the database has,
    /// while it moves to another.
    ///
    /// ```
    /// use hipflask::password::{Passwords, Scheme};
    ///
    /// let passwords = Passwords::new().with_unknown_as(Scheme::WERKZEUG);
    /// assert!(!passwords.verify_opt(None, "correct horse")?);
    /// # Ok::<(), hipflask::password::PasswordError>(())
    /// ```
    #[must_use]
    pub const fn with_unknown_as(mut self, scheme: Scheme) -> Self {
        self.unknown = Some(scheme);
        self
    }

    /// Says what bcrypt makes of passwords that are longer than its 72 bytes.
    ///
    /// ```
    /// use hipflask::password::{LongPasswords, Passwords};
    ///
    /// // The Flask app has BCRYPT_HANDLE_LONG_PASSWORDS = True.
    /// let passwords = Passwords::new().with_long_passwords(LongPasswords::Sha256);
    /// let hash = "$2b$04$abcdefghijklmnopqrstuuzHTbv0lrj5s03Em7gz6JYOm8SuPUrp.";
    /// assert!(passwords.verify(hash, "pw")?);
    /// # Ok::<(), hipflask::password::PasswordError>(())
    /// ```
    #[doc(alias = "BCRYPT_HANDLE_LONG_PASSWORDS")]
    #[must_use]
    pub const fn with_long_passwords(mut self, long: LongPasswords) -> Self {
        self.long = long;
        self
    }

    /// Has `places` for hashes that are made at once beside the async threads: else one for each
    /// processor. Each takes 19 MiB with [`Scheme::ARGON2ID`].
    #[must_use]
    pub fn with_places(mut self, places: NonZero<usize>) -> Self {
        self.places = Arc::new(Semaphore::new(places.get().min(Semaphore::MAX_PERMITS)));
        self
    }

    /// As [`hash`](hash()), by this scheme.
    ///
    /// # Errors
    ///
    /// As [`hash`](hash()), and [`PasswordError::TooLong`] from bcrypt.
    pub fn hash(&self, password: &str) -> Result<String, PasswordError> {
        self.scheme.hash(password, self.long)
    }

    /// As [`verify`].
    ///
    /// # Errors
    ///
    /// As [`verify`].
    pub fn verify(&self, hash: &str, password: &str) -> Result<bool, PasswordError> {
        match Stored::parse(hash)? {
            Some(stored) => stored.verify(password, self.long),
            None => {
                // The work of a hash is the work of looking for it; and nothing is compared.
                self.unknown.unwrap_or(self.scheme).hash(password, LongPasswords::Truncated)?;
                Ok(false)
            }
        }
    }

    /// As [`verify_opt`].
    ///
    /// # Errors
    ///
    /// As [`verify`].
    pub fn verify_opt(&self, hash: Option<&str>, password: &str) -> Result<bool, PasswordError> {
        self.verify(hash.unwrap_or_default(), password)
    }

    /// Reports whether [`hash`](Self::hash) would write another kind of hash, or one of another cost.
    pub fn needs_rehash(&self, hash: &str) -> bool {
        !matches!(Stored::parse(hash), Ok(Some(stored)) if stored.scheme() == Some(self.scheme))
    }

    /// As [`hash`](Self::hash), beside the async threads.
    ///
    /// # Errors
    ///
    /// As [`hash`](Self::hash), and [`PasswordError::Stopped`] when the runtime stops.
    pub async fn hash_async(&self, password: impl Into<String>) -> Result<String, PasswordError> {
        let (this, password) = (self.clone(), Zeroizing::new(password.into()));
        self.run(move || this.hash(&password)).await
    }

    /// As [`verify_opt`](Self::verify_opt), beside the async threads.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`PasswordError::Stopped`] when the runtime stops.
    pub async fn verify_async(
        &self,
        hash: Option<String>,
        password: impl Into<String>,
    ) -> Result<bool, PasswordError> {
        let (this, password) = (self.clone(), Zeroizing::new(password.into()));
        self.run(move || this.verify_opt(hash.as_deref(), &password)).await
    }

    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, PasswordError> + Send + 'static,
    ) -> Result<R, PasswordError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| PasswordError::Stopped)?;
        let done = spawn_blocking(move || {
            // A visitor who goes away does not end the work, so the work itself holds the place.
            let _place = place;
            work()
        });
        done.await.map_err(|_| PasswordError::Stopped)?
    }
}
