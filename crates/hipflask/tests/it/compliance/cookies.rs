//! The cookie on its way: attributes, sizes, doubles, caches.

use std::time::Duration;

use axum::{Router, response::AppendHeaders, routing::get};
use hipflask::{
    Session, SessionInterface,
    auth::{LoginManager, RememberCookie, RememberSigner},
    config::SameSite,
};
use http::header::{CACHE_CONTROL, SET_COOKIE};

use super::site::Site;
use crate::{
    app::{self, config, cookie, noise, set_cookies, varies},
    privacy::Log,
};

/// Returns the attributes that a configuration gives its cookie.
async fn line(config: &hipflask::SessionConfig) -> String {
    let response = Site::signed(config).get("/log_in", "").await;
    let [line] = set_cookies(&response)[..] else { panic!("one cookie") };
    line.to_owned()
}

#[tokio::test]
pub(super) async fn asvs_3_3_1_hardened_cookie_is_secure_and_named_so() {
    let line = line(&config().hardened()).await;
    assert!(line.starts_with("__Host-session=") && line.contains("; Secure;"), "{line}");
    for name in ["__Host-session", "__Secure-session"] {
        let insecure = config().with_cookie_name(name);
        assert!(insecure.build().is_err(), "{name} without Secure");
        assert!(insecure.with_secure(true).build().is_ok());
    }
}

#[test]
pub(super) fn asvs_3_3_3_host_cookies_stay_on_their_host() {
    let host = config().with_cookie_name("__Host-session").with_secure(true);
    assert!(host.clone().with_domain("example.com").build().is_err());
    assert!(host.clone().with_path("/app").build().is_err());
    assert!(host.build().is_ok());
    let http = config().with_cookie_name("__Host-Http-session").hardened();
    assert_eq!(http.build().unwrap().name(), "__Host-Http-session");
    assert!(http.clone().insecure_allow_javascript().build().is_err());
    assert!(http.with_path("/app").build().is_err());
    assert!(config().hardened().with_domain("example.com").build().is_err());
}

#[tokio::test]
pub(super) async fn asvs_3_3_4_cookie_is_http_only() {
    assert!(line(&config()).await.contains("; HttpOnly"));
    let loose = config().insecure_allow_javascript();
    assert!(!line(&loose).await.contains("HttpOnly"), "the test can fail");
    assert!(line(&loose.hardened()).await.contains("; HttpOnly"));
}

#[tokio::test]
pub(super) async fn asvs_3_3_2_same_site_is_explicit() {
    assert!(line(&config().hardened()).await.ends_with("; SameSite=Lax"));
    let strict = config().with_same_site(SameSite::Strict).hardened();
    assert!(line(&strict).await.ends_with("; SameSite=Strict"));
    assert!(config().with_same_site(SameSite::None).build().is_err(), "without Secure");
}

#[tokio::test]
pub(super) async fn asvs_3_3_5_no_cookie_is_larger_than_browsers_keep() {
    let fill = async |session: Session, len: axum::extract::Path<usize>| {
        session.insert("noise", noise(*len))
    };
    let app = Router::new().route("/{len}", get(fill)).layer(app::layer(&config()));
    let mut seen = [false; 2];
    for len in (4500..7000).step_by(9) {
        let response = app::get(&app, &format!("/{len}"), &[]).await;
        match set_cookies(&response)[..] {
            [line] => {
                let pair = line.split(';').next().unwrap();
                assert!(pair.len() - 1 <= 4096, "{len}: name and value have {}", pair.len() - 1);
                seen[0] = true;
            }
            _ => {
                assert!(response.status().is_server_error(), "{len}: lost in silence");
                seen[1] = true;
            }
        }
    }
    assert_eq!(seen, [true; 2], "the edge was not reached");
}

#[tokio::test]
pub(super) async fn rfc6265bis_no_response_sets_the_cookie_twice() {
    let twice = async |session: Session| {
        session.insert("a", 1).unwrap();
        AppendHeaders([(SET_COOKIE, "session=by_hand"), (SET_COOKIE, "session=again")])
    };
    let app = Router::new().route("/", get(twice)).layer(app::layer(&config()));
    assert_eq!(set_cookies(&app::get(&app, "/", &[]).await).len(), 1);
}

