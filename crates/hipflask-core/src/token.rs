//! Signed text that holds a value: what itsdangerous' serializers write, for links, mails and forms.
//!
//! Beside the session, from the same parts: a value becomes JSON in `serializer`, and `signing`
//! confirms it. Never sees HTTP or the session. Byte for byte what the four classes of
//! [`itsdangerous`][py] write: `tests/it/token.rs` is the proof.
//!
//! [py]: https://itsdangerous.palletsprojects.com/en/stable/serializer/

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    UnixTime,
    serializer::{self, Limits, PayloadError, ReadError, Style, WriteError, Writer},
    signing::{KeyRing, Signer, TimedError, TimedSigner, UnsignError},
    value::{self, ValueError},
};

/// The salt of itsdangerous' serializers where none is chosen.
pub const ITSDANGEROUS_SALT: &str = "itsdangerous";

/// How a token's value becomes text.
///
/// ```
/// use hipflask_core::{signing::KeyRing, token::{Form, ITSDANGEROUS_SALT, Token}};
///
/// let token = Token::new(&KeyRing::new("secret-key"), ITSDANGEROUS_SALT).with_form(Form::Json);
/// assert!(token.encode(&[1, 2])?.starts_with("[1, 2]."));
/// # Ok::<(), hipflask_core::token::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// JSON as it is, as `Serializer` and `TimedSerializer` write it.
    Json,
    /// Base64 of compact JSON, deflated where that makes it shorter: `URLSafeSerializer` and
    /// `URLSafeTimedSerializer`.
    #[default]
    UrlSafe,
}

/// Signs values, so that they can be handed out and believed when they come back.
///
/// A token stays readable: signing guards integrity, not secrecy. Give each purpose a salt of its
/// own, so that a token of one cannot be used for another.
///
/// ```
/// use hipflask_core::{signing::KeyRing, token::Token};
///
/// let token = Token::new(&KeyRing::new("secret-key"), "unsubscribe");
/// let text = token.encode(&42)?;
/// assert_eq!(token.decode::<u32>(text.as_bytes()).ok(), Some(42));
/// assert!(token.decode::<u32>(b"NDM.forged").is_err());
/// # Ok::<(), hipflask_core::token::EncodeError>(())
/// ```
#[derive(Clone, Debug)] // safe to print: `Signer` redacts its keys
#[doc(alias = "Serializer")]
#[doc(alias = "URLSafeSerializer")]
pub struct Token {
    signer: Signer,
    fallback_signers: Vec<Signer>,
    format: Format,
}

impl Token {
    /// Creates URL-safe tokens signed with the defaults of itsdangerous.
    pub fn new(ring: &KeyRing, salt: impl AsRef<[u8]>) -> Self {
        Self::signed_by(Signer::new(ring, salt))
    }

    /// Creates URL-safe tokens with a signer of other parameters.
    #[doc(alias = "signer_kwargs")]
    pub fn signed_by(signer: Signer) -> Self {
        Self { signer, fallback_signers: Vec::new(), format: Format::default() }
    }

    /// Adds a signer whose tokens are accepted, and tried after those added before.
    #[must_use]
    #[doc(alias = "fallback_signers")]
    pub fn with_fallback_signer(mut self, signer: Signer) -> Self {
        self.fallback_signers.push(signer);
        self
    }

    /// Sets how a value becomes text.
    #[must_use]
    pub const fn with_form(mut self, form: Form) -> Self {
        self.format.form = form;
        self
    }

    /// Sets how much a token may hold.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.format.limits = limits;
        self
    }

    /// Returns the signed text of a value.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the value cannot be written as JSON.
    #[doc(alias = "dumps")]
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<String, EncodeError> {
        let mut token = self.format.encode(value)?;
        self.signer.sign_to(&mut token);
        into_text(token)
    }

    /// Returns the value of a token that a signer confirms.
    ///
    /// # Errors
    ///
    /// [`TokenError`]; the signature is judged before anything is read.
    #[doc(alias = "loads")]
    pub fn decode<'a, T: DeserializeOwned>(&self, token: &'a [u8]) -> Result<T, TokenError<'a>> {
        let mut answer = self.signer.unsign(token);
        for signer in &self.fallback_signers {
            answer = answer.or_else(|_| signer.unsign(token));
        }
        self.format.decode(answer?.value)
    }
}

