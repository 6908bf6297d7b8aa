//! The browser's proof: a JWT that the device's key has signed.
//!
//! Pure. The form is read here, strictly; whether the signature is right is for `ring` to say. The algorithm is not
//! the proof's to choose: it is ES256.

use hipflask_core::encoding;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::DbscError;

/// A proof of Chromium's has less than 1 KiB.
const LONGEST: usize = 8192;
/// Bytes of a coordinate on the curve P-256.
const COORDINATE: usize = 32;

/// A point on the curve P-256, as text.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct PublicKey(String);

impl PublicKey {
    fn confirms(&self, signed: &str, signature: &[u8]) -> bool {
        /// Says that both coordinates follow.
        const UNCOMPRESSED: &[u8] = &[4];
        let point = [UNCOMPRESSED, &decode(&self.0).unwrap_or_default()].concat();
        // A point that is not on the curve confirms nothing.
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(signed.as_bytes(), signature).is_ok()
    }
}

/// A proof of the right form, whose signature nobody has looked at yet.
pub(super) struct Proof<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    jwk: Option<serde_json::Value>,
    claims: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    jwk: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
}

impl<'a> Proof<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, DbscError> {
        let malformed = DbscError::ProofMalformed;
        let parts = || {
            let (signed, signature) = text.rsplit_once('.')?;
            let (header, claims) = signed.split_once('.')?;
            Some((signed, decode(header)?, decode(claims)?, decode(signature)?))
        };
        let (signed, header, claims, signature) = parts()
            .filter(|_| text.len() <= LONGEST)
            .ok_or(malformed("three parts in base64url, with dots between them"))?;
        let header: Header =
            json(&header).ok_or(malformed("a JSON object with `alg` and `typ`"))?;
        if header.typ != "dbsc+jwt" {
            return Err(malformed("the type dbsc+jwt"));
        }
        if header.alg != "ES256" {
            return Err(malformed("the algorithm ES256"));
        }
        Ok(Self { signed, signature, jwk: header.jwk, claims })
    }

    /// Returns the key that the proof itself names, for a session that has none yet.
    pub(super) fn own_key(&self) -> Result<PublicKey, DbscError> {
        let key = || {
            let jwk: Jwk = serde_json::from_value(self.jwk.clone()?).ok()?;
            let point = [decode(&jwk.x)?, decode(&jwk.y)?];
            let is_sound = (&*jwk.kty, &*jwk.crv) == ("EC", "P-256")
                && point.iter().all(|coordinate| coordinate.len() == COORDINATE);
            is_sound.then(|| PublicKey(encoding::encode_url(&point.concat())))
        };
        key().ok_or(DbscError::ProofMalformed("a public key of the curve P-256 in `jwk`"))
    }

    /// Returns the challenge that was signed, once `key` confirms it.
    pub(super) fn confirmed_by(&self, key: &PublicKey) -> Result<String, DbscError> {
        if !key.confirms(self.signed, &self.signature) {
            return Err(DbscError::KeyMismatch);
        }
        let claims = json::<Claims>(&self.claims);
        Ok(claims.ok_or(DbscError::ProofMalformed("the challenge in `jti`"))?.jti)
    }
}

/// Each byte string has one text here: what an encoder writes.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if encoding::is_canonical_url(text) { encoding::decode_url(text) } else { None }
}

fn json<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7515, appendix A.3, whose signature is not ours.
    #[test]
    fn key_confirms_what_others_have_signed() {
        let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                      Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqP\
                         P3-Kg6NU1Q";
        let [x, y] = [
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        ];
        let point = [decode(x).unwrap(), decode(y).unwrap()].concat();
        let key = PublicKey(encoding::encode_url(&point));
        let mut signature = decode(signature).unwrap();
        assert!(key.confirms(signed, &signature));
        assert!(!key.confirms(&signed[1..], &signature));
        signature[40] ^= 1;
        assert!(!key.confirms(signed, &signature));
        assert!(!PublicKey(String::new()).confirms(signed, &signature));
    }
}
