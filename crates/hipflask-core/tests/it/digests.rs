//! The digest window: what signs, what is accepted beside it and until when, and signing anew.

use hipflask_core::{
    UnixTime,
    interface::{CookieSessions, SaveAction, Signing},
    reason::Reason,
    session::Session,
    signing::{Digest, KeyRing, Signer},
    stored::{Settings, StoredSessions},
};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);
const UNTIL: UnixTime = UnixTime::from_secs(1_763_692_860);
/// Signed by Flask, with SHA-1 and the key `k`.
const COOKIE: &[u8] = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw";

fn signing(fallback: impl Into<Option<UnixTime>>) -> Signing {
    Signing::default().with_digest(Digest::Sha256).with_fallback_digest(Digest::Sha1, fallback)
}

#[track_caller]
fn check(ring: &KeyRing, signing: &Signing, now: UnixTime, expected: Reason) {
    let cookies = CookieSessions::signed_with(ring, signing);
    assert_eq!(cookies.open(Some(COOKIE), now).reason, expected);
    // Ids are judged alike, although they have no time.
    let id =
        Settings::signer(&KeyRing::new("k")).sign(b"SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS");
    let signer = Settings::signer_as(ring, signing.clone());
    let rules = StoredSessions::new(Settings { signer: Some(signer), ..Settings::default() });
    let offer = rules.identify(Some(&id), now);
    assert_eq!(offer.id.is_ok(), expected.is_verified());
    if !expected.is_verified() {
        assert_eq!(offer.id.err(), Some(expected));
    }
}

#[test]
fn retired_digest_is_accepted_until_its_time() {
    let ring = KeyRing::new("k");
    check(&ring, &Signing::default(), NOW, Reason::Verified);
    check(&ring, &Signing::default().with_digest(Digest::Sha256), NOW, Reason::BadSignature);
    check(&ring, &signing(UNTIL), NOW, Reason::Verified);
    check(&ring, &signing(UNTIL), UnixTime::from_secs(UNTIL.as_secs() - 1), Reason::Verified);
    check(&ring, &signing(UNTIL), UNTIL, Reason::BadSignature);
    check(&ring, &signing(None), UNTIL, Reason::Verified);
    let other = Signing::default().with_digest(Digest::Sha256);
    check(&ring, &other.with_fallback_digest(Digest::Sha512, None), NOW, Reason::BadSignature);
}

#[test]
fn retired_digest_counts_under_fallback_keys_too() {
    let ring = KeyRing::new("new").with_fallback("k");
    check(&ring, &signing(UNTIL), NOW, Reason::VerifiedByFallbackKey);
    check(&ring, &signing(UNTIL), UNTIL, Reason::BadSignature);
    check(&KeyRing::new("new"), &signing(None), NOW, Reason::BadSignature);
}

#[test]
fn facts_name_the_digest_and_the_new_one_signs() {
    let cookies = CookieSessions::signed_with(&KeyRing::new("k"), &signing(UNTIL));
    let opened = cookies.open(Some(COOKIE), NOW);
    let facts = opened.cookie.unwrap();
    assert_eq!((facts.key, facts.digest), (Some(0), Some(Digest::Sha1)));
    let cookie = cookies.sign(&opened.session, NOW).unwrap().unwrap();
    let facts = cookies.open(Some(cookie.as_bytes()), NOW).cookie.unwrap();
    assert_eq!((facts.key, facts.digest), (Some(0), Some(Digest::Sha256)));
    let only_new = Signing::default().with_digest(Digest::Sha256);
    let only_new = CookieSessions::signed_with(&KeyRing::new("k"), &only_new);
    assert_eq!(only_new.open(Some(cookie.as_bytes()), UNTIL).reason, Reason::Verified);
}

#[test]
fn signer_without_a_clock_accepts_no_digest_that_ends() {
    let ring = KeyRing::new("k");
    let old = Signer::new(&ring, "purpose").sign(b"v");
    let builder = || Signer::builder(&ring, "purpose").with_digest(Digest::Sha512);
    assert!(builder().with_fallback_digest(Digest::Sha1, None).build().unsign(&old).is_ok());
    let ends = builder().with_fallback_digest(Digest::Sha1, UNTIL).build();
    assert!(ends.unsign(&old).is_err());
    assert!(ends.unsign_at(&old, NOW).is_ok());
}

#[test]
fn resign_sends_again_what_is_outdated_and_nothing_else() {
    let sent = |ring: &KeyRing, signing: &Signing, resign| {
        let cookies = CookieSessions::signed_with(ring, signing).with_resign(resign);
        let opened = cookies.open(Some(COOKIE), NOW);
        assert_eq!(opened.session.get::<i32>("a").unwrap(), Some(1));
        matches!(cookies.save(&opened.session, NOW).unwrap().action, SaveAction::Set(_))
    };
    let (ring, rotated) = (KeyRing::new("k"), KeyRing::new("new").with_fallback("k"));
    assert!(!sent(&ring, &Signing::default(), true), "it is up to date");
    assert!(!sent(&rotated, &Signing::default(), false), "as in Flask");
    assert!(sent(&rotated, &Signing::default(), true));
    assert!(sent(&ring, &signing(UNTIL), true));
    // What was refused is not sent.
    let cookies = CookieSessions::new(&KeyRing::new("other")).with_resign(true);
    let opened = cookies.open(Some(COOKIE), NOW);
    assert!(!opened.session.is_modified());
    assert_eq!(cookies.save(&Session::new(), NOW).unwrap().action, SaveAction::Keep);
}
