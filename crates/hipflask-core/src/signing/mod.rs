//! Signs bytes and checks them again: `value` ⇄ `value.signature` ⇄ `value.time.signature`.
//!
//! Stage 2 of the data flow, between the cookie header and the serializer; sees neither HTTP nor
//! JSON, and takes the time as an argument. Writes the bytes that Python's [itsdangerous][py]
//! writes and gives its verdicts: the recorded vectors in `tests/it/signing.rs` are the proof.
//!
//! ```
//! use hipflask_core::{
//!     UnixTime,
//!     signing::{Digest, KeyDerivation, KeyRing, Signer, TimedSigner},
//! };
//!
//! // The parameters of Flask's session cookie.
//! let signer = Signer::builder(&KeyRing::new("k"), "cookie-session")
//!     .with_digest(Digest::Sha1)
//!     .with_key_derivation(KeyDerivation::Hmac)
//!     .build();
//! let signer = TimedSigner::new(signer);
//!
//! let cookie = signer.sign(b"eyJhIjoxfQ", UnixTime::from_secs(1_763_692_800));
//! assert_eq!(cookie, b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw");
//!
//! let later = UnixTime::from_secs(1_763_692_860);
//! let checked = signer.unsign(&cookie, later, Some(3600)).expect("one minute is young");
//! assert_eq!(checked.value, b"eyJhIjoxfQ");
//! assert_eq!(checked.signed_at, 1_763_692_800);
//! ```
//!
//! [`Sealer`] is for what nobody is to read, which itsdangerous does not have.
//!
//! [py]: https://itsdangerous.palletsprojects.com/

mod algorithm;
mod cipher;
pub mod dangerous;
mod hmac_sha1;
mod key;
mod known_keys;
mod mac;
mod sealer;
mod signer;
pub mod strength;
mod timed;

pub use algorithm::{Digest, KeyDerivation, UnknownDigest, UnknownKeyDerivation};
pub use key::{Key, KeyRing};
pub use mac::derive_key;
pub use sealer::{Sealer, Unsealed};
pub use signer::{SeparatorError, Signer, SignerBuilder, UnsignError, Unsigned};
pub(crate) use timed::age;
pub use timed::{
    LATEST_TIME, Timed, TimedError, TimedSigner, UnverifiedTime, decode_timestamp, encode_timestamp,
};
