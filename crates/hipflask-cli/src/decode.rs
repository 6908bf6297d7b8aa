//! `hipflask decode`: shows what a cookie says without checking it.
//!
//! The only verb that needs no key, and whose answer proves nothing: it never says `"ok":true`.

use std::{fmt, io::Write, time::Duration};

use hipflask_core::{
    http_date::http_date,
    reason::Reason,
    serializer::{self, Limits},
    session::Session,
    signing::dangerous,
};

use crate::{
    cli::DecodeArgs,
    item,
    output::{Failure, Status, say},
    refusal::Refusal,
};

/// Shows one cookie, or each line of standard input.
pub(crate) fn run(args: &DecodeArgs) -> Result<Status, Failure> {
    say("warning: the signature is not checked, so anybody may have written what follows");
    item::run(&args.cookie, args.format.json, |cookie, line| {
        let time = decode(cookie, args.clock.now(), args.format.json, line)?;
        Ok((!args.format.json).then_some(time))
    })
}

/// Says when something was signed.
pub(crate) struct SignedAt {
    pub(crate) time: Option<u64>,
    pub(crate) age: Option<i64>,
}

impl SignedAt {
    fn unverified(time: Option<u64>, now: Duration) -> Self {
        let age = |time| i64::try_from(i128::from(now.as_secs()) - i128::from(time)).ok();
        Self { time, age: time.and_then(age) }
    }
}

impl fmt::Display for SignedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = self.time else { return f.write_str("signed at no readable time") };
        match i64::try_from(time).ok().and_then(http_date) {
            Some(date) => write!(f, "signed at {date}")?,
            None => write!(f, "signed at {time} in Unix seconds")?,
        }
        match self.age {
            Some(age @ 0..) => write!(f, ", {age} seconds ago"),
            Some(age) => write!(f, ", {} seconds from now", age.unsigned_abs()),
            None => Ok(()),
        }
    }
}

fn decode(
    cookie: &[u8],
    now: Duration,
    is_json: bool,
    line: &mut Vec<u8>,
) -> Result<SignedAt, Refusal> {
    if cookie.is_empty() {
        return Err(Refusal::Empty);
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
