//! `hipflask sign`: writes the cookie that Flask would have set.

use std::fmt;

use hipflask_core::{
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

/// Flask's `MAX_COOKIE_SIZE`.
const MAX_COOKIE_SIZE: usize = 4093;

/// Signs one session, or each line of standard input.
pub(crate) fn run(args: &SignArgs, env: impl key::Env) -> Result<Status, Failure> {
    let ring = key::ring(&args.signing.keys, env)?;
    let signer = args.signing.signing().signer(&ring);
    let mut cookie = Vec::new();
    item::run(&args.session, args.format.json, |json, line| {
        cookie.clear();
        let note = sign(&signer, json, args.clock.now().as_secs(), &mut cookie)?;
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
                "warning: value and name `{COOKIE_NAME}` have {size} bytes, and browsers may drop \
                 a cookie of more than {MAX_COOKIE_SIZE} without a word"
            ),
        }
    }
}

fn sign(
    signer: &TimedSigner,
    json: &[u8],
    now: u64,
    cookie: &mut Vec<u8>,
) -> Result<Option<Note>, Refusal> {
    let json = str::from_utf8(json).map_err(|_| Refusal::NotUtf8)?;
    let session = serializer::from_json(json, Limits::default())?;
    let Value::Dict(dict) = &session else { return Err(Refusal::NotAnObject) };
    serializer::encode_payload(serializer::to_json(&session)?.as_bytes(), cookie);
    signer.sign_to(cookie, now);
    let size = cookie.len() + COOKIE_NAME.len();
    Ok(match () {
        () if dict.is_empty() => Some(Note::Empty),
        () if size > MAX_COOKIE_SIZE => Some(Note::TooLarge { size }),
        () => None,
    })
}
