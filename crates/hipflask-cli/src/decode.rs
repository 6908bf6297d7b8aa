//! `hipflask decode`: shows what a cookie says without checking it.
//!
//! The only verb that needs no key, and whose answer proves nothing: it never says `"ok":true`.

use std::io::Write;

use hipflask_core::{
    UnixTime,
    reason::Reason,
    serializer::{self, Limits},
    session::Session,
    signing::{Sealer, dangerous},
};

use crate::{
    cli::DecodeArgs,
    item,
    output::{Failure, Status, say},
    refusal::Refusal,
    signed_at::SignedAt,
};

/// Shows one cookie, or each line of standard input.
pub(crate) fn run(args: &DecodeArgs) -> Result<Status, Failure> {
    say("warning: the signature is not checked, so anybody may have written what follows");
    item::run(&args.cookie, args.format.json, |cookie, line| {
        let time = decode(cookie, args.clock.now(), args.format.json, line)?;
        Ok((!args.format.json).then_some(time))
    })
}

fn decode(
    cookie: &[u8],
    now: UnixTime,
    is_json: bool,
    line: &mut Vec<u8>,
) -> Result<SignedAt, Refusal> {
    if cookie.is_empty() {
        return Err(Refusal::Empty);
    }
    if Sealer::is_sealed(cookie) {
        return Err(Refusal::Encrypted);
    }
    let parts = dangerous::split(cookie, b".")
        .ok_or_else(|| Refusal::of_cookie(Reason::Malformed, cookie))?;
    let limits = Limits::default();
    let (json, compressed) = serializer::decode_payload(parts.unverified_value, limits.inflated())?;
    let session = Session::from_json(json, limits)?.to_json()?;
    let time = SignedAt::unverified(parts.unverified_time(), now);
    if is_json {
        push_json(&session, &time, compressed, line);
    } else {
        line.extend_from_slice(&session);
    }
    Ok(time)
}

fn push_json(session: &[u8], signed: &SignedAt, compressed: bool, line: &mut Vec<u8>) {
    let number = |n: Option<i128>| n.map_or_else(|| "null".to_owned(), |n| n.to_string());
    let (time, age) = (number(signed.time.map(Into::into)), number(signed.age.map(Into::into)));
    line.extend_from_slice(br#"{"session":"#);
    line.extend_from_slice(session);
    // Writing to a vector cannot fail.
    let _ = write!(
        line,
        r#","signed_at":{time},"age":{age},"compressed":{compressed},"verified":false}}"#
    );
}
