//! How a new password is hashed, what that costs, and what a hash may cost at most.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::PasswordError;

/// What OWASP recommends for Argon2id: KiB of memory, passes over it, lanes.
const ARGON2ID: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Flask-Bcrypt's `BCRYPT_LOG_ROUNDS`.
const BCRYPT: u32 = 12;
/// Werkzeug's `scrypt:32768:8:1`, the first as a power of two.
const SCRYPT: (u8, u32, u32) = (15, 8, 1);

/// What a hash may cost at most.
// DIFFERENCE: Werkzeug and bcrypt carry out any cost. A hash comes from a database, which must not be
// able to fill the memory.
const MOST_MEMORY: u64 = 256 << 20;
const MOST_PASSED: u64 = 1 << 30;
const MOST_ROUNDS: u32 = 16;
pub(super) const MOST_ITERATIONS: u32 = 10_000_000;

/// The letters of Werkzeug's salts, and how many of them a salt has.
const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const SALT_LEN: usize = 16;
const SCRYPT_LEN: usize = 64;

/// The longest password of bcrypt, in bytes.
const BCRYPT_LEN: usize = 72;

/// A way to hash a password, with its cost.
///
/// ```
/// use hipflask::password::Scheme;
///
/// let strong = Scheme::argon2id(64 * 1024, 3, 1)?; // 64 MiB, three passes, one lane
/// assert_ne!(strong, Scheme::ARGON2ID);
/// # Ok::<(), hipflask::password::PasswordError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scheme(pub(super) Cost);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cost {
    Argon2id { memory: u32, passes: u32, lanes: u32 },
    Bcrypt { rounds: u32 },
    Scrypt { log_n: u8, r: u32, p: u32 },
}

/// What bcrypt makes of passwords that are longer than its 72 bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum LongPasswords {
    /// They are nobody's, and are not hashed. Python's bcrypt 5 raises an error for both.
    #[default]
    Refused,
    /// Every password, short or long, goes through SHA-256 first: Flask-Bcrypt's
    /// `BCRYPT_HANDLE_LONG_PASSWORDS`.
    Sha256,
    /// What comes after 72 bytes does not count, as in Python's bcrypt before 5.
    Truncated,
}

impl Scheme {
    /// Argon2id as OWASP recommends it: 19 MiB, two passes, one lane. For new passwords.
    pub const ARGON2ID: Self =
        Self(Cost::Argon2id { memory: ARGON2ID.0, passes: ARGON2ID.1, lanes: ARGON2ID.2 });
    /// bcrypt with 2¹² rounds, as Flask-Bcrypt writes it: for a database that Flask-Bcrypt reads.
    pub const BCRYPT: Self = Self(Cost::Bcrypt { rounds: BCRYPT });
    /// `scrypt:32768:8:1`, as Werkzeug writes it: for a database that Werkzeug reads.
    #[doc(alias = "generate_password_hash")]
    pub const WERKZEUG: Self = Self(Cost::Scrypt { log_n: SCRYPT.0, r: SCRYPT.1, p: SCRYPT.2 });

    /// Argon2id at another cost: KiB of memory, passes over it, lanes.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Cost`] for more than 256 MiB, for passes over more than 1 GiB in all, and for less
    /// than Argon2 can do.
    pub fn argon2id(memory: u32, passes: u32, lanes: u32) -> Result<Self, PasswordError> {
        Self(Cost::Argon2id { memory, passes, lanes }).checked()
    }

    /// bcrypt with another number of rounds, as a power of two.
    ///
    /// ```
    /// use hipflask::password::{PasswordError, Scheme};
    ///
    /// assert_eq!(Scheme::bcrypt(12), Ok(Scheme::BCRYPT));
    /// assert_eq!(Scheme::bcrypt(31), Err(PasswordError::Cost));
    /// ```
    ///
    /// # Errors
    ///
    /// [`PasswordError::Cost`] below 4 and above 16.
    #[doc(alias = "BCRYPT_LOG_ROUNDS")]
    pub fn bcrypt(rounds: u32) -> Result<Self, PasswordError> {
        Self(Cost::Bcrypt { rounds }).checked()
    }

