//! Hashes passwords with Argon2id and verifies them; also bcrypt's, which a Flask app may have
//! written.
//!
//! Hashing is slow on purpose, so it runs beside the async runtime; knows neither users nor HTTP.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::{sync::Semaphore, task};

/// How many passwords are hashed at once: each takes 19 MiB of memory.
const AT_ONCE: usize = 4;

/// How much work a guess at a password costs.
///
/// ```
/// use hipflask_demo::Cost;
///
/// let production = Cost::default();
/// let tests = Cost::insecure_cheap();
/// assert_ne!(format!("{production:?}"), format!("{tests:?}"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cost(Params);

impl Cost {
    /// Hashes in no time and protects nothing. For tests.
    pub fn insecure_cheap() -> Self {
        Self(Params::new(Params::MIN_M_COST, 1, 1, None).unwrap_or_default())
    }
}

/// Why a password could neither be hashed nor compared.
///
/// ```
/// assert!(hipflask_demo::PasswordError::Stopped.to_string().contains("stopped"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The hash could not be made.
    #[error("cannot hash a password: {0}")]
    Hash(password_hash::Error),
    /// The runtime stopped before the hash was done.
    #[error("the runtime stopped while a password was hashed")]
    Stopped,
}

/// Makes and verifies hashes.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// A hash that nobody's password has: what an unknown user is compared with.
    nobody: Arc<str>,
    places: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(cost: Cost) -> Result<Self, PasswordError> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.0);
        let nobody = hash(&argon2, b"nobody has this password")?.into();
        Ok(Self { argon2, nobody, places: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.run(move || hash(&argon2, password.as_bytes())).await?
    }

    /// Reports whether a password is the one that was hashed. Without a hash, because there is no
    /// such user, it takes as long to say no.
    pub(crate) async fn verify(
        &self,
        password: String,
        expected: Option<String>,
    ) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let nobody = Arc::clone(&self.nobody);
        self.run(move || match &expected {
            Some(expected) => is_right(&argon2, &password, expected),
            None => is_right(&argon2, &password, &nobody) && false,
        })
        .await
    }

    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, PasswordError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| PasswordError::Stopped)?;
        let done = task::spawn_blocking(move || {
            // A visitor who goes away does not end the work, so the work itself holds the place.
            let _place = place;
            work()
        });
        done.await.map_err(|_| PasswordError::Stopped)
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, PasswordError> {
    Ok(argon2.hash_password(password).map_err(PasswordError::Hash)?.to_string())
}

/// A hash that is neither of the two is nobody's: no password is right.
fn is_right(argon2: &Argon2<'_>, password: &str, expected: &str) -> bool {
    if expected.starts_with("$2") {
        return bcrypt::verify(password, expected).unwrap_or(false);
    }
    PasswordHash::new(expected)
        .is_ok_and(|expected| argon2.verify_password(password.as_bytes(), &expected).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(password: &str, expected: &str, right: bool) {
        assert_eq!(is_right(&Argon2::default(), password, expected), right, "{expected}");
    }

    #[test]
    fn verify_knows_argon2_and_bcrypt() {
        // Python's bcrypt wrote this.
        let bcrypt = "$2b$04$AnBt.2AbeoOlh83jupA0ceJwMPBWwG57TYUaDvBSF3Wup/EWLTxNO";
        check("correct horse", bcrypt, true);
        check("wrong horse", bcrypt, false);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Cost::insecure_cheap().0);
        let hashed = hash(&argon2, b"correct horse").unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        check("correct horse", &hashed, true);
        check("wrong horse", &hashed, false);
    }

    #[test]
    fn verify_refuses_what_is_no_hash() {
        for broken in ["", "$2", "$2b$99$", "correct horse", "$argon2id$", "$argon2id$v=19$m=8"] {
            check("correct horse", broken, false);
        }
    }
}
