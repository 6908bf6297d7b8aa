//! When sessions end: by time, and by log-out.

use std::time::Duration;

use hipflask::SessionConfig;

use super::site::Site;
use crate::app::{config, set_cookies};

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

#[tokio::test]
pub(super) async fn asvs_7_3_1_idle_session_ends_on_the_server() {
    let site = Site::stored(&config().with_idle_timeout(minutes(15)));
    let cookie = site.cookie("/log_in", "").await;
    site.pass(15 * 60 - 1);
    assert_eq!(site.who(&cookie).await, "ada found");
    site.pass(15 * 60 + 1);
    assert_eq!(site.who(&cookie).await, "nobody unknown_id");
}

#[tokio::test]
pub(super) async fn asvs_7_3_2_activity_does_not_cross_the_absolute_limit() {
    let config = config().with_idle_timeout(minutes(15)).with_absolute_timeout(minutes(60));
    let site = Site::stored(&config);
    let cookie = site.cookie("/log_in", "").await;
    for _ in 0..5 {
        site.pass(10 * 60);
        assert_eq!(site.who(&cookie).await, "ada found");
    }
    site.pass(10 * 60 + 1);
    assert!(site.who(&cookie).await.starts_with("nobody "));
}

#[tokio::test]
pub(super) async fn nist_activity_resets_the_idle_timer() {
    let site = Site::stored(&config().with_idle_timeout(minutes(15)));
    let cookie = site.cookie("/log_in", "").await;
    for _ in 0..10 {
        site.pass(14 * 60);
        assert_eq!(site.who(&cookie).await, "ada found");
    }
}

#[tokio::test]
pub(super) async fn nist_limits_of_the_assurance_levels_can_be_set() {
    let day = 24 * 60;
    // The overall limit and the idle limit of levels 1 to 3, in minutes.
    for (overall, idle) in [(30 * day, 30 * day), (day, 60), (12 * 60, 15)] {
        let config =
            config().with_absolute_timeout(minutes(overall)).with_idle_timeout(minutes(idle));
        let site = Site::stored(&config);
        let cookie = site.cookie("/log_in", "").await;
        site.pass(idle * 60 - 1);
        assert_eq!(site.who(&cookie).await, "ada found", "{overall} {idle}");
        site.pass(idle * 60 + 1);
        assert!(site.who(&cookie).await.starts_with("nobody "), "{overall} {idle}");
    }
}

#[tokio::test]
pub(super) async fn asvs_7_4_1_log_out_ends_a_stored_session() {
    let site = Site::stored(&config());
    let cookie = site.cookie("/log_in", "").await;
    assert!(set_cookies(&site.get("/log_out", &cookie).await)[0].contains("Max-Age=0"));
    assert_eq!(site.who(&cookie).await, "nobody unknown_id");
    assert!(site.store.is_empty());
}

#[tokio::test]
pub(super) async fn asvs_7_4_1_expired_cookie_is_not_replayed() {
    let site = Site::signed(&config().with_lifetime(minutes(60)));
    let cookie = site.cookie("/log_in", "").await;
    site.pass(60 * 60);
    assert_eq!(site.who(&cookie).await, "ada verified");
    site.pass(1);
    assert_eq!(site.who(&cookie).await, "nobody expired");
}

#[tokio::test]
pub(super) async fn nist_life_of_the_cookie_is_not_trusted() {
    let of = |config: &SessionConfig| [Site::signed(config), Site::stored(config)];
    for site in of(&config().with_permanent(true).with_lifetime(minutes(60))) {
        let visit = site.cookie("/log_in", "").await;
        let lines = site.get("/stay", &visit).await;
        let [line] = set_cookies(&lines)[..] else { panic!("one cookie") };
        assert!(line.contains("; Expires=Fri, 21 Nov 2025 03:40:00 GMT"), "{line}");
        // Somebody keeps the cookie for longer than the browser would.
        let kept = line.split(';').next().unwrap();
        site.pass(60 * 60 + 1);
        assert!(site.who(kept).await.starts_with("nobody "));
    }
}

#[tokio::test]
pub(super) async fn nist_session_ends_with_the_browser_unless_asked() {
    let site = Site::signed(&config());
    let response = site.get("/log_in", "").await;
    let [line] = set_cookies(&response)[..] else { panic!("one cookie") };
    assert!(!line.contains("Expires") && !line.contains("Max-Age"), "{line}");
    let site = Site::stored(&config().with_permanent(false));
    let response = site.get("/log_in", "").await;
    let [line] = set_cookies(&response)[..] else { panic!("one cookie") };
    assert!(!line.contains("Expires") && !line.contains("Max-Age"), "{line}");
}