    /// The same method at the least cost there is. It protects nothing: for tests.
    ///
    /// ```
    /// use hipflask::password::{Passwords, Scheme};
    ///
    /// let passwords = Passwords::new().with_scheme(Scheme::ARGON2ID.insecure_cheap());
    /// ```
    #[must_use]
    pub const fn insecure_cheap(self) -> Self {
        Self(match self.0 {
            Cost::Argon2id { .. } => {
                Cost::Argon2id { memory: Params::MIN_M_COST, passes: 1, lanes: 1 }
            }
            Cost::Bcrypt { .. } => Cost::Bcrypt { rounds: 4 },
            Cost::Scrypt { .. } => Cost::Scrypt { log_n: 1, r: 1, p: 1 },
        })
    }

    pub(super) fn checked(self) -> Result<Self, PasswordError> {
        let is_allowed = match self.0 {
            Cost::Argon2id { memory, passes, lanes } => {
                let bytes = u64::from(memory) << 10;
                bytes <= MOST_MEMORY
                    && bytes.saturating_mul(passes.into()) <= MOST_PASSED
                    && Params::new(memory, passes, lanes, None).is_ok()
            }
            Cost::Bcrypt { rounds } => (4..=MOST_ROUNDS).contains(&rounds),
            // `p` takes no memory here, but time.
            Cost::Scrypt { log_n, r, p } => {
                let block = u64::from(r).saturating_mul(p.into()).saturating_mul(128);
                (1..32).contains(&log_n)
                    && block > 0
                    && block.saturating_mul(1 << log_n) <= MOST_MEMORY
            }
        };
        if is_allowed { Ok(self) } else { Err(PasswordError::Cost) }
    }

    pub(super) fn hash(self, password: &str, long: LongPasswords) -> Result<String, PasswordError> {
        match self.0 {
            Cost::Argon2id { memory, passes, lanes } => {
                let params = Params::new(memory, passes, lanes, None);
                let params = params.map_err(|_| PasswordError::Cost)?;
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let hash = argon2.hash_password(password.as_bytes());
                Ok(hash.map_err(|_| PasswordError::NoResources)?.to_string())
            }
            Cost::Bcrypt { rounds } => {
                let (input, fits) = bcrypt_input(password, long);
                if !fits {
                    return Err(PasswordError::TooLong);
                }
                bcrypt::hash(&*input, rounds).map_err(|_| PasswordError::NoResources)
            }
            Cost::Scrypt { log_n, r, p } => {
                let salt = salt()?;
                let digest = scrypt(password, &salt, log_n, r, p)?;
                Ok(format!("scrypt:{}:{r}:{p}${salt}${digest}", 1_u64 << log_n))
            }
        }
    }
}

/// Returns what bcrypt gets for a password, and whether that is all of it.
pub(super) fn bcrypt_input(password: &str, long: LongPasswords) -> (Zeroizing<Vec<u8>>, bool) {
    let bytes = password.as_bytes();
    let input = match long {
        LongPasswords::Sha256 => hex(&Sha256::digest(bytes)).into_bytes(),
        LongPasswords::Refused | LongPasswords::Truncated => {
            bytes[..bytes.len().min(BCRYPT_LEN)].to_vec()
        }
    };
    (Zeroizing::new(input), long != LongPasswords::Refused || bytes.len() <= BCRYPT_LEN)
}

/// Returns the hexadecimal digest that Werkzeug writes for `scrypt`.
pub(super) fn scrypt(
    password: &str,
    salt: &str,
    log_n: u8,
    r: u32,
    p: u32,
) -> Result<String, PasswordError> {
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| PasswordError::Cost)?;
    let mut digest = [0; SCRYPT_LEN];
    let done = scrypt::scrypt(password.as_bytes(), salt.as_bytes(), &params, &mut digest);
    done.map_err(|_| PasswordError::Cost)?;
    Ok(hex(&digest))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn salt() -> Result<String, PasswordError> {
    let mut salt = String::new();
    while salt.len() < SALT_LEN {
        let mut bytes = [0; SALT_LEN];
        getrandom::fill(&mut bytes).map_err(|_| PasswordError::NoResources)?;
        // Of 64 numbers two have no letter; they are passed over, so that all letters are as likely.
        let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 64)));
        salt.extend(letters.map(|letter| char::from(*letter)));
    }
    salt.truncate(SALT_LEN);
    Ok(salt)
}