#[tokio::test]
pub(super) async fn rfc6265bis_values_hold_octets_of_cookies_only() {
    let octets =
        |byte: u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    let set = async |session: Session| {
        session.insert("é \"\\;,\u{0}", "\u{1f375};,\"\\ \r\n\u{7f}")?;
        session.insert("more", noise(500))
    };
    let app = Router::new().route("/", get(set)).layer(app::layer(&config()));
    let cookie = app::sent_back(&app::get(&app, "/", &[]).await);
    assert!(cookie.split_once('=').unwrap().1.bytes().all(octets), "{cookie}");
}

#[tokio::test]
pub(super) async fn rfc6265bis_first_of_two_cookies_counts() {
    let site = Site::signed(&config());
    let (ada, bob) = (cookie(r#"{"user":"ada"}"#), cookie(r#"{"user":"bob"}"#));
    assert_eq!(site.who(&format!("{ada}; {bob}")).await, "ada verified");
    assert_eq!(site.who(&format!("{bob}; {ada}")).await, "bob verified");
    let two_lines = app::get(&site.app, "/who", &[&ada, &bob]).await;
    assert_eq!(app::text(two_lines).await, "ada verified");
}

#[tokio::test]
pub(super) async fn chips_partitioned_cookie_is_secure_and_deleted_as_it_was_set() {
    assert!(config().with_partitioned(true).build().is_err(), "without Secure");
    let config = config().with_partitioned(true).with_secure(true).with_same_site(SameSite::None);
    let line = line(&config).await;
    let attributes = "; Secure; HttpOnly; Path=/; SameSite=None; Partitioned";
    assert!(line.ends_with(attributes), "{line}");
    let site = Site::signed(&config);
    let cookie = site.cookie("/log_in", "").await;
    let response = site.get("/log_out", &cookie).await;
    let [deletion] = set_cookies(&response)[..] else { panic!("one cookie") };
    for attribute in ["; Secure", "; SameSite=None", "; Partitioned", "; Path=/", "; Max-Age=0"] {
        assert!(deletion.contains(attribute), "{deletion}");
    }
}

#[tokio::test]
pub(super) async fn nist_scope_is_the_own_host() {
    let line = line(&config()).await;
    assert!(!line.contains("Domain"), "{line}");
}

#[tokio::test]
pub(super) async fn cheat_sheet_shared_caches_keep_no_session() {
    let site = Site::signed(&config());
    assert!(varies(&site.get("/who", "").await), "a page that asks for the session");
    assert!(!varies(&site.get("/", "").await), "the test can fail");
    let page = async |session: Session| {
        session.insert("a", 1).unwrap();
        ([(CACHE_CONTROL, "public, max-age=60, s-maxage=600")], "page")
    };
    let app = Router::new().route("/", get(page)).layer(app::layer(&config()));
    let response = app::get(&app, "/", &[]).await;
    let [cache] = app::lines(response.headers(), CACHE_CONTROL)[..] else { panic!("one line") };
    assert!(cache.contains("private") && !cache.contains("public") && !cache.contains("s-maxage"));
}

#[test]
pub(super) fn rfc6265bis_lives_beyond_400_days_are_told() {
    let told = |days: u64| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let life = Duration::from_secs(days * 86_400);
            SessionInterface::signed(&config().with_lifetime(life)).unwrap().tell();
            let signer = RememberSigner::new(config().secret_key().ring()).unwrap();
            let cookie = RememberCookie::new(signer).with_duration(life);
            let users = LoginManager::new(async |_: String| Ok(None::<String>));
            drop(users.with_flask_remember_cookie(cookie));
        });
        ["PERMANENT_SESSION_LIFETIME", "REMEMBER_COOKIE_DURATION"]
            .map(|name| log.text().contains(&format!("{name} is 401 days")))
    };
    assert_eq!([400, 401].map(told), [[false; 2], [true; 2]]);
}
