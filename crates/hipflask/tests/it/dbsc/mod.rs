//! Device-bound sessions, with a client of our own that plays the browser's part.

mod browser;
mod proofs;
mod site;

use axum::{Router, routing::get};
use hipflask::{
    Reason, SecretKey, SessionLayer,
    dbsc::{DbscError, DbscLayer, DeviceBinding},
};
use http::{StatusCode, header};
use serde_json::{Value as Json, json};

use self::{
    browser::{Browser, COOKIE, Key, REFRESH, REGISTRATION},
    site::{Clock, Site, config, store},
};
use crate::{
    app::{self, KEY},
    watched::Watched,
};

/// For how long the short-lived cookie is good, with what clocks and ways may take.
const LIFE: u64 = 600 + 60;

fn sites() -> [Site; 2] {
    [Site::signed(), Site::stored()]
}

/// Logs in, registers, and shows the short-lived cookie once.
async fn bound(site: &Site) -> Browser {
    let mut browser = site.browser();
    browser.get("/log-in").await;
    assert_eq!(browser.text("/me").await, "7 Bound");
    browser
}

/// Somebody else's browser, with copies of all cookies and without the key.
fn thief(of: &Browser) -> Browser {
    Browser { kept: None, can_bind: false, ..of.clone() }
}

#[tokio::test]
async fn session_is_bound_from_log_in_to_log_out() {
    for site in sites() {
        let mut browser = site.browser();
        assert_eq!(browser.text("/me").await, "nobody Unbound no_cookie");
        browser.get("/log-in").await;
        assert!(browser.client.cookie(COOKIE).is_some());
        for n_refreshes in [0, 2, 2] {
            assert_eq!(browser.text("/me").await, "7 Bound");
            assert_eq!(browser.n_refreshes, n_refreshes, "a challenge, and a proof");
            site.clock.pass(LIFE);
            browser.n_refreshes = 0;
            // The challenge of the last time is of no use any more: it is asked for one that is.
        }
        browser.get("/log-out").await;
        assert_eq!(browser.client.cookie(COOKIE), None);
        assert_eq!(browser.text("/me").await, "nobody Unbound no_cookie");
        assert!(browser.kept.is_none(), "the browser gives its key up");
    }
}

