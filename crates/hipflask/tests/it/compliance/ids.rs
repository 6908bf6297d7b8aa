//! What a session is known by: ids, and cookies that nobody can make.

use std::{collections::BTreeSet, time::Duration};

use hipflask::config::IdStorage;
use http::Request;

use super::site::Site;
use crate::{
    app::{self, config, cookie, set_cookies},
    watched::Watched,
};

const PLANTED: &str = "session=cGxhbnRlZC1pbi10aGUtdmljdGltcy1icm93c2VyLi4";

#[tokio::test]
pub(super) async fn asvs_7_2_1_edited_cookie_is_nobody() {
    let site = Site::signed(&config());
    let good = cookie(r#"{"user":"ada"}"#);
    assert_eq!(site.who(&good).await, "ada verified");
    let (_, rest) = good.split_once('.').unwrap();
    for forged in [format!("session=eyJ1c2VyIjoicm9vdCJ9.{rest}"), good[..good.len() - 2].into()] {
        assert_eq!(site.who(&forged).await, "nobody bad_signature");
    }
}

#[tokio::test]
pub(super) async fn asvs_7_2_2_each_log_in_gets_a_token_of_its_own() {
    let site = Site::stored(&config());
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        assert!(seen.insert(site.cookie("/log_in", "").await));
    }
}

#[tokio::test]
pub(super) async fn asvs_7_2_3_ids_are_random_and_of_256_bits() {
    let site = Site::stored(&config());
    let mut seen = BTreeSet::new();
    for _ in 0..2000 {
        let id = site.cookie("/visit", "").await.split_off("session=".len());
        assert_eq!(id.len(), 43, "32 bytes in base64");
        // A counter or a clock would give a common start.
        assert!(seen.insert(id[..12].to_owned()), "two ids begin alike");
    }
    assert!(config().with_id_length(15).build_stored().is_err(), "128 bits are the least");
}

#[tokio::test]
pub(super) async fn asvs_7_2_4_log_in_ends_the_id_of_before() {
    let site = Site::stored(&config());
    let before = site.cookie("/visit", "").await;
    let after = site.cookie("/log_in", &before).await;
    assert_ne!(before, after);
    assert_eq!(site.who(&after).await, "ada found");
    assert_eq!(site.who(&before).await, "nobody renewed");
    let again = site.cookie("/log_in", &after).await;
    assert_eq!(site.who(&after).await, "nobody renewed", "after a second log-in");
    assert_eq!(site.who(&again).await, "ada found");
}

#[tokio::test]
pub(super) async fn cheat_sheet_renewal_after_any_privilege_change() {
    let site = Site::stored(&config());
    let before = site.cookie("/log_in", "").await;
    let after = site.cookie("/more_rights", &before).await;
    assert_eq!(site.who(&after).await, "ada found");
    assert_eq!(site.who(&before).await, "nobody renewed");
}

#[tokio::test]
pub(super) async fn cheat_sheet_strict_ids_are_never_adopted() {
    let site = Site::stored(&config());
    assert_eq!(site.who(PLANTED).await, "nobody unknown_id");
    let own = site.cookie("/log_in", PLANTED).await;
    assert_ne!(own, PLANTED);
    assert_eq!(site.who(PLANTED).await, "nobody unknown_id");
}

#[tokio::test]
pub(super) async fn cheat_sheet_id_counts_in_the_cookie_only() {
    let site = Site::stored(&config());
    let cookie = site.cookie("/log_in", "").await;
    let id = cookie.trim_start_matches("session=");
    for request in [
        Request::get(format!("/who?session={id}")),
        Request::get("/who").header("session", id),
        Request::get("/who").header("authorization", format!("Bearer {id}")),
        Request::get("/who").header("x-session-id", id),
    ] {
        let response = site.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(app::text(response).await, "nobody no_cookie");
    }
    let form = Request::post("/who").header("sec-fetch-site", "same-origin");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let response = site.send(form.body(cookie.clone().into()).unwrap()).await;
    assert_eq!(app::text(response).await, "nobody no_cookie");
}

#[tokio::test]
pub(super) async fn cheat_sheet_id_is_untrusted_input() {
    let store = Watched::default();
    let layer = app::layer(&config()).with_store(store.clone());
    let app = axum::Router::new()
        .route("/", axum::routing::get(async |_: hipflask::Session| ()))
        .layer(layer);
    for id in
        ["../../etc/passwd", "a:b", "%00", "'; DROP TABLE sessions --", "*", &"a".repeat(4000)]
    {
        app::get(&app, "/", &[&format!("session={id}")]).await;
        assert_eq!(store.asked(), [""; 0], "{id}");
    }
}

#[tokio::test]
pub(super) async fn cheat_sheet_dump_of_hashed_ids_logs_nobody_in() {
    let site = Site::stored(&config().with_id_storage(IdStorage::Hashed));
    let cookie = site.cookie("/log_in", "").await;
    let id = cookie.trim_start_matches("session=");
    let dump = site.dump().await;
    assert_eq!(dump.len(), 1);
    for (key, record) in dump {
        assert!(!key.contains(id) && !record.windows(id.len()).any(|part| part == id.as_bytes()));
        let stolen = key.rsplit(':').next().unwrap();
        assert!(site.who(&format!("session={stolen}")).await.starts_with("nobody"));
    }
    assert_eq!(site.who(&cookie).await, "ada found");
}

#[tokio::test]
pub(super) async fn asvs_7_6_2_page_makes_no_session() {
    for site in [Site::signed(&config()), Site::stored(&config())] {
        for path in ["/", "/who"] {
            assert!(set_cookies(&site.get(path, "").await).is_empty());
        }
        assert!(site.store.is_empty());
    }
}

#[tokio::test]
pub(super) async fn nist_cookie_of_a_stored_session_is_opaque() {
    let site = Site::stored(&config().with_idle_timeout(Duration::from_secs(900)));
    let cookie = site.cookie("/log_in", "").await;
    let (name, id) = cookie.split_once('=').unwrap();
    assert_eq!((name, id.len()), ("session", 43));
    assert!(!cookie.contains("ada"));
}

#[tokio::test]
pub(super) async fn nist_encrypted_cookie_is_opaque() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let config = config().with_encryption(cfg!(feature = "encryption"));
    let site = Site::signed(&config);
    let cookie = site.cookie("/log_in", "").await;
    assert_eq!(site.who(&cookie).await, "ada verified");
    if cfg!(feature = "encryption") {
        let value = cookie.strip_prefix("session=e1.").expect("an encrypted cookie");
        let bytes = URL_SAFE_NO_PAD.decode(value).unwrap();
        assert!(!bytes.windows(3).any(|window| window == b"ada"));
    }
}
