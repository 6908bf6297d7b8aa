//! A hash from a database: what its text says, and whether a password is the one that it was made of.
//!
//! As Werkzeug's `check_password_hash` and Flask-Bcrypt's read it; Argon2's are PHC strings.

use argon2::{
    Algorithm, Argon2, Params, PasswordVerifier, Version,
    password_hash::{self, phc::PasswordHash},
};
use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::{
    LongPasswords, PasswordError, Scheme,
    scheme::{Cost, MOST_ITERATIONS, bcrypt_input, hex, scrypt},
};

/// What Werkzeug 3.1 takes where a hash leaves out its iterations. It writes none that does.
const ITERATIONS: u32 = 1_000_000;

pub(super) enum Stored<'a> {
    Argon2(Option<Scheme>, Box<PasswordHash>),
    Bcrypt(Scheme, &'a str),
    Pbkdf2 { digest: Digest, iterations: u32, salt: &'a str, expected: &'a str },
    Scrypt { log_n: u8, r: u32, p: u32, salt: &'a str, expected: &'a str },
}

/// PBKDF2 with a digest, and the digest's length.
type Digest = (fn(&[u8], &[u8], u32, &mut [u8]), usize);

impl<'a> Stored<'a> {
    /// Takes a hash apart; `None` for what looks like none, and is nobody's.
    pub(super) fn parse(hash: &'a str) -> Result<Option<Self>, PasswordError> {
        if hash.starts_with("$argon2") {
            return Self::argon2(hash).map(Some);
        }
        if let Some(b'a' | b'b' | b'y') =
            hash.strip_prefix("$2").and_then(|rest| rest.bytes().next())
        {
            return Self::bcrypt(hash).map(Some);
        }
        let mut parts = hash.splitn(3, '$');
        let (Some(method), Some(salt), Some(expected)) = (parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        if !expected.is_ascii() {
            return Err(PasswordError::Malformed);
        }
        Self::werkzeug(&method.split(':').collect::<Vec<_>>(), salt, expected).map(Some)
    }

    fn argon2(hash: &str) -> Result<Self, PasswordError> {
        let hash = PasswordHash::new(hash).map_err(|_| PasswordError::Malformed)?;
        if hash.hash.is_none() {
            return Err(PasswordError::Malformed);
        }
        let params = Params::try_from(&hash).map_err(|_| PasswordError::Malformed)?;
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let scheme = Scheme::argon2id(memory, passes, lanes)?;
        let is_current = hash.algorithm == Algorithm::Argon2id.ident()
            && hash.version == Some(Version::V0x13.into());
        Ok(Self::Argon2(is_current.then_some(scheme), Box::new(hash)))
    }

    fn bcrypt(hash: &'a str) -> Result<Self, PasswordError> {
        let parts: bcrypt::HashParts = hash.parse().map_err(|_| PasswordError::Malformed)?;
        Ok(Self::Bcrypt(Scheme::bcrypt(parts.get_cost())?, hash))
    }

    fn werkzeug(method: &[&str], salt: &'a str, expected: &'a str) -> Result<Self, PasswordError> {
        match method {
            ["scrypt"] => Self::werkzeug(&["scrypt", "32768", "8", "1"], salt, expected),
            ["scrypt", n, r, p] => {
                let n: u64 = number(n)?;
                if !n.is_power_of_two() {
                    return Err(PasswordError::Malformed);
                }
                let (log_n, r, p) = (n.ilog2() as u8, number(r)?, number(p)?);
                Scheme(Cost::Scrypt { log_n, r, p }).checked()?;
                Ok(Self::Scrypt { log_n, r, p, salt, expected })
            }
            ["pbkdf2", rest @ ..] if rest.len() <= 2 => {
                let digest = digest(rest.first().unwrap_or(&"sha256"))?;
                let iterations = rest.get(1).map_or(Ok(ITERATIONS), |text| number(text))?;
                if !(1..=MOST_ITERATIONS).contains(&iterations) {
                    return Err(PasswordError::Cost);
                }
                Ok(Self::Pbkdf2 { digest, iterations, salt, expected })
            }
            ["pbkdf2" | "scrypt", ..] => Err(PasswordError::Malformed),
            _ => Err(PasswordError::UnknownMethod),
        }
    }

    /// Returns what the hash would be written by; `None` for what is only read.
    pub(super) fn scheme(&self) -> Option<Scheme> {
        match *self {
            Self::Argon2(scheme, _) => scheme,
            Self::Bcrypt(scheme, _) => Some(scheme),
            Self::Pbkdf2 { .. } => None,
            Self::Scrypt { log_n, r, p, .. } => Some(Scheme(Cost::Scrypt { log_n, r, p })),
        }
    }

    pub(super) fn verify(
        &self,
        password: &str,
        long: LongPasswords,
    ) -> Result<bool, PasswordError> {
        match *self {
            Self::Argon2(_, ref hash) => {
                match Argon2::default().verify_password(password.as_bytes(), &**hash) {
                    Ok(()) => Ok(true),
                    Err(password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(password_hash::Error::OutOfMemory) => Err(PasswordError::NoResources),
                    Err(_) => Err(PasswordError::Malformed),
                }
            }
            Self::Bcrypt(_, hash) => {
                // DIFFERENCE: what does not fit is an exception in Flask-Bcrypt, which any visitor can cause.
                let (input, fits) = bcrypt_input(password, long);
                let is_right = bcrypt::verify(&*input, hash);
                Ok(is_right.map_err(|_| PasswordError::Malformed)? && fits)
            }
            Self::Pbkdf2 { digest: (derive, len), iterations, salt, expected } => {
                let mut digest = vec![0; len];
                derive(password.as_bytes(), salt.as_bytes(), iterations, &mut digest);
                Ok(is_equal(&hex(&digest), expected))
            }
            Self::Scrypt { log_n, r, p, salt, expected } => {
                Ok(is_equal(&scrypt(password, salt, log_n, r, p)?, expected))
            }
        }
    }
}

fn is_equal(digest: &str, expected: &str) -> bool {
    digest.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// Reads a number; one that no type holds costs too much.
fn number<T: TryFrom<u64>>(text: &str) -> Result<T, PasswordError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PasswordError::Malformed);
    }
    let number = text.parse::<u64>().ok().and_then(|number| number.try_into().ok());
    number.ok_or(PasswordError::Cost)
}

// DIFFERENCE: Werkzeug takes every digest of OpenSSL.
fn digest(name: &str) -> Result<Digest, PasswordError> {
    Ok(match &*name.to_ascii_lowercase() {
        "md5" => (pbkdf2_hmac::<Md5>, 16),
        "sha1" => (pbkdf2_hmac::<Sha1>, 20),
        "sha224" => (pbkdf2_hmac::<Sha224>, 28),
        "sha256" => (pbkdf2_hmac::<Sha256>, 32),
        "sha384" => (pbkdf2_hmac::<Sha384>, 48),
        "sha512" => (pbkdf2_hmac::<Sha512>, 64),
        _ => return Err(PasswordError::UnknownMethod),
    })
}
