//! What is signed: for what, by what, when, and how much of it is read.

use hipflask::{
    SecretKey, Session, SessionConfig,
    config::{Digest, Signing},
    core::{csrf::CsrfTokens, signing::KeyRing, token::TimedToken},
};
use http::{Request, StatusCode};

use super::site::Site;
use crate::app::{KEY, NOW, config, cookie};

const OTHER: &str = "c3a0d9b8e1f24657aa90b1c2d3e4f506";

#[tokio::test]
pub(super) async fn asvs_9_1_1_nothing_is_read_before_its_signature() {
    let site = Site::signed(&config());
    // Neither a broken deflate stream nor broken JSON is noticed: the signature comes first.
    for payload in [".eJxbroken", "bm8ganNvbg", ".", "!!!"] {
        let cookie = format!("session={payload}.aR_RAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(site.who(&cookie).await, "nobody bad_signature", "{payload}");
    }
}

#[tokio::test]
pub(super) async fn asvs_9_1_2_digest_is_not_the_cookies_to_choose() {
    let sha256 = config().with_signing(Signing::default().with_digest(Digest::Sha256));
    let (old, new) = (Site::signed(&config()), Site::signed(&sha256));
    let (of_old, of_new) = (old.cookie("/log_in", "").await, new.cookie("/log_in", "").await);
    assert_eq!(old.who(&of_old).await, "ada verified");
    assert_eq!(new.who(&of_new).await, "ada verified");
    assert_eq!(old.who(&of_new).await, "nobody bad_signature");
    assert_eq!(new.who(&of_old).await, "nobody bad_signature");
    let unsigned = of_old.rsplit_once('.').unwrap().0;
    for none in [format!("{unsigned}."), unsigned.to_owned(), format!("{unsigned}.none")] {
        assert!(old.who(&none).await.starts_with("nobody "), "{none}");
    }
}

#[tokio::test]
pub(super) async fn asvs_9_1_3_keys_are_those_of_the_configuration_newest_first() {
    let rotated = SessionConfig::new(SecretKey::new(OTHER).with_fallback(KEY));
    let (before, after) = (Site::signed(&config()), Site::signed(&rotated));
    let old = before.cookie("/log_in", "").await;
    assert_eq!(after.who(&old).await, "ada verified_by_fallback_key");
    let new = after.cookie("/log_in", &old).await;
    assert_eq!(after.who(&new).await, "ada verified", "the newest key signs");
    assert_eq!(before.who(&new).await, "nobody bad_signature");
    // A text instead of a list would make each of its letters a key.
    let vars = [("F_SECRET_KEY", KEY), ("F_SECRET_KEY_FALLBACKS", "an-old-secret")];
    assert!(SessionConfig::from_vars("F", vars).is_err());
    for weak in ["dev", "", "k"] {
        assert!(SessionConfig::new(SecretKey::new(weak)).build().is_err(), "{weak:?}");
    }
}

#[tokio::test]
pub(super) async fn asvs_9_2_1_time_is_checked_both_ways() {
    let (site, ahead) = (Site::signed(&config()), Site::signed(&config()));
    ahead.pass(1);
    let early = ahead.cookie("/log_in", "").await;
    assert_eq!(site.who(&early).await, "nobody not_yet_valid");
    site.pass(1);
    assert_eq!(site.who(&early).await, "ada verified");
    site.pass(config().lifetime().as_secs() + 1);
    assert_eq!(site.who(&early).await, "nobody expired");
}

#[tokio::test]
pub(super) async fn asvs_9_2_2_tokens_of_one_purpose_serve_no_other() {
    let site = Site::signed(&config());
    let ring = KeyRing::new(KEY);
    let reset = TimedToken::new(&ring, "password-reset").encode(&[("user", "ada")], NOW).unwrap();
    let form = CsrfTokens::new(&ring).encode("a secret", NOW);
    for foreign in [&reset, &form] {
        assert_eq!(site.who(&format!("session={foreign}")).await, "nobody bad_signature");
    }
    let session = cookie(r#"{"csrf_token":"a secret"}"#);
    let value = session.trim_start_matches("session=").as_bytes();
    assert!(CsrfTokens::new(&ring).check(value, Some(&"a secret".into()), NOW).is_err());
    let other_salt = config().with_signing(Signing::default().with_salt("another service"));
    assert_eq!(Site::signed(&other_salt).who(&session).await, "nobody bad_signature");
}

#[tokio::test]
pub(super) async fn asvs_3_5_1_other_sites_change_nothing() {
    let site = Site::signed(&config());
    let cookie = cookie(r#"{"user":"ada","csrf_token":"a secret"}"#);
    let token = CsrfTokens::new(&KeyRing::new(KEY)).encode("a secret", NOW);
    let send = async |headers: &[(&str, &str)]| {
        let request = Request::post("/who").header("cookie", &cookie).header("host", "a.example");
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        site.send(request.body(axum::body::Body::empty()).unwrap()).await.status()
    };
    for refused in [
        &[][..],
        &[("origin", "https://evil.example"), ("x-csrftoken", &*token)],
        &[("sec-fetch-site", "cross-site"), ("x-csrftoken", &*token)],
        &[("sec-fetch-site", "same-site")],
        &[("x-csrftoken", "a secret")],
    ] {
        assert_eq!(send(refused).await, StatusCode::BAD_REQUEST, "{refused:?}");
    }
    for passed in [
        &[("origin", "https://a.example")][..],
        &[("sec-fetch-site", "same-origin")],
        &[("x-csrftoken", &*token)],
    ] {
        assert_eq!(send(passed).await, StatusCode::OK, "{passed:?}");
    }
}

#[tokio::test]
pub(super) async fn asvs_9_1_1_zip_bomb_is_not_inflated() {
    let fill = async |session: Session| session.insert("zeros", "0".repeat(3_000_000));
    let big = config().with_max_cookie_size(0);
    let layer = crate::app::layer(&big);
    let app = axum::Router::new().route("/", axum::routing::get(fill)).layer(layer);
    let bomb = crate::app::sent_back(&crate::app::get(&app, "/", &[]).await);
    assert!(bomb.len() < 8_000, "it is small on its way: {}", bomb.len());
    let limits = hipflask::config::Limits::default().with_inflated(1_000_000);
    assert_eq!(Site::signed(&config().with_limits(limits)).who(&bomb).await, "nobody too_large");
}