/// Signs values together with the time, so that they can be refused once they are too old.
///
/// ```
/// use hipflask_core::{UnixTime, signing::KeyRing, token::TimedToken};
///
/// let [now, in_time, too_late] = [1_000, 1_060, 1_061].map(UnixTime::from_secs);
/// let token = TimedToken::new(&KeyRing::new("secret-key"), "reset password");
/// let text = token.encode("julian", now)?;
/// assert_eq!(token.decode::<String>(text.as_bytes(), in_time, Some(60)).as_deref(), Ok("julian"));
/// assert!(token.decode::<String>(text.as_bytes(), too_late, Some(60)).is_err());
/// # Ok::<(), hipflask_core::token::EncodeError>(())
/// ```
#[derive(Clone, Debug)] // safe to print: `TimedSigner` redacts its keys
#[doc(alias = "TimedSerializer")]
#[doc(alias = "URLSafeTimedSerializer")]
pub struct TimedToken {
    signer: TimedSigner,
    fallback_signers: Vec<TimedSigner>,
    format: Format,
}

impl TimedToken {
    /// Creates URL-safe tokens signed with the defaults of itsdangerous.
    pub fn new(ring: &KeyRing, salt: impl AsRef<[u8]>) -> Self {
        Self::signed_by(TimedSigner::new(Signer::new(ring, salt)))
    }

    /// Creates URL-safe tokens with a signer of other parameters.
    #[doc(alias = "signer_kwargs")]
    pub fn signed_by(signer: TimedSigner) -> Self {
        Self { signer, fallback_signers: Vec::new(), format: Format::default() }
    }

    /// Adds a signer whose tokens are accepted, and tried after those added before.
    #[must_use]
    #[doc(alias = "fallback_signers")]
    pub fn with_fallback_signer(mut self, signer: TimedSigner) -> Self {
        self.fallback_signers.push(signer);
        self
    }

    /// Sets how a value becomes text.
    #[must_use]
    pub const fn with_form(mut self, form: Form) -> Self {
        self.format.form = form;
        self
    }

    /// Sets how much a token may hold.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.format.limits = limits;
        self
    }

    /// Returns the signed text of a value.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the value cannot be written as JSON.
    #[doc(alias = "dumps")]
    pub fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        now: UnixTime,
    ) -> Result<String, EncodeError> {
        let mut token = self.format.encode(value)?;
        self.signer.sign_to(&mut token, now);
        into_text(token)
    }

    /// Returns the value of a token that a signer confirms and that is at most `max_age` seconds
    /// old at `now`.
    ///
    /// # Errors
    ///
    /// [`TokenError`]; signature and age are judged before anything is read.
    #[doc(alias = "loads")]
    pub fn decode<'a, T: DeserializeOwned>(
        &self,
        token: &'a [u8],
        now: UnixTime,
        max_age: Option<i64>,
    ) -> Result<T, TokenError<'a>> {
        self.decode_with_time(token, now, max_age).map(|(value, _)| value)
    }

    /// As [`decode`](Self::decode), with the time of signing in Unix seconds.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    #[doc(alias = "return_timestamp")]
    pub fn decode_with_time<'a, T: DeserializeOwned>(
        &self,
        token: &'a [u8],
        now: UnixTime,
        max_age: Option<i64>,
    ) -> Result<(T, u64), TokenError<'a>> {
        let mut answer = self.signer.unsign(token, now, max_age);
        for signer in &self.fallback_signers {
            // A confirmed token that is too old does not get younger with another signer.
            let (Err(TimedError::Mismatch { .. } | TimedError::NoSeparator)
            | Err(TimedError::MalformedTimestamp(_) | TimedError::TimestampMissing(_))) = answer
            else {
                break;
            };
            answer = signer.unsign(token, now, max_age);
        }
        let timed = answer?;
        Ok((self.format.decode(timed.value)?, timed.signed_at))
    }
}