#[tokio::test]
async fn answers_are_those_of_the_draft() {
    let site = Site::signed();
    let mut browser = site.browser();
    browser.can_bind = false;
    browser.get("/log-in").await;
    let answer = browser.register().await;
    let told: Json = serde_json::from_str(answer.body()).unwrap();
    let id = browser.kept.as_ref().unwrap().id.clone();
    assert_eq!(
        told,
        json!({
            "session_identifier": id,
            "refresh_url": "/dbsc/refresh",
            "scope": {"include_site": false, "scope_specification": []},
            "credentials": [{
                "type": "cookie",
                "name": "__Host-device",
                "attributes": "Secure; HttpOnly; Path=/; SameSite=Lax",
            }],
        })
    );
    let headers = answer.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert!(!headers.contains_key("secure-session-challenge"));
    let [line] = app::lines(headers, header::SET_COOKIE)[..] else { panic!("one cookie") };
    let (pair, attributes) = line.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-device="));
    assert_eq!(attributes, "Max-Age=600; Secure; HttpOnly; Path=/; SameSite=Lax");
    // An answer to the browser's own question changes nothing else, so that nothing of it is overwritten.
    assert_eq!(browser.client.get(REFRESH).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(browser.client.get(REGISTRATION).await.headers()[header::ALLOW], "POST");
}

#[tokio::test]
async fn settings_reach_the_browser() {
    let layer = DbscLayer::new().with_cookie_name("__Secure-here").unwrap();
    assert!(layer.clone().with_cookie_name("not a name").is_err());
    let layer = layer.excluding("/static").with_lifetime(std::time::Duration::from_secs(90));
    let config = config(SecretKey::new(KEY)).hardened();
    let site = Site::build(&config, None, &Clock::default(), layer);
    let mut browser = site.browser();
    browser.can_bind = false;
    browser.get("/log-in").await;
    let answer = browser.register().await;
    let told: Json = serde_json::from_str(answer.body()).unwrap();
    let rule = json!([{"type": "exclude", "domain": "*", "path": "/static"}]);
    assert_eq!(told["scope"]["scope_specification"], rule);
    assert_eq!(told["credentials"][0]["name"], "__Secure-here");
    let [line] = app::lines(answer.headers(), header::SET_COOKIE)[..] else { panic!("one cookie") };
    assert!(line.contains("Max-Age=90"));
    assert_eq!(browser.text("/me").await, "7 Bound");
    site.clock.pass(90 + 60);
    assert_eq!(browser.text("/me").await, "7 Bound");
    assert_eq!(browser.n_refreshes, 2);
}

#[tokio::test]
async fn browser_that_cannot_bind_stays_logged_in() {
    for site in sites() {
        let mut browser = Browser { can_bind: false, ..site.browser() };
        browser.get("/log-in").await;
        for _ in 0..3 {
            assert_eq!(browser.text("/me").await, "7 Unbound");
            site.clock.pass(LIFE);
        }
        assert_eq!(browser.client.cookie(COOKIE), None);
    }
}

#[tokio::test]
async fn stolen_cookies_end_with_the_short_lived_one() {
    for site in sites() {
        let mut browser = bound(&site).await;
        let mut thief = thief(&browser);
        // Until then a copy of both is as good as the browser.
        assert_eq!(thief.text("/me").await, "7 Bound");
        thief.client.remove_cookie(COOKIE);
        site.clock.pass(61);
        assert_eq!(thief.text("/me").await, "nobody Unproven dbsc_unproven");
        // Who keeps the cookie for longer than a browser would has nothing of it.
        thief.client.set_cookie(COOKIE, browser.client.cookie(COOKIE).unwrap());
        site.clock.pass(LIFE);
        assert_eq!(thief.text("/me").await, "nobody Unproven dbsc_unproven");
        // A log-in of the thief's own is another session, and the user's goes on.
        assert_eq!(thief.text("/cart").await, "");
        assert_eq!(browser.text("/me").await, "7 Bound");
        assert_eq!(thief.text("/me").await, "nobody Unbound");
    }
}

#[tokio::test]
async fn thief_cannot_refresh_without_the_key() {
    for site in sites() {
        let browser = bound(&site).await;
        let kept = browser.kept.clone().unwrap();
        site.clock.pass(LIFE);
        let mut thief = thief(&browser);
        // Another key, though the proof names it.
        let key = Key::generate();
        let id = ("Sec-Secure-Session-Id", &*kept.id);
        let asked = thief.post(REFRESH, &[id]).await;
        assert_eq!(asked.status(), StatusCode::FORBIDDEN);
        let challenge = browser::challenged(&asked, &kept.id).unwrap();
        for proof in [key.refresh(&challenge), key.register(&challenge)] {
            let answer = thief.post(REFRESH, &[id, ("Secure-Session-Response", &proof)]).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
            assert_eq!(answer.body(), &DbscError::KeyMismatch.to_string());
            assert_eq!(answer.extensions().get(), Some(&DbscError::KeyMismatch));
        }
        // Nor can the session be bound to it: neither by a challenge for a proof …
        let proof = key.register(&challenge);
        let answer = thief.post(REGISTRATION, &[("Secure-Session-Response", &proof)]).await;
        assert_eq!(answer.extensions().get(), Some(&DbscError::ChallengeMismatch));
        assert_eq!(thief.client.cookie(COOKIE), None);
    }
}

/// … nor by the one that the browser has been sent, which only that answer held.
#[tokio::test]
async fn bound_session_is_bound_to_no_other_key() {
    for site in sites() {
        let mut browser = Browser { can_bind: false, ..site.browser() };
        browser.load("/log-in").await;
        let (path, challenge) = browser.offer.clone().unwrap();
        assert_eq!(browser.register().await.status(), StatusCode::OK);
        browser.get("/me").await;
        let proof = Key::generate().register(&challenge);
        let answer = browser.post(&path, &[("Secure-Session-Response", &proof)]).await;
        assert_eq!(answer.extensions().get(), Some(&DbscError::ChallengeMismatch));
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert_eq!(browser.text("/me").await, "7 Bound");
    }
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_go_on() {
    for site in sites() {
        let mut one = bound(&site).await;
        site.clock.pass(LIFE);
        let mut other = one.clone();
        let mut answers = Vec::new();
        for tab in [&mut one, &mut other] {
            let kept = tab.kept.clone().unwrap();
            let asked = tab.post(REFRESH, &[("Sec-Secure-Session-Id", &kept.id)]).await;
            tab.kept.as_mut().unwrap().challenge = browser::challenged(&asked, &kept.id);
        }
        for tab in [&mut one, &mut other] {
            answers.push(tab.refresh().await.unwrap().status());
            assert_eq!(tab.text("/me").await, "7 Bound");
        }
        assert_eq!(answers, [StatusCode::OK, StatusCode::OK]);
    }
}

#[tokio::test]
async fn proof_that_is_sent_again_is_refused_in_a_store() {
    for (site, may_repeat) in [(Site::stored(), false), (Site::signed(), true)] {
        let mut browser = bound(&site).await;
        site.clock.pass(LIFE);
        let before = browser.clone();
        assert_eq!(browser.refresh().await.unwrap().status(), StatusCode::OK);
        let kept = browser.kept.clone().unwrap();
        let proof = kept.key.refresh(&kept.challenge.unwrap());
        let headers = [("Sec-Secure-Session-Id", &*kept.id), ("Secure-Session-Response", &proof)];
        // Whatever copy of the session's cookie is sent along.
        let answer = before.clone().post(REFRESH, &headers).await;
        let error = answer.extensions().get().copied();
        assert_eq!(error, (!may_repeat).then_some(DbscError::ChallengeMismatch));
        // A signed cookie cannot count, and time ends it.
        site.clock.pass(120 + 60 + 61);
        let answer = before.clone().post(REFRESH, &headers).await;
        assert_eq!(answer.extensions().get(), Some(&DbscError::ChallengeExpired));
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(browser::challenged(&answer, &kept.id).is_some(), "the browser may try again");
        assert_eq!(before.client.cookie(COOKIE), None);
    }
}

/// Of requests that overlap with one proof, one gets a cookie, on all nodes.
#[tokio::test]
async fn proof_counts_once_among_requests_that_overlap() {
    let site = Site::stored();
    let browser = bound(&site).await;
    site.clock.pass(LIFE);
    let kept = browser.kept.clone().unwrap();
    let asked = browser.clone().post(REFRESH, &[("Sec-Secure-Session-Id", &kept.id)]).await;
    let proof = kept.key.refresh(&browser::challenged(&asked, &kept.id).unwrap());
    let send = || {
        let (mut browser, id, proof) = (browser.clone(), kept.id.clone(), proof.clone());
        async move {
            let headers = [("Sec-Secure-Session-Id", &*id), ("Secure-Session-Response", &*proof)];
            browser.post(REFRESH, &headers).await.status()
        }
    };
    let answers = futures_util::future::join_all((0..8).map(|_| send())).await;
    let n_passed = answers.iter().filter(|status| **status == StatusCode::OK).count();
    assert_eq!(n_passed, 1, "{answers:?}");
}

#[tokio::test]
async fn other_sessions_and_sites_bind_nothing() {
    let key = Key::generate();
    for site in sites() {
        let mut victim = Browser { can_bind: false, ..site.browser() };
        victim.load("/log-in").await;
        // A challenge that the attacker's own session has got, and one of another site.
        let elsewhere = Site::build(
            &config(SecretKey::new("another key of another site 0123456789")),
            None,
            &site.clock,
            DbscLayer::new(),
        );
        for from in [&site, &elsewhere] {
            let mut attacker = Browser { can_bind: false, ..from.browser() };
            attacker.load("/log-in").await;
            let proof = key.register(&attacker.offer.unwrap().1);
            let answer = victim.post(REGISTRATION, &[("Secure-Session-Response", &proof)]).await;
            assert_eq!(answer.extensions().get(), Some(&DbscError::ChallengeMismatch));
        }
        // Nobody is logged in, or the session of that name has ended.
        let mut stranger = site.browser();
        let proof = key.register("x");
        let answer = stranger.post(REGISTRATION, &[("Secure-Session-Response", &proof)]).await;
        assert_eq!(answer.extensions().get(), Some(&DbscError::SessionUnknown));
        let answer = victim.post(REFRESH, &[("Sec-Secure-Session-Id", "another")]).await;
        assert_eq!(answer.status(), StatusCode::GONE);
        assert_eq!(victim.post(REFRESH, &[]).await.status(), StatusCode::GONE);
        assert_eq!(victim.text("/me").await, "7 Unbound");
    }
}

#[tokio::test]
async fn new_log_in_is_bound_anew_and_the_old_key_is_given_up() {
    for site in sites() {
        let mut browser = bound(&site).await;
        let old = browser.kept.clone().unwrap();
        browser.get("/log-in").await;
        let new = browser.kept.clone().unwrap();
        assert_ne!(old.id, new.id);
        assert_eq!(browser.text("/me").await, "7 Bound");
        let mut with_old = Browser { kept: Some(old), ..browser.clone() };
        assert_eq!(with_old.refresh().await.unwrap().status(), StatusCode::GONE);
        // A log-in by hand is noticed by its user.
        browser.get("/log-out").await;
        browser.get("/log-in-by-hand").await;
        assert_eq!(browser.text("/me").await, "8 Bound");
    }
}

#[tokio::test]
async fn answer_that_gets_lost_locks_nobody_out() {
    for site in sites() {
        let mut browser = Browser { can_bind: false, ..site.browser() };
        browser.load("/log-in").await;
        let mut away = browser.clone();
        assert_eq!(away.register().await.status(), StatusCode::OK);
        // What `away` got has never reached the browser.
        site.clock.pass(LIFE);
        assert_eq!(browser.text("/me").await, "7 Unbound");
    }
}

#[tokio::test]
async fn requests_under_way_pass_when_the_bond_comes_into_force() {
    let site = Site::stored();
    let mut browser = site.browser();
    browser.get("/log-in").await;
    let mut under_way = browser.clone();
    under_way.client.remove_cookie(COOKIE);
    assert_eq!(under_way.load("/me").await.body(), "7 Unbound");
    assert_eq!(browser.text("/me").await, "7 Bound");
    site.clock.pass(60);
    assert_eq!(under_way.load("/me").await.body(), "7 Unbound");
    site.clock.pass(1);
    assert_eq!(under_way.load("/me").await.body(), "nobody Unproven dbsc_unproven");
}

#[tokio::test]
async fn overwritten_bond_of_a_signed_cookie_is_mended() {
    let site = Site::signed();
    let mut browser = site.browser();
    browser.get("/log-in").await;
    let unbound = browser.client.cookie("session").unwrap().to_owned();
    assert_eq!(browser.text("/me").await, "7 Bound");
    assert_ne!(browser.client.cookie("session").unwrap(), unbound);
    // The response to a request that was under way comes last.
    browser.client.set_cookie("session", &unbound);
    assert_eq!(browser.text("/me").await, "7 Bound");
    let mended = browser.client.cookie("session").unwrap().to_owned();
    site.clock.pass(LIFE);
    let mut thief = site.browser();
    thief.client.set_cookie("session", &mended);
    assert_eq!(thief.text("/me").await, "nobody Unproven dbsc_unproven");
    assert_eq!(browser.text("/me").await, "7 Bound");
}

#[tokio::test]
async fn new_key_with_the_old_as_fallback_keeps_bonds() {
    const NEW: &str = "5e81b47c0fd2639ac3a0d9b8e1f24657";
    let (clock, old) = (Clock::default(), config(SecretKey::new(KEY)));
    let records = store(&clock);
    let new = config(SecretKey::new(NEW).with_fallback(KEY));
    for store in [None, Some(records)] {
        let before = Site::build(&old, store.clone(), &clock, DbscLayer::new());
        let after = Site::build(&new, store, &clock, DbscLayer::new());
        let mut browser = bound(&before).await;
        let kept = browser.kept.clone().unwrap();
        let asked = browser.post(REFRESH, &[("Sec-Secure-Session-Id", &kept.id)]).await;
        browser.kept.as_mut().unwrap().challenge = browser::challenged(&asked, &kept.id);
        // The cookie and the challenge of before the change are good on the node that has the new key.
        let mut moved = Browser { client: after.browser().client, ..browser.clone() };
        for name in ["session", COOKIE] {
            moved.client.set_cookie(name, browser.client.cookie(name).unwrap());
        }
        assert_eq!(moved.text("/me").await, "7 Bound");
        assert_eq!(moved.refresh().await.unwrap().status(), StatusCode::OK);
        assert_eq!(moved.n_refreshes, 1);
    }
}

#[tokio::test]
async fn clocks_of_two_machines_may_differ_by_a_minute() {
    let (here, there) = (Clock::default(), Clock::default());
    there.pass(60);
    let (config, records) = (config(SecretKey::new(KEY)), store(&here));
    let [here, there] = [here, there]
        .map(|clock| Site::build(&config, Some(records.clone()), &clock, DbscLayer::new()));
    let mut browser = bound(&there).await;
    let mut moved = Browser { client: here.browser().client, ..browser.clone() };
    for name in ["session", COOKIE] {
        moved.client.set_cookie(name, browser.client.cookie(name).unwrap());
    }
    assert_eq!(moved.text("/me").await, "7 Bound");
    let kept = browser.kept.clone().unwrap();
    let asked = browser.post(REFRESH, &[("Sec-Secure-Session-Id", &kept.id)]).await;
    moved.kept.as_mut().unwrap().challenge = browser::challenged(&asked, &kept.id);
    assert_eq!(moved.refresh().await.unwrap().status(), StatusCode::OK);
    assert_eq!(moved.n_refreshes, 1);
}

#[tokio::test]
async fn bond_that_cannot_be_read_opens_nothing() {
    for site in sites() {
        let mut browser = bound(&site).await;
        for wrong in [json!(7), json!("x"), json!({"id": 7}), json!([])] {
            let change = |session: &hipflask::Session| session.insert("_hipflask_dbsc", &wrong);
            browser.client.session_transaction(change).await.unwrap();
            assert_eq!(browser.load("/me").await.body(), "nobody Unproven dbsc_unproven");
            let id = browser.kept.as_ref().unwrap().id.clone();
            let answer = browser.post(REFRESH, &[("Sec-Secure-Session-Id", &id)]).await;
            assert_eq!(answer.status(), StatusCode::GONE);
        }
    }
}

#[tokio::test]
async fn store_that_is_away_keeps_the_browser_waiting() {
    let (clock, watched) = (Clock::default(), Watched::default());
    let own = clock.clone();
    let sessions = SessionLayer::stored(&app::config(), watched.clone()).unwrap();
    let sessions = sessions.with_clock(move || own.now());
    let app = site::routes().layer(DbscLayer::new()).layer(sessions.clone());
    let site = Site { app, sessions, clock };
    let mut browser = bound(&site).await;
    site.clock.pass(LIFE);
    watched.set_down(true);
    assert_eq!(browser.refresh().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.load("/me").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.load("/page").await.body(), "a page");
    watched.set_down(false);
    assert_eq!(browser.text("/me").await, "7 Bound");
}

#[tokio::test]
async fn layers_in_the_wrong_order_say_so() {
    let sessions = app::layer(&app::config());
    let ask = get(async |device: DeviceBinding| format!("{device:?}"));
    let without: Router = Router::new().route("/", ask.clone()).layer(sessions.clone());
    let answer = app::get(&without, "/", &[]).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(app::text(answer).await.contains("call .layer(DbscLayer::new()) after the routes"));
    let outside: Router = Router::new().route("/", ask).layer(sessions).layer(DbscLayer::new());
    let answer = app::get(&outside, "/", &[]).await;
    assert!(app::text(answer).await.contains("no SessionLayer is around this route"));
}

#[tokio::test]
async fn page_without_a_session_stays_free_of_it() {
    for site in sites() {
        let mut browser = bound(&site).await;
        let answer = browser.load("/page").await;
        let names: Vec<_> = answer.headers().keys().map(header::HeaderName::as_str).collect();
        assert!(!names.iter().any(|name| ["set-cookie", "vary", "cache-control"].contains(name)));
    }
}

#[test]
fn reasons_are_those_of_the_errors() {
    for error in [
        DbscError::ChallengeExpired,
        DbscError::ChallengeMismatch,
        DbscError::KeyMismatch,
        DbscError::ProofMalformed("x"),
        DbscError::ProofMissing,
        DbscError::SessionUnknown,
    ] {
        let name = format!("Dbsc{error:?}");
        let name = name.split('(').next().unwrap();
        assert_eq!(format!("{:?}", error.reason()), name);
    }
    assert!(Reason::DbscUnproven.is_refusal());
}
