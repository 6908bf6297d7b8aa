//! The page that takes the session cookie apart.

use crate::visitor::{Demo, Visitor};

fn session(visitor: &Visitor) -> String {
    visitor.session_cookie().to_owned()
}

#[tokio::test]
async fn cookie_page_shows_the_parts() {
    let demo = Demo::open_plain().await;
    demo.visitor().get("/cookie").await.says("You have no session cookie yet");
    let mut ada = demo.user("ada").await;
    ada.get("/welcome").await.says("You are logged in");
    let page = ada.get("/cookie").await;
    let cookie = session(&ada);
    // A payload that is compressed begins with a dot.
    for (part, text) in ["signature", "time", "payload"].into_iter().zip(cookie.rsplitn(3, '.')) {
        page.says(&format!(r#"<code data-part="{part}">{text}</code>"#));
    }
    page.says("&#34;_user_id&#34;: &#34;1&#34;");
    page.says("<code>verified</code>");
    page.says("The current one");
    page.says_not("role=\"alert\"");
}

#[tokio::test]
async fn cookie_page_leaves_the_session_alone() {
    for demo in [Demo::open().await, Demo::open_with("cookie:").await, Demo::open_plain().await] {
        let mut visitor = demo.visitor();
        visitor.get("/welcome").await.sends_to_log_in();
        let before = session(&visitor);
        let page = visitor.get("/cookie").await;
        page.says("Please log in first");
        assert!(!page.headers().contains_key("set-cookie"));
        assert_eq!(session(&visitor), before);
        visitor.get("/login").await.says(r#"<li class="flash warning">Please log in first</li>"#);
    }
}

#[tokio::test]
async fn cookie_page_tells_what_of_an_encrypted_cookie_can_be_read() {
    let demo = Demo::open_with("cookie:").await;
    let mut ada = demo.user("ada").await;
    ada.get("/welcome").await.says("You are logged in");
    let (page, cookie) = (ada.get("/cookie").await, session(&ada));
    assert!(cookie.starts_with("e1.") && !cookie[3..].contains('.'));
    page.says(&format!(r#"<span class="sealed">{cookie}</span>"#));
    page.says("and cannot read it");
    page.says(&format!("its length: {} bytes", cookie.len()));
    page.says("&#34;_user_id&#34;: &#34;1&#34;");
    page.says("<code>verified</code>");
    page.says_not("data-part");
    ada.post("/cookie/tamper", &[]).await.goes_to("/cookie");
    let (page, broken) = (ada.get("/cookie").await, session(&ada));
    let n_changed = cookie.bytes().zip(broken.bytes()).filter(|(a, b)| a != b).count();
    assert_eq!((broken.len(), n_changed), (cookie.len(), 1));
    page.says("The session was reset");
    page.says("<code>bad_signature</code>");
    page.says_not("_user_id");
    ada.get("/welcome").await.sends_to_log_in();
}

#[tokio::test]
async fn cookie_page_tells_in_which_way_the_demo_was_started() {
    for (demo, command) in [
        (Demo::open().await, "cargo run"),
        (Demo::open_with("memory:").await, "cargo run"),
        (Demo::open_with("cookie:").await, "cargo run -- --sessions cookie:"),
        (
            Demo::open_plain().await,
            "FLASK_SESSION_ENCRYPTION=false cargo run -- --sessions cookie:",
        ),
    ] {
        let page = demo.visitor().get("/cookie").await;
        page.says(&format!(r#"<code>{command}</code> <span class="tag kept">Now</span>"#));
        assert_eq!(page.body().matches(">Now<").count(), 1);
    }
}

#[tokio::test]
async fn tampering_resets_the_session() {
    let demo = Demo::open_plain().await;
    let mut ada = demo.user("ada").await;
    let before = session(&ada);
    ada.post("/cookie/tamper", &[]).await.goes_to("/cookie");
    let after = session(&ada);
    let n_changed = before.bytes().zip(after.bytes()).filter(|(a, b)| a != b).count();
    assert_eq!((after.len(), n_changed), (before.len(), 1));
    let page = ada.get("/cookie").await;
    page.says("The session was reset");
    page.says("<code>bad_signature</code>");
    ada.get("/welcome").await.sends_to_log_in();
}

#[tokio::test]
async fn tampering_without_a_cookie_sets_none() {
    let answer = Demo::open_plain().await.visitor().post("/cookie/tamper", &[]).await;
    answer.goes_to("/cookie");
    assert!(!answer.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn cookie_page_survives_any_cookie() {
    for demo in [Demo::open_plain().await, Demo::open_with("cookie:").await, Demo::open().await] {
        for cookie in
            ["x", "..", "a.b", ".eJw.x.y", "\"a b\"", "W1tb.x.y", "IiI.aR_RAA.é", "e1.", "e1.x"]
        {
            let mut visitor = demo.visitor();
            visitor.set_session_cookie(cookie);
            visitor.get("/cookie").await.says("The session was reset");
            visitor.post("/cookie/tamper", &[]).await.goes_to("/cookie");
        }
    }
}

#[tokio::test]
async fn cookie_page_shows_what_a_store_keeps_but_not_the_id() {
    let demo = Demo::open_with("memory:").await;
    let mut ada = demo.user("ada").await;
    ada.get("/welcome").await.says("You are logged in");
    let page = ada.get("/cookie").await;
    page.says("a random text of 43 characters");
    page.says("&#34;_user_id&#34;: &#34;1&#34;");
    page.says("<code>found</code>");
    page.says("In the store it is encrypted");
    page.says_not(&session(&ada));
    ada.post("/cookie/tamper", &[]).await.goes_to("/cookie");
    let page = ada.get("/cookie").await;
    page.says("The session was reset");
    page.says("<code>unknown_id</code>");
    ada.get("/welcome").await.sends_to_log_in();
}
