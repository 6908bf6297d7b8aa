//! Forms that another site sends, and the page that says why they are refused.

use axum::http::StatusCode;

use crate::visitor::{Answer, Demo, PASSWORD};

const FORMS: [&str; 8] = [
    "/signup",
    "/login",
    "/logout",
    "/users/1/edit",
    "/users/1/delete",
    "/sessions/end_others",
    "/sessions/end_all",
    "/cookie/tamper",
];

#[track_caller]
fn refuses(answer: &Answer, code: &str) {
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{}", answer.body());
    for text in ["<h1>Form refused</h1>", &format!("<code>{code}</code>")] {
        assert!(answer.body().contains(text), "`{text}` is not in:\n{}", answer.body());
    }
    assert!(!answer.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let demo = Demo::open().await;
    let mut ada = demo.user("ada").await;
    ada.get("/welcome").await.says("Welcome, ada");
    for path in FORMS {
        for site in ["cross-site", "same-site"] {
            refuses(&ada.post_from(site, path).await, "csrf_cross_site");
        }
        // A browser may keep the cookie from such a form. The answer must not replace it.
        refuses(&demo.visitor().post_from("cross-site", path).await, "csrf_cross_site");
    }
    ada.get("/welcome").await.says("Welcome, ada");
}

#[tokio::test]
async fn browser_that_says_nothing_needs_the_token_of_the_form() {
    let demo = Demo::open().await;
    demo.visitor().sign_up("ada", PASSWORD).await.goes_to("/login");
    let mut old = demo.old_browser();
    let form = [("username", "ada"), ("password", PASSWORD)];
    refuses(&old.post("/login", &form).await, "csrf_token_missing");
    let token = old.get("/login").await.token().to_owned();
    let with = |token| [form[0], form[1], ("csrf_token", token)];
    refuses(&demo.old_browser().post("/login", &with(&token)).await, "csrf_session_token_missing");
    refuses(&old.post("/login", &with("x")).await, "csrf_token_invalid");
    old.post("/login", &with(&token)).await.goes_to("/welcome");
    // The log-in has changed the session's secret.
    let welcome = old.get("/welcome").await;
    refuses(&old.post("/logout", &[("csrf_token", &token)]).await, "csrf_token_mismatch");
    old.post("/logout", &[("csrf_token", welcome.token())]).await.goes_to("/login");
}

#[tokio::test]
async fn every_form_has_a_token() {
    let demo = Demo::open().await;
    let mut ada = demo.user("ada").await;
    let mut pages = vec![demo.visitor().get("/signup").await, demo.visitor().get("/login").await];
    for path in ["/", "/welcome", "/users/1", "/users/1/edit", "/sessions", "/cookie"] {
        pages.push(ada.get(path).await);
    }
    for page in pages {
        let n_forms = page.body().matches("<form").count();
        assert!(n_forms > 0);
        assert_eq!(page.body().matches("name=\"csrf_token\"").count(), n_forms, "{}", page.body());
    }
}
