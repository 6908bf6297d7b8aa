//! `hipflask verify`: checks a cookie as Flask does, and prints its session.

use std::{fmt, io::Write, time::Duration};

use hipflask_core::{
    UnixTime,
    interface::{CookieFacts, CookieSessions},
    reason::Reason,
};

use crate::{
    cli::VerifyArgs,
    item, key,
    output::{Failure, Status},
    refusal::Refusal,
    signed_at::SignedAt,
};

/// Checks one cookie, or each line of standard input.
pub(crate) fn run(args: &VerifyArgs, env: impl key::Env) -> Result<Status, Failure> {
    let ring = key::ring(&args.signing.keys, env)?;
    let signing = args.signing.signing().with_strict(args.strict);
    let interface = CookieSessions::signed_with(&ring, &signing)
        .with_lifetime(Duration::from_secs(args.max_age));
    item::run(&args.cookie, args.format.json, |cookie, line| {
        let verified = verify(&interface, cookie, args.clock.now(), args.format.json, line)?;
        Ok((!args.format.json).then_some(verified))
    })
}

/// Says who confirmed a cookie, and of when it is.
struct Verified {
    reason: Reason,
    facts: CookieFacts,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed = SignedAt { time: self.facts.signed_at, age: self.facts.age };
        write!(
            f,
            "{}: {} (key {}); {signed}",
            self.reason.code(),
            self.reason,
            position(&self.facts)
        )
    }
}

fn verify(
    interface: &CookieSessions,
    cookie: &[u8],
    now: UnixTime,
    is_json: bool,
    line: &mut Vec<u8>,
) -> Result<Verified, Refusal> {
    let opened = interface.open(Some(cookie), now);
    let refusal = || Refusal::of_cookie(opened.reason, cookie);
    let facts = opened.cookie.filter(|_| opened.reason.is_verified()).ok_or_else(refusal)?;
    let session = opened.session.to_json()?;
    if is_json {
        push_json(&session, &facts, line);
    } else {
        line.extend_from_slice(&session);
    }
    Ok(Verified { reason: opened.reason, facts })
}

fn push_json(session: &[u8], facts: &CookieFacts, line: &mut Vec<u8>) {
    line.extend_from_slice(br#"{"ok":true,"session":"#);
    line.extend_from_slice(session);
    // Writing to a vector cannot fail.
    let _ = write!(
        line,
        r#","signed_at":{},"age":{},"key":{},"compressed":{}}}"#,
        facts.signed_at.unwrap_or_default(),
        facts.age.unwrap_or_default(),
        position(facts),
        facts.compressed,
    );
}

/// What is verified has a key, and so has a time and an age.
fn position(facts: &CookieFacts) -> usize {
    facts.key.unwrap_or_default()
}
