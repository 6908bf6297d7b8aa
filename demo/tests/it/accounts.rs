//! Sign-up, log-in, guards, and what only the owner may do.

use axum::http::StatusCode;

use crate::visitor::{Demo, PASSWORD};

#[tokio::test]
async fn sign_up_refuses_a_name_that_is_taken() {
    let demo = Demo::open().await;
    let mut visitor = demo.visitor();
    visitor.sign_up("ada", PASSWORD).await.goes_to("/login");
    visitor.get("/login").await.says("Account created, now log in");
    visitor.sign_up("ADA", PASSWORD).await.goes_to("/signup");
    visitor.get("/signup").await.says("Username already taken");
    visitor.get("/signup").await.says_not("Username already taken");
}

#[tokio::test]
async fn sign_up_says_what_is_wrong_and_keeps_what_was_typed() {
    let demo = Demo::open().await;
    let answer = demo.visitor().sign_up("a b", "secret").await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    for text in [r#"value="a b""#, r#"id="username-error""#, r#"id="password-error""#] {
        assert!(answer.body().contains(text), "{text}");
    }
    assert!(!answer.body().contains("secret"));
}

#[tokio::test]
async fn log_in_lets_only_the_right_password_in() {
    let demo = Demo::open().await;
    let mut visitor = demo.visitor();
    visitor.sign_up("ada", PASSWORD).await.goes_to("/login");
    let too_long = PASSWORD.repeat(6);
    for (name, password) in
        [("ada", "wrong"), ("ada", ""), ("ada", &too_long), ("nobody", PASSWORD), ("", "")]
    {
        visitor.log_in(name, password).await.goes_to("/login");
        visitor.get("/login").await.says("Wrong username or password");
    }
    visitor.log_in("Ada", PASSWORD).await.goes_to("/welcome");
    visitor.get("/welcome").await.says("Welcome, ada");
    visitor.log_in("ada", PASSWORD).await.goes_to("/welcome");
    visitor.get("/welcome").await.says("You are logged in already");
}

#[tokio::test]
async fn guards_send_strangers_to_the_log_in() {
    let demo = Demo::open().await;
    for (path, next) in [
        ("/welcome", "/login?next=%2Fwelcome"),
        ("/users/1", "/login?next=%2Fusers%2F1"),
        ("/users/1/edit", "/login?next=%2Fusers%2F1%2Fedit"),
    ] {
        let mut visitor = demo.visitor();
        visitor.get(path).await.goes_to(next);
        visitor.get("/login").await.says("Please log in first");
    }
    let mut visitor = demo.visitor();
    visitor.post("/users/1/delete", &[]).await.goes_to("/login");
    for path in ["/users/ada", "/users/-1", "/users/+1", "/users/1234567890123456789"] {
        assert_eq!(demo.visitor().get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn profile_is_changed_by_its_owner_alone() {
    let demo = Demo::open().await;
    let mut ada = demo.user("ada").await;
    let mut bob = demo.user("bob").await;
    let form = [("email", "new@example.com"), ("bio", "<b>turtles</b>")];
    bob.get("/welcome").await.says("You are logged in");
    bob.post("/users/1/edit", &form).await.forbids("Not Authorized");
    bob.get("/users/1/edit").await.forbids("Not Authorized");
    bob.post("/users/1/delete", &[]).await.forbids("Not Authorized");
    ada.post("/users/1/edit", &form).await.goes_to("/users/1");
    ada.get("/users/1").await.says("new@example.com");
    let seen = bob.get("/users/1").await;
    seen.says("&lt;b&gt;turtles&lt;/b&gt;");
    seen.says_not("new@example.com");
    let wrong = ada.post("/users/1/edit", &[("email", "nonsense")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn deleted_user_is_logged_out_everywhere() {
    let demo = Demo::open().await;
    let mut ada = demo.user("ada").await;
    let mut ada_at_home = demo.visitor();
    ada_at_home.log_in("ada", PASSWORD).await.goes_to("/welcome");
    ada.post("/users/1/delete", &[]).await.goes_to("/signup");
    ada.get("/signup").await.says("Account deleted");
    demo.user("eve").await.get("/users/2").await.says("eve@example.com");
    ada_at_home.get("/welcome").await.sends_to_log_in();
}

#[tokio::test]
async fn log_out_needs_a_post() {
    let demo = Demo::open().await;
    let mut ada = demo.user("ada").await;
    assert_eq!(ada.get("/logout").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    ada.get("/welcome").await.says("Welcome, ada");
    ada.post("/logout", &[]).await.goes_to("/login");
    ada.get("/login").await.says("You have been logged out");
    ada.get("/welcome").await.sends_to_log_in();
}

#[tokio::test]
async fn every_answer_has_security_headers() {
    let demo = Demo::open().await;
    let mut visitor = demo.visitor();
    for path in ["/", "/static/style.css", "/static/icon.svg", "/welcome", "/no_such_page"] {
        let answer = visitor.get(path).await;
        let headers = answer.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    }
    let style = visitor.get("/static/style.css").await;
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
    assert!(!style.headers().contains_key("vary"));
    let page = visitor.get("/").await;
    assert!(page.headers()["cache-control"].to_str().unwrap().contains("no-store"));
    assert!(!page.body().contains("style=") && !page.body().contains("<script"));
}

#[cfg(unix)]
#[tokio::test]
async fn data_base_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let demo = Demo::open().await;
    demo.user("ada").await;
    let file = std::fs::metadata(demo.data().join("accounts.sqlite3")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn log_in_goes_back_to_where_the_guard_was() {
    let demo = Demo::open().await;
    demo.visitor().sign_up("ada", PASSWORD).await.goes_to("/login");
    let right = [("username", "ada"), ("password", PASSWORD)];
    let wrong = [("username", "ada"), ("password", "wrong")];
    let mut visitor = demo.visitor();
    let way_back = "/login?next=%2Fusers%2F1%3Fa%3Db";
    visitor.get("/users/1?a=b").await.goes_to(way_back);
    visitor.post(way_back, &wrong).await.goes_to(way_back);
    visitor.post(way_back, &right).await.goes_to("/users/1?a=b");
    for elsewhere in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let path = format!("/login?next={elsewhere}");
        demo.visitor().post(&path, &right).await.goes_to("/welcome");
    }
}

#[tokio::test]
async fn log_in_forgets_the_session_before_it() {
    let demo = Demo::open().await;
    demo.visitor().sign_up("ada", PASSWORD).await.goes_to("/login");
    let mut visitor = demo.visitor();
    visitor.get("/welcome").await.sends_to_log_in();
    visitor.log_in("ada", PASSWORD).await.goes_to("/welcome");
    let page = visitor.get("/welcome").await;
    page.says("You are logged in");
    page.says_not("Please log in first");
}
