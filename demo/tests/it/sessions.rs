//! The list of a user's own sessions, whatever keeps them.

use std::time::Duration;

use axum::http::StatusCode;
use hipflask::{
    SecretKey,
    password::Passwords,
    store::{RecordKey, SqlStore, Store},
};
use hipflask_demo::Site;

use crate::visitor::{Answer, Demo, PASSWORD, Visitor};

/// The demo's database, and a store.
const STORES: [&str; 2] = ["", "memory:"];

/// The same, and the encrypted cookie.
const ADDRESSES: [&str; 3] = ["", "memory:", "cookie:"];

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Returns the paths that end sessions, in the order of the page.
fn ends(page: &Answer) -> Vec<String> {
    let actions = page.body().split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
    actions.filter(|path| path.ends_with("/end")).map(String::from).collect()
}

/// A user in two browsers; the second one was seen last.
async fn two_browsers(demo: &Demo) -> (Visitor, Visitor) {
    let here = demo.user("ada").await;
    let mut there = demo.visitor_with(FIREFOX);
    there.log_in("ada", PASSWORD).await.goes_to("/welcome");
    (here, there)
}

#[tokio::test]
async fn session_ended_here_is_over_there() {
    for address in STORES {
        let demo = Demo::open_with(address).await;
        let (mut here, mut there) = two_browsers(&demo).await;
        let stolen = there.clone();
        let page = here.get("/sessions").await;
        page.says("Firefox on Linux");
        assert_eq!(page.body().matches("This one").count(), 1);
        let [second, first] = &ends(&page)[..] else { panic!("{}", page.body()) };
        there.get("/welcome").await.says("Welcome, ada");
        here.post(second, &[]).await.goes_to("/sessions");
        here.get("/sessions").await.says("The session was ended");
        there.get("/").await.says("You are not logged in.");
        there.get("/welcome").await.sends_to_log_in();
        there = stolen;
        there.log_in("ada", PASSWORD).await.goes_to("/welcome");
        there.post("/logout", &[]).await.goes_to("/login");
        assert_eq!(ends(&here.get("/sessions").await), std::slice::from_ref(first));
        here.post(second, &[]).await.goes_to("/sessions");
        here.get("/sessions").await.says("You have no such session any more");
    }
}

#[tokio::test]
async fn all_others_are_ended_at_once() {
    for address in ADDRESSES {
        let demo = Demo::open_with(address).await;
        let (mut here, mut there) = two_browsers(&demo).await;
        let mut bob = demo.user("bob").await;
        here.post("/sessions/end_others", &[]).await.goes_to("/sessions");
        let page = here.get("/sessions").await;
        page.says("All other sessions were ended");
        if !address.starts_with("cookie") {
            page.says_not("End all others");
        }
        there.get("/welcome").await.sends_to_log_in();
        bob.get("/welcome").await.says("Welcome, bob");
    }
}

#[tokio::test]
async fn sessions_are_ended_by_their_owner_alone() {
    for address in STORES {
        let demo = Demo::open_with(address).await;
        let mut ada = demo.user("ada").await;
        let mut eve = demo.user("eve").await;
        let end = &ends(&ada.get("/sessions").await)[0];
        assert!(!ends(&eve.get("/sessions").await).contains(end));
        eve.post(end, &[]).await.goes_to("/sessions");
        eve.get("/sessions").await.says("You have no such session any more");
        eve.post("/sessions/end_others", &[]).await.goes_to("/sessions");
        for path in [end, "/sessions/end_others"] {
            demo.visitor().post(path, &[]).await.goes_to("/login");
            assert_eq!(eve.get(path).await.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
        demo.visitor().get("/sessions").await.sends_to_log_in();
        ada.get("/welcome").await.says("Welcome, ada");
    }
}

#[tokio::test]
async fn log_out_ends_the_session_for_whoever_has_its_cookie() {
    for address in ADDRESSES {
        let demo = Demo::open_with(address).await;
        let (mut here, mut there) = two_browsers(&demo).await;
        let stolen = there.clone();
        there.post("/logout", &[]).await.goes_to("/login");
        there.get("/login").await.says("You have been logged out");
        let page = here.get("/sessions").await;
        if let [this] = &ends(&page)[..] {
            // To end this session is to log out.
            here.post(this, &[]).await.goes_to("/login");
            here.get("/welcome").await.sends_to_log_in();
        } else {
            assert_eq!((address, ends(&page).len()), ("cookie:", 0));
        }
        there = stolen;
        there.get("/welcome").await.sends_to_log_in();
    }
}

#[tokio::test]
async fn all_sessions_are_ended_at_once() {
    for address in ADDRESSES {
        let demo = Demo::open_with(address).await;
        let (mut here, mut there) = two_browsers(&demo).await;
        let (mut stolen, mut bob) = (here.clone(), demo.user("bob").await);
        here.post("/sessions/end_all", &[]).await.goes_to("/login");
        here.get("/login").await.says("You have been logged out everywhere");
        for visitor in [&mut here, &mut there, &mut stolen] {
            visitor.get("/welcome").await.sends_to_log_in();
        }
        bob.get("/welcome").await.says("Welcome, bob");
        there.log_in("ada", PASSWORD).await.goes_to("/welcome");
        there.get("/welcome").await.says("Welcome, ada");
    }
}

#[tokio::test]
async fn sessions_outlive_the_server() {
    let mut demo = Demo::open().await;
    let ada = demo.user("ada").await;
    demo.restart().await;
    demo.again(&ada).get("/welcome").await.says("Welcome, ada");
}

#[tokio::test]
async fn expired_records_leave_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let config = hipflask_demo::settings(SecretKey::random().unwrap());
    let opening = Site::open(folder.path(), Passwords::new(), &config, None);
    let site = Box::pin(opening).await.unwrap();
    let file = folder.path().join("accounts.sqlite3");
    let store = SqlStore::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    for (id, life) in [("S", 1), ("T", 60_000)] {
        let key = RecordKey::new(format!("session:{id}"));
        store.create(&key, b"\x80", Duration::from_millis(life)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!([site.purge().await.unwrap(), site.purge().await.unwrap()], [1, 0]);
}

#[tokio::test]
async fn no_list_is_pretended_where_there_is_none() {
    let demo = Demo::open_with("cookie:").await;
    let page = demo.user("ada").await.get("/sessions").await;
    page.says("There is no list of them");
    page.says("End all others");
    page.says("Log out everywhere");
}

#[tokio::test]
async fn log_in_gives_the_session_a_new_id() {
    let demo = Demo::open_with("memory:").await;
    demo.visitor().sign_up("ada", PASSWORD).await.goes_to("/login");
    let mut visitor = demo.visitor();
    visitor.get("/welcome").await.sends_to_log_in();
    let mut thief = visitor.clone();
    visitor.log_in("ada", PASSWORD).await.goes_to("/welcome");
    assert_ne!(visitor.session_cookie(), thief.session_cookie());
    thief.get("/welcome").await.sends_to_log_in();
}

#[tokio::test]
async fn name_of_a_browser_brings_no_markup() {
    let demo = Demo::open().await;
    let mut visitor = demo.visitor_with("<script>alert(1)</script>");
    visitor.sign_up("ada", PASSWORD).await.goes_to("/login");
    visitor.log_in("ada", PASSWORD).await.goes_to("/welcome");
    let page = visitor.get("/sessions").await;
    page.says_not("<script");
    page.says("Unknown browser");
}
