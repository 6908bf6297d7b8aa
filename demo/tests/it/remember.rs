//! Browsers that remember their user, and what makes them forget.

use crate::visitor::{Demo, PASSWORD, Visitor};

/// A user whose browser remembers who it is.
async fn remembered(demo: &Demo) -> Visitor {
    let mut visitor = demo.visitor();
    visitor.sign_up("ada", PASSWORD).await.goes_to("/login");
    visitor.log_in_remembered("ada").await.goes_to("/welcome");
    visitor
}

#[tokio::test]
async fn browser_that_was_closed_remembers_who_asked_for_it() {
    for address in ["", "cookie:"] {
        let mut demo = Demo::open_with(address).await;
        let mut ada = remembered(&demo).await;
        ada.restart();
        assert!(!ada.has_session_cookie() && ada.remember_cookie().is_some());
        demo.restart().await;
        ada = demo.again(&ada);
        ada.get("/welcome").await.says("Welcome, ada");
        let mut forgetful = demo.visitor();
        forgetful.log_in("ada", PASSWORD).await.goes_to("/welcome");
        forgetful.restart();
        forgetful.get("/welcome").await.sends_to_log_in();
    }
}

#[tokio::test]
async fn copy_of_a_remember_cookie_ends_it_for_both() {
    let demo = Demo::open().await;
    let mut ada = remembered(&demo).await;
    let mut thief = demo.visitor();
    thief.set_remember_cookie(ada.remember_cookie().unwrap());
    // Requests of one browser that overlap may bring one token; so the owner comes back twice.
    for _ in 0..2 {
        ada.restart();
        ada.get("/welcome").await.says("Welcome, ada");
    }
    thief.get("/welcome").await.sends_to_log_in();
    ada.restart();
    ada.get("/welcome").await.sends_to_log_in();
}

#[tokio::test]
async fn ending_sessions_elsewhere_makes_their_browsers_forget() {
    for path in ["/sessions/end_others", "/sessions/end_all", "/users/1/delete"] {
        let demo = Demo::open().await;
        let mut there = remembered(&demo).await;
        let mut here = demo.visitor();
        here.log_in("ada", PASSWORD).await.goes_to("/welcome");
        assert_eq!(here.post(path, &[]).await.status(), 302, "{path}");
        there.get("/welcome").await.sends_to_log_in();
        there.restart();
        there.get("/welcome").await.sends_to_log_in();
    }
}

#[tokio::test]
async fn ending_one_session_makes_its_browser_forget() {
    let demo = Demo::open().await;
    let mut there = remembered(&demo).await;
    let mut here = demo.visitor();
    here.log_in("ada", PASSWORD).await.goes_to("/welcome");
    let page = here.get("/sessions").await;
    let end = page.body().split("action=\"").find(|it| it.contains(">End<")).unwrap();
    here.post(end.split('"').next().unwrap(), &[]).await.goes_to("/sessions");
    there.get("/welcome").await.sends_to_log_in();
    here.get("/welcome").await.says("Welcome, ada");
}

#[tokio::test]
async fn browser_that_remembers_survives_tampering() {
    for address in ["", "cookie:"] {
        let demo = Demo::open_with(address).await;
        let mut ada = remembered(&demo).await;
        ada.post("/cookie/tamper", &[]).await.goes_to("/cookie");
        let page = ada.get("/cookie").await;
        page.says("The session was reset");
        page.says("you would be logged out, did your browser not remember you");
        ada.get("/cookie").await.says_not("The session was reset");
        ada.get("/welcome").await.says("Welcome, ada");
    }
}

#[tokio::test]
async fn log_out_makes_the_browser_forget() {
    let demo = Demo::open().await;
    let mut ada = remembered(&demo).await;
    let stolen = ada.remember_cookie().unwrap().to_owned();
    ada.post("/logout", &[]).await.goes_to("/login");
    assert!(ada.remember_cookie().is_none());
    ada.set_remember_cookie(&stolen);
    ada.get("/welcome").await.sends_to_log_in();
}
