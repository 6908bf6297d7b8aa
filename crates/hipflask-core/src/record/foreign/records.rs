//! The records of packages that keep sessions in a store.

use super::{Package, TakeOver};
use crate::{
    encoding,
    record::{DecodeError, Format, json, pickle},
    serializer::{self, Limits},
    value::{Dict, Value},
};

/// What Beaker keeps about a session, beside its content.
const OF_BEAKER: [&str; 5] = ["_accessed_time", "_creation_time", "_domain", "_id", "_path"];

/// What starsessions keeps about one.
const OF_STARSESSIONS: &str = "__metadata__";

/// Where it says how long the session lives, in seconds: 0 until the browser is closed.
const LIFETIME_OF_STARSESSIONS: &str = "lifetime";

/// Where [`set_expiry`] keeps the same.
///
/// [`set_expiry`]: https://docs.djangoproject.com/en/stable/topics/http/sessions/#django.contrib.sessions.backends.base.SessionBase.set_expiry
const EXPIRY_OF_DJANGO: &str = "_session_expiry";

/// What makes a session of Flask's permanent.
const PERMANENT: &str = "_permanent";

impl TakeOver {
    /// Reads a record that lies under a key; `None` if it is none of the package's.
    pub(in crate::record) fn read(
        &self,
        record: &[u8],
        key: &str,
        limits: Limits,
    ) -> Option<Result<(Dict, Format), DecodeError>> {
        if self.package.key_prefix().is_some() && self.package.id_in(key).is_none() {
            return None;
        }
        let (value, format) = match self.package {
            Package::Beaker => (read_beaker(record, limits), Format::Pickle),
            // Django reads none of ours: there is no format to keep.
            Package::DjangoDatabase => (read_django(record, limits), Format::MsgPack),
            Package::FlaskKvSession => (pickle::read(record, limits), Format::Pickle),
            Package::QuartSession => (json::read_tagged(record, limits), Format::TaggedJson),
            Package::Starsessions => (json::read(record, limits), Format::Json),
            Package::DjangoSignedCookies | Package::Starlette => return None,
        };
        match value {
            Ok(Value::Dict(mut content)) => {
                self.about(&mut content);
                Some(Ok((content, format)))
            }
            // It may have become one of ours.
            Ok(_) | Err(DecodeError::Corrupt { .. }) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Takes out what the package says about the session. One that its cookie keeps after the browser was
    /// closed becomes a permanent one.
    pub(super) fn about(&self, content: &mut Dict) {
        let is_zero = |value: Option<&Value>| value.and_then(Value::as_i64) == Some(0);
        let stays = match self.package {
            Package::Beaker => {
                OF_BEAKER.iter().for_each(|key| drop(content.remove(key)));
                false
            }
            Package::DjangoDatabase | Package::DjangoSignedCookies => {
                !is_zero(content.get(EXPIRY_OF_DJANGO))
            }
            Package::Starlette => true,
            Package::Starsessions => match content.remove(OF_STARSESSIONS) {
                Some(Value::Dict(about)) => !is_zero(about.get(LIFETIME_OF_STARSESSIONS)),
                _ => true,
            },
            Package::FlaskKvSession | Package::QuartSession => false,
        };
        if stays && content.get(PERMANENT).is_none() {
            content.insert(PERMANENT, Value::Bool(true));
        }
    }
}

/// A row is what Django signs: the payload, its time and the signature.
fn read_django(record: &[u8], limits: Limits) -> Result<Value, DecodeError> {
    let corrupt = DecodeError::Corrupt { format: Format::Json, at: 0 };
    let payload = record.rsplitn(3, |byte| *byte == b':').nth(2);
    let decoded = payload.map(|payload| serializer::decode_payload(payload, limits.inflated()));
    match decoded {
        Some(Ok((text, _))) => json::read(text.as_bytes(), limits),
        _ => Err(corrupt),
    }
}

/// Beaker's client of Redis pickles a text, which is base64 of what its serializer has written.
fn read_beaker(record: &[u8], limits: Limits) -> Result<Value, DecodeError> {
    let corrupt = DecodeError::Corrupt { format: Format::Pickle, at: 0 };
    let text = match pickle::read(record, limits)? {
        Value::Str(text) => text.into_string().map(String::into_bytes),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    };
    let inner = text.and_then(|text| encoding::decode_standard(&text)).ok_or(corrupt)?;
    match serializer::inflate(&inner, limits.inflated()) {
        Ok(text) => json::read(&text, limits),
        Err(_) => pickle::read(&inner, limits),
    }
}