/// Why a value cannot become a token.
///
/// ```
/// use hipflask_core::{signing::KeyRing, token::{EncodeError, Token}, value::Value};
///
/// let token = Token::new(&KeyRing::new("secret-key"), "my purpose");
/// assert!(matches!(token.encode(&Value::Bytes(vec![1])), Err(EncodeError::Write(_))));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// serde cannot serialize the value.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// The value is nothing that JSON can hold.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a token was refused.
///
/// ```
/// use hipflask_core::{signing::KeyRing, token::Token};
///
/// let token = Token::new(&KeyRing::new("secret-key"), "my purpose");
/// let error = token.decode::<u32>(b"NDI.forged").unwrap_err();
/// assert!(error.is_bad_signature() && !error.is_bad_payload());
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError<'a> {
    /// A key confirms it, but its payload is no text.
    #[error("{0}")]
    Payload(PayloadError),
    /// A key confirms it, but its text is no JSON.
    #[error("{0}")]
    Read(ReadError),
    /// No key confirms it.
    #[error("{0}")]
    Signature(UnsignError<'a>),
    /// No key confirms it and its time.
    #[error("{0}")]
    TimedSignature(TimedError<'a>),
    /// A key confirms it, but its value has another shape than the type asked for.
    #[error("{0}")]
    Value(ValueError),
}

impl TokenError<'_> {
    /// Reports whether Python raises `BadPayload`.
    #[doc(alias = "BadPayload")]
    pub const fn is_bad_payload(&self) -> bool {
        matches!(self, Self::Payload(_) | Self::Read(_))
    }

    /// Reports whether Python raises `BadSignature` or a subclass of it.
    #[doc(alias = "BadSignature")]
    pub fn is_bad_signature(&self) -> bool {
        match self {
            Self::Signature(_) => true,
            Self::TimedSignature(error) => error.is_bad_signature(),
            _ => false,
        }
    }
}

impl<'a> From<UnsignError<'a>> for TokenError<'a> {
    fn from(error: UnsignError<'a>) -> Self {
        Self::Signature(error)
    }
}

impl<'a> From<TimedError<'a>> for TokenError<'a> {
    fn from(error: TimedError<'a>) -> Self {
        Self::TimedSignature(error)
    }
}

/// Value ⇄ payload, for both kinds of tokens.
#[derive(Clone, Copy, Debug, Default)]
struct Format {
    form: Form,
    limits: Limits,
}

impl Format {
    fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, EncodeError> {
        let value = value::to_value(value)?;
        let style = match self.form {
            Form::Json => Style::Spaced,
            Form::UrlSafe => Style::Compact,
        };
        let mut writer = Writer::new(style);
        writer.value(&value)?;
        let json = writer.into_bytes();
        Ok(match self.form {
            Form::Json => json,
            Form::UrlSafe => {
                let mut payload = Vec::with_capacity(json.len() * 4 / 3 + 64);
                serializer::encode_payload(&json, &mut payload);
                payload
            }
        })
    }

    fn decode<'a, T: DeserializeOwned>(self, payload: &[u8]) -> Result<T, TokenError<'a>> {
        let inflated;
        let json = match self.form {
            Form::Json => {
                str::from_utf8(payload).map_err(|_| TokenError::Payload(PayloadError::Utf8))?
            }
            Form::UrlSafe => {
                let decoded = serializer::decode_payload(payload, self.limits.inflated());
                (inflated, _) = decoded.map_err(TokenError::Payload)?;
                &inflated
            }
        };
        let value =
            serializer::read_untagged(json, self.limits.depth()).map_err(TokenError::Read)?;
        value::from_value(value).map_err(TokenError::Value)
    }
}

/// JSON, base64 and signatures are all text, unless the separator between them is none.
fn into_text(token: Vec<u8>) -> Result<String, EncodeError> {
    String::from_utf8(token).map_err(|_| {
        EncodeError::Value(serde::ser::Error::custom("expected a separator that is text"))
    })
}
