//! Reads any bytes as a signed value with its time, as a session cookie and as a payload.

#![no_main]

use hipflask_core::{
    UnixTime,
    interface::CookieSessions,
    serializer::{Limits, decode_payload},
    signing::{KeyRing, Signer, TimedSigner},
    token::TimedToken,
    value::Value,
};
use libfuzzer_sys::fuzz_target;

const SECONDS: u64 = 1_763_692_800;
const NOW: UnixTime = UnixTime::from_secs(SECONDS);

fuzz_target!(|bytes: &[u8]| {
    let ring = KeyRing::new("k").with_fallback("older");
    let signer = TimedSigner::new(Signer::new(&ring, "s"));
    let interface = CookieSessions::new(&ring);

    // A verdict that depends on the time limit may only get worse with one.
    let free = signer.unsign(bytes, NOW, None);
    let limited = signer.unsign(bytes, NOW, Some(60));
    assert!(free.is_ok() || limited.is_err());
    let opened = interface.open(Some(bytes), NOW);
    assert!(opened.reason.is_verified() || opened.session.is_empty());

    // The same bytes as something that was signed: the value comes back, whatever it is.
    let signed = signer.sign(bytes, NOW);
    let timed = signer.unsign(&signed, UnixTime::from_secs(SECONDS + 60), Some(60)).expect("it was just signed");
    assert_eq!((timed.value, timed.signed_at), (bytes, SECONDS));
    let text = decode_payload(bytes, Limits::default().inflated());
    let value = TimedToken::signed_by(signer).decode::<Value>(&signed, NOW, Some(0));
    assert!(text.is_ok() || value.is_err());
});
