//! `hipflask sign`: writes the cookie that Flask would have set.

use std::fmt;

use hipflask_core::{
    UnixTime, cookie,
    interface::CookieSessions,
    serializer::{self, Limits},
    signing::TimedSigner,
    value::Value,
};

use crate::{
    cli::SignArgs,
    item, key,
    output::{Failure, Status},
    refusal::Refusal,
};

/// Flask's default name, which takes its share of what browsers keep.
const COOKIE_NAME: &str = "session";

/// Signs one session, or each line of standard input.
pub(crate) fn run(args: &SignArgs, env: impl key::Env) -> Result<Status, Failure> {
    let ring = key::ring(&args.signing.keys, env)?;
    let signer = args.signing.signing().signer(&ring);
    let mut cookie = Vec::new();
    item::run(&args.session, args.format.json, |json, line| {
        cookie.clear();
        let note = sign(&signer, json, args.clock.now(), &mut cookie)?;
        if args.format.json {
            // Base64 and dots need no escape.
            line.extend_from_slice(br#"{"ok":true,"cookie":""#);
            line.extend_from_slice(&cookie);
            line.extend_from_slice(br#""}"#);
        } else {
            line.extend_from_slice(&cookie);
        }
        Ok(note)
    })
}

/// What Flask or a browser would do otherwise.
enum Note {
    Empty,
    TooLarge { size: usize },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("warning: Flask deletes the cookie of an empty session instead")
            }
            Self::TooLarge { size } => write!(
                f,
                "warning: name `{COOKIE_NAME}` and value have {size} bytes, and browsers drop a \
                 cookie of more than {} without a word",
                CookieSessions::MAX_COOKIE_SIZE
            ),
        }
    }
}

fn sign(
    signer: &TimedSigner,
    json: &[u8],
    now: UnixTime,
    value: &mut Vec<u8>,
) -> Result<Option<Note>, Refusal> {
    let json = str::from_utf8(json).map_err(|_| Refusal::NotUtf8)?;
    let session = serializer::from_json(json, Limits::default())?;
    let Value::Dict(dict) = &session else { return Err(Refusal::NotAnObject) };
    serializer::encode_payload(serializer::to_json(&session)?.as_bytes(), value);
    signer.sign_to(value, now);
    if dict.is_empty() {
        return Ok(Some(Note::Empty));
    }
    let header = format!("{COOKIE_NAME}={}", String::from_utf8_lossy(value));
    let size = cookie::oversize(&header, CookieSessions::MAX_COOKIE_SIZE);
    Ok(size.map(|size| Note::TooLarge { size }))
}
