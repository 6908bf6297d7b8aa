//! What a proof may not be, and that no bytes do harm.

use std::sync::LazyLock;

use axum::body::Body;
use hipflask::{
    core::{
        encoding::encode_url,
        signing::{KeyRing, Signer, TimedSigner},
        token::TimedToken,
    },
    dbsc::DbscError,
};
use http::{HeaderValue, Request, StatusCode};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{
    bound,
    browser::{self, Browser, COOKIE, Key, REFRESH, REGISTRATION},
    site::Site,
};
use crate::app::KEY;

/// A proof of each wrong kind, and what the answer says was expected.
fn wrong_proofs(key: &Key, challenge: &str) -> Vec<(String, &'static str)> {
    const PARTS: &str = "three parts in base64url, with dots between them";
    const HEADER: &str = "a JSON object with `alg` and `typ`";
    const JTI: &str = "the challenge in `jti`";
    const ALGORITHM: &str = "the algorithm ES256";
    let (good, claims) = (key.register(challenge), json!({"jti": challenge}));
    let with = |alg: &str, typ: &str| {
        key.sign(&json!({"alg": alg, "typ": typ, "jwk": key.jwk()}), &claims)
    };
    let claiming = |claims: Json| {
        key.sign(&json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": key.jwk()}), &claims)
    };
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    vec![
        (String::new(), PARTS),
        ("x".into(), PARTS),
        (format!("{header}.{payload}"), PARTS),
        (format!("{good}="), PARTS),
        (format!("{good}.{signature}"), PARTS),
        (format!("{header}=.{payload}.{signature}"), PARTS),
        (good.replace('.', ".."), PARTS),
        (format!("{}.{payload}.{signature}", "A".repeat(9000)), PARTS),
        (format!("{}.{payload}.{signature}", encode_url(b"[]")), HEADER),
        (format!("{}.{payload}.{signature}", encode_url(&[0xff; 40])), HEADER),
        (format!("{}.{payload}.{signature}", encode_url("[".repeat(3000).as_bytes())), HEADER),
        (key.sign(&json!({"alg": "ES256"}), &claims), HEADER),
        (key.sign(&json!({"typ": "dbsc+jwt"}), &claims), HEADER),
        (with("ES256", "jwt"), "the type dbsc+jwt"),
        (with("none", "dbsc+jwt"), ALGORITHM),
        (with("RS256", "dbsc+jwt"), ALGORITHM),
        (with("HS256", "dbsc+jwt"), ALGORITHM),
        (with("es256", "dbsc+jwt"), ALGORITHM),
        (claiming(json!({})), JTI),
        (claiming(json!([])), JTI),
        (claiming(json!({"jti": 7})), JTI),
    ]
}

#[tokio::test]
async fn proofs_of_another_form_are_refused_with_words() {
    let site = Site::signed();
    let mut fresh = Browser { can_bind: false, ..site.browser() };
    fresh.load("/log-in").await;
    let challenge = fresh.offer.clone().unwrap().1;
    let mut old = bound(&site).await;
    let kept = old.kept.clone().unwrap();
    let asked = old.post(REFRESH, &[("Sec-Secure-Session-Id", &kept.id)]).await;
    let next = browser::challenged(&asked, &kept.id).unwrap();
    for quotes in [true, false] {
        (fresh.quotes, old.quotes) = (quotes, quotes);
        let registering = wrong_proofs(&Key::generate(), &challenge);
        for ((proof, expected), (again, _)) in
            registering.iter().zip(wrong_proofs(&kept.key, &next))
        {
            let first = fresh.post(REGISTRATION, &[("Secure-Session-Response", proof)]).await;
            let id = ("Sec-Secure-Session-Id", &*kept.id);
            let second = old.post(REFRESH, &[id, ("Secure-Session-Response", &again)]).await;
            for answer in [first, second] {
                assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{proof}");
                let text = format!("the proof cannot be read: expected {expected}");
                assert_eq!(answer.body(), &text, "{proof}");
                assert!(!answer.headers().contains_key("set-cookie"));
            }
        }
    }
    assert_eq!(fresh.post(REGISTRATION, &[]).await.body(), &DbscError::ProofMissing.to_string());
    assert_eq!(fresh.text("/me").await, "7 Unbound");
    assert_eq!(old.text("/me").await, "7 Bound");
}

#[tokio::test]
async fn keys_of_another_form_are_refused() {
    let site = Site::signed();
    let mut browser = Browser { can_bind: false, ..site.browser() };
    browser.load("/log-in").await;
    let (key, challenge) = (Key::generate(), browser.offer.clone().unwrap().1);
    let sign = |jwk: Json| {
        key.sign(
            &json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": jwk}),
            &json!({"jti": challenge}),
        )
    };
    let changed = |name: &str, value: Json| {
        let mut jwk = key.jwk();
        jwk[name] = value;
        jwk
    };
    let malformed = DbscError::ProofMalformed("a public key of the curve P-256 in `jwk`");
    let short = encode_url(&[1; 31]);
    for (jwk, error) in [
        (Json::Null, malformed),
        (json!({}), malformed),
        (json!("x"), malformed),
        (changed("kty", json!("RSA")), malformed),
        (changed("crv", json!("P-384")), malformed),
        (changed("x", json!(short)), malformed),
        (changed("y", json!("*")), malformed),
        (changed("y", json!(7)), malformed),
        // A point that is not on the curve, the one at infinity, and somebody else's.
        (changed("x", json!(encode_url(&[7; 32]))), DbscError::KeyMismatch),
        (
            json!({"kty": "EC", "crv": "P-256", "x": encode_url(&[0; 32]), "y": encode_url(&[0; 32])}),
            DbscError::KeyMismatch,
        ),
        (Key::generate().jwk(), DbscError::KeyMismatch),
    ] {
        let answer = browser.post(REGISTRATION, &[("Secure-Session-Response", &sign(jwk))]).await;
        assert_eq!(answer.extensions().get(), Some(&error));
    }
    // A part of the proof that was changed after it was signed, and a signature of zeros.
    let good = key.register(&challenge);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let other = key.register("another");
    let zeros = encode_url(&[0; 64]);
    for proof in [
        format!("{signed}.{}", other.rsplit_once('.').unwrap().1),
        format!("{signed}.{zeros}"),
        format!("{signed}."),
    ] {
        let answer = browser.post(REGISTRATION, &[("Secure-Session-Response", &proof)]).await;
        assert_eq!(answer.extensions().get(), Some(&DbscError::KeyMismatch));
    }
    let answer = browser.post(REGISTRATION, &[("Secure-Session-Response", &good)]).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Tokens that the same key has signed for another purpose, or at another time.
#[tokio::test]
async fn tokens_of_another_purpose_are_no_challenges() {
    let site = Site::stored();
    let mut browser = bound(&site).await;
    let kept = browser.kept.clone().unwrap();
    let id = ("Sec-Secure-Session-Id", &*kept.id);
    let other = TimedToken::signed_by(TimedSigner::new(Signer::new(&KeyRing::new(KEY), "other")));
    let now = site.clock.now();
    for challenge in [
        String::new(),
        "x.y.z".into(),
        browser.client.cookie(COOKIE).unwrap().to_owned(),
        browser.client.cookie("session").unwrap().to_owned(),
        other.encode(&(&kept.id, 1), now).unwrap(),
    ] {
        let proof = kept.key.refresh(&challenge);
        let answer = browser.post(REFRESH, &[id, ("Secure-Session-Response", &proof)]).await;
        assert_eq!(answer.extensions().get(), Some(&DbscError::ChallengeMismatch), "{challenge}");
    }
    // A challenge is no cookie either.
    let asked = browser.post(REFRESH, &[id]).await;
    let challenge = browser::challenged(&asked, &kept.id).unwrap();
    assert!(String::from_utf8(browser::payload(&challenge)).unwrap().contains(&kept.id));
    site.clock.pass(61);
    browser.client.set_cookie(COOKIE, &challenge);
    assert_eq!(browser.load("/me").await.body(), "nobody Unproven dbsc_unproven");
    assert_eq!(browser.client.cookie(COOKIE), None, "so that the browser refreshes");
    assert_eq!(browser.text("/me").await, "7 Bound");
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().unwrap());

fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let any = proptest::collection::vec(any::<u8>(), 0..200);
    let close = proptest::collection::vec(
        prop_oneof![Just(b'.'), Just(b'"'), Just(b';'), Just(b'='), Just(b'e'), Just(b'{')],
        0..40,
    );
    prop_oneof![any, close]
}

proptest! {
    /// Whatever bytes the headers and the cookies hold: an answer comes, and it is no fault of the server.
    #[test]
    fn no_bytes_do_harm(
        proof in header_bytes(), id in header_bytes(), cookie in header_bytes(),
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 3),
        as_jwt: bool, refresh: bool,
    ) {
        static BOUND: LazyLock<(Site, Browser)> = LazyLock::new(|| {
            let site = Site::signed();
            let browser = RUNTIME.block_on(bound(&site));
            (site, browser)
        });
        let (_, bound) = &*BOUND;
        let mut browser = bound.clone();
        let jwt = parts.iter().map(|part| encode_url(part)).collect::<Vec<_>>().join(".");
        let proof = if as_jwt { jwt.into_bytes() } else { proof };
        let id = if as_jwt { bound.kept.as_ref().unwrap().id.clone().into_bytes() } else { id };
        let cookie = [COOKIE.as_bytes(), b"=", &cookie].concat();
        for (path, method) in [(if refresh { REFRESH } else { REGISTRATION }, "POST"), ("/me", "GET")] {
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in [
                ("secure-session-response", &proof), ("sec-secure-session-id", &id), ("cookie", &cookie),
            ] {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    request = request.header(name, value);
                }
            }
            let answer = RUNTIME.block_on(browser.client.send(request.body(Body::empty()).unwrap()));
            prop_assert!(answer.status().as_u16() < 500);
            prop_assert!(method == "GET" || answer.status().is_client_error());
        }
    }
}

/// The session's size is part of what a signed cookie costs.
#[tokio::test]
async fn bond_takes_little_of_a_signed_cookie() {
    let site = Site::signed();
    let mut plain = Browser { can_bind: false, ..site.browser() };
    plain.load("/log-in").await;
    let browser = bound(&site).await;
    let [plain, bound] = [plain, browser].map(|it| it.client.cookie("session").unwrap().len());
    assert!(bound - plain < 200, "{plain} and {bound}");
}
