//! Encrypted cookies: who reads them, when they end, and how a site changes to them.

use hipflask_core::{
    UnixTime,
    interface::{CookieError, CookieSessions, SaveAction},
    reason::Reason,
    session::Session,
    signing::{KeyRing, Sealer},
    visit::Sessions,
};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);
const UNTIL: UnixTime = UnixTime::from_secs(1_763_692_860);
const NONCE: [u8; Sealer::NONCE_LEN] = *b"random bytes";
/// Signed by Flask, with the key `k`.
const PLAIN: &[u8] = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw";

fn encrypting(key: &str) -> CookieSessions {
    CookieSessions::new(&KeyRing::new(key)).with_encryption(Some(UNTIL))
}

fn session() -> Session {
    let mut session = Session::new();
    session.insert("a", 1).unwrap();
    session
}

fn sealed(key: &str) -> Vec<u8> {
    encrypting(key).write(&session(), &NONCE, NOW).unwrap().unwrap().into_bytes()
}

fn later(seconds: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + seconds)
}

#[track_caller]
fn check(cookies: &CookieSessions, cookie: &[u8], now: UnixTime, expected: Reason) {
    let opened = cookies.open(Some(cookie), now);
    assert_eq!(opened.reason, expected);
    assert_eq!(opened.session.get::<i32>("a").unwrap().is_some(), expected.is_verified());
}

#[test]
fn encrypted_cookie_shows_nothing_and_is_read_again() {
    let cookie = sealed("k");
    assert!(cookie.starts_with(b"e1."));
    let bytes = hipflask_core::encoding::decode_url(&cookie[3..]).unwrap();
    assert_eq!(bytes.len(), 12 + 8 + br#"{"a":1}"#.len() + 16, "nonce, time, content, tag");
    assert!(!bytes.windows(3).any(|part| part == b"\"a\""));
    check(&encrypting("k"), &cookie, NOW, Reason::Verified);
    let facts = encrypting("k").open(Some(&cookie), later(5)).cookie.unwrap();
    assert_eq!((facts.age, facts.signed_at, facts.key), (Some(5), Some(NOW.as_secs()), Some(0)));
    assert!(facts.encrypted && facts.digest.is_none());
}

#[test]
fn encrypted_cookie_has_the_reasons_of_a_signed_one() {
    let cookie = sealed("k");
    let rotated = CookieSessions::new(&KeyRing::new("new").with_fallback("k"));
    check(&rotated, &cookie, NOW, Reason::VerifiedByFallbackKey);
    check(&encrypting("other"), &cookie, NOW, Reason::BadSignature);
    let month = 31 * 24 * 60 * 60;
    check(&encrypting("k"), &cookie, later(month), Reason::Verified);
    check(&encrypting("k"), &cookie, later(month + 1), Reason::Expired);
    check(&encrypting("k"), &cookie, UnixTime::from_secs(NOW.as_secs() - 1), Reason::NotYetValid);
    check(&encrypting("k"), b"e1.", NOW, Reason::BadSignature);
    check(&encrypting("k"), b"e1.YWJj", NOW, Reason::BadSignature);
    let sealer = Sealer::new(&KeyRing::new("k"), "cookie-session");
    for no_session in [&b"no JSON"[..], b"\xff", b"[1]"] {
        let cookie = sealer.seal(no_session, b"session", &NONCE, NOW);
        check(&encrypting("k"), &cookie, NOW, Reason::BadPayload);
    }
}

#[test]
fn name_and_salt_are_bound_in() {
    use hipflask_core::{cookie::Attributes, interface::Signing};
    let cookie = sealed("k");
    let renamed = encrypting("k").with_cookie("admin", Attributes::new());
    check(&renamed, &cookie, NOW, Reason::BadSignature);
    let salted =
        CookieSessions::signed_with(&KeyRing::new("k"), &Signing::default().with_salt("x"));
    check(&salted, &cookie, NOW, Reason::BadSignature);
}

#[test]
fn site_changes_to_encryption_without_a_log_out() {
    let plain = CookieSessions::new(&KeyRing::new("k"));
    // Whoever does not encrypt yet reads what others have encrypted.
    check(&plain, &sealed("k"), NOW, Reason::Verified);
    check(&encrypting("k"), PLAIN, NOW, Reason::Verified);
    check(&encrypting("k"), PLAIN, UNTIL, Reason::BadSignature);
    check(&plain.clone().with_encryption(None), PLAIN, NOW, Reason::BadSignature);
    let is_sent = |cookies: &CookieSessions, cookie: &[u8]| {
        let opened = cookies.open(Some(cookie), NOW);
        match cookies.save_with(&opened.session, &NONCE, NOW).unwrap().action {
            SaveAction::Set(header) => Some(header.starts_with("session=e1.")),
            _ => None,
        }
    };
    assert_eq!(is_sent(&encrypting("k"), PLAIN), None);
    assert_eq!(is_sent(&encrypting("k").with_resign(true), PLAIN), Some(true));
    assert_eq!(is_sent(&encrypting("k").with_resign(true), &sealed("k")), None);
    assert_eq!(is_sent(&plain.with_resign(true), &sealed("k")), Some(false));
}

#[test]
fn saving_asks_for_a_nonce_where_one_is_needed() {
    let (mut modified, unchanged) = (session(), Session::new());
    modified.set_permanent(true).unwrap();
    for (cookies, session, expected) in [
        (encrypting("k"), &modified, Sealer::NONCE_LEN),
        (encrypting("k"), &unchanged, 0),
        (CookieSessions::new(&KeyRing::new("k")), &modified, 0),
    ] {
        assert_eq!(cookies.entropy_len(session), expected);
        let visit = Sessions::from(cookies).open(None, NOW).finish().into_visit();
        assert_eq!(visit.entropy_len(session), expected);
    }
    let refused = encrypting("k").save(&modified, NOW);
    assert_eq!(refused.unwrap_err(), CookieError::NoEntropy);
}

proptest! {
    #[test]
    fn sealed_value_comes_back_and_any_change_is_refused(
        value in prop::collection::vec(any::<u8>(), 0..200),
        nonce: [u8; Sealer::NONCE_LEN],
        context in "[a-z]{0,9}",
        seconds in 0..4_000_000_000u64,
        at: prop::sample::Index,
        byte: u8,
    ) {
        let (ring, now) = (KeyRing::new("k").with_fallback("l"), UnixTime::from_secs(seconds));
        let sealed = Sealer::new(&ring, "salt").seal(&value, context.as_bytes(), &nonce, now);
        let fallback = Sealer::new(&KeyRing::new("m").with_fallback("k"), "salt");
        let unsealed = fallback.unseal(&sealed, context.as_bytes()).unwrap();
        prop_assert_eq!((unsealed.key, unsealed.signed_at, &unsealed.value), (1, seconds, &value));
        let mut changed = sealed.clone();
        changed[at.index(sealed.len())] = byte;
        if changed != sealed {
            prop_assert_eq!(fallback.unseal(&changed, context.as_bytes()), None);
        }
        prop_assert_eq!(fallback.unseal(&sealed[..at.index(sealed.len())], context.as_bytes()), None);
    }
}
