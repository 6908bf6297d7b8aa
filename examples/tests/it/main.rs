//! Each example as its visitors meet it: the built program, over HTTP. A test does what the front page
//! tells visitors to try. `redis` needs a server, so its test is in `interop/test_examples.py`.

#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

mod program;
mod twins;

use std::thread;

use program::{Program, Visitor, command};

#[test]
fn log_in_guards_the_members_page() {
    let program = Program::start("log_in");
    let mut visitor = program.visitor();
    visitor.front_page(&["/members", "/log_in"]);
    assert_eq!(visitor.get("/members").location.unwrap(), "/?next=%2Fmembers");
    assert!(visitor.page("/").contains("Please log in first"));
    for (name, password) in [("ada", "wrong horse"), ("nobody", "correct horse")] {
        let refused = visitor.post("/log_in", &[("name", name), ("password", password)]);
        assert_eq!(refused.location.unwrap(), "/");
        assert!(visitor.page("/").contains("Wrong name or password"));
    }

    visitor.post("/log_in", &[("name", "ada"), ("password", "wrong")]); // makes a session
    let mut planted = visitor.clone();
    let let_in = visitor.post("/log_in", &[("name", "ada"), ("password", "correct horse")]);
    assert_eq!(let_in.location.unwrap(), "/members");
    let members = visitor.page("/members");
    assert!(members.contains("Welcome, ada") && members.contains("You are logged in"));
    assert_eq!(planted.get("/members").status, 302, "the id from before the log-in got in");

    let mut copy = visitor.clone();
    visitor.post("/log_out", &[]);
    assert!(visitor.page("/").contains("You are logged out"));
    assert_eq!(copy.get("/members").status, 302, "a copy of the cookie outlived the log-out");
}

#[test]
fn users_pass_the_guards_that_are_theirs() {
    let program = Program::start("users");
    let mut visitor = program.visitor();
    visitor.front_page(&["/members", "/members/7", "/members/8"]);
    let to_form = visitor.get("/members/7").location.unwrap();
    assert_eq!(to_form, "/log_in?next=%2Fmembers%2F7");
    assert!(visitor.page(&to_form).contains("Please log in to access this page."));
    for (name, password) in [("ada", "wrong horse"), ("nobody", "correct horse")] {
        let refused = visitor.post("/log_in", &[("name", name), ("password", password)]);
        assert!(refused.text.contains("Wrong name or password"));
    }

    visitor.get("/members"); // makes a session
    let mut planted = visitor.clone();
    let let_in = visitor.post(&to_form, &[("name", "ada"), ("password", "correct horse")]);
    assert_eq!(let_in.location.unwrap(), "/members/7");
    assert_eq!(visitor.page("/members/7"), "This is ada's page.");
    assert_eq!(visitor.get("/members/8").status, 403);
    let members = visitor.page("/members");
    assert!(members.contains("Welcome, ada") && members.contains("You are logged in"));
    assert_eq!(planted.get("/members").status, 302, "the id from before the log-in got in");

    let mut copy = visitor.clone();
    visitor.post("/log_out", &[]);
    assert!(visitor.page("/").contains("You are logged out"));
    assert_eq!(copy.get("/members").status, 302, "a copy of the cookie outlived the log-out");
}

#[test]
fn flash_shows_each_message_once() {
    let program = Program::start("flash");
    let mut visitor = program.visitor();
    visitor.front_page(&["/save", "/delete"]);
    visitor.post("/save", &[]);
    visitor.post("/delete", &[]);
    let page = visitor.page("/");
    for flash in [
        r#"<p class="success">Your draft is saved.</p>"#,
        r#"<p class="info">Only you can see it.</p>"#,
        r#"<p class="error">There is nothing to delete.</p>"#,
    ] {
        assert!(page.contains(flash), "{page}");
    }
    assert!(!visitor.page("/").contains("<p class"));
}

#[test]
fn csrf_refuses_forms_without_a_token() {
    let program = Program::start("csrf");
    let mut visitor = program.visitor();
    let page = visitor.front_page(&["/likes"]);
    let (_, token) = page.split_once(r#"name="csrf_token" value=""#).unwrap();
    let token = token.split('"').next().unwrap();
    let refused = visitor.post("/like", &[]);
    assert_eq!((refused.status, &*refused.text), (400, "The CSRF token is missing."));
    assert_eq!(visitor.post("/like", &[("csrf_token", token)]).status, 303);
    assert_eq!(visitor.page("/likes"), "1");
    let stranger = program.visitor().post("/like", &[("csrf_token", token)]);
    assert_eq!(stranger.text, "The CSRF session token is missing.");
    assert_eq!(visitor.post("/hook", &[("amount", "7")]).text, "7 paid");
}

#[test]
fn device_binding_lets_other_browsers_in() {
    let program = Program::start("device_binding");
    let mut visitor = program.visitor();
    assert!(visitor.page("/").contains("the request carries no session cookie"));
    assert_eq!(visitor.post("/log-in", &[]).status, 303);
    assert!(visitor.page("/").contains("You are ada. Your session is bound to no device"));
    assert_eq!(visitor.post("/dbsc/refresh", &[]).status, 410);
    visitor.post("/log-out", &[]);
    assert!(visitor.page("/").contains("Log in"));
}

#[test]
fn live_connections_end_with_the_session() {
    let program = Program::start("live");
    let mut visitor = program.visitor();
    for path in ["/socket", "/events"] {
        assert_ne!(visitor.get(path).status, 200, "{path} is open to strangers");
    }
    visitor.front_page(&["/log_in"]);
    visitor.post("/log_in", &[]);
    visitor.front_page(&["/log_out", "/socket", "/events"]);
    let mut listener = visitor.clone();
    let listening = thread::spawn(move || listener.page("/events"));
    thread::sleep(std::time::Duration::from_secs(1));
    visitor.post("/log_out", &[]);
    // It ends here: a stream that went on would be waited for in vain.
    assert!(listening.join().unwrap().contains("data: event 1\n"));
}

#[test]
fn typed_keeps_the_keys_of_others() {
    let program = Program::start("typed");
    let mut visitor = program.visitor();
    visitor.front_page(&["/name/Ada", "/visit", "/visits", "/all", "/theme"]);
    assert_eq!(visitor.page("/visit"), "Welcome, stranger");
    visitor.page("/name/Ada");
    visitor.page("/theme");
    assert_eq!(visitor.page("/visit"), "Welcome, Ada");
    assert_eq!(visitor.page("/visits"), "2");
    assert_eq!(visitor.page("/all"), r#"{"name":"Ada","visits":2,"theme":"dark"}"#);
}

#[test]
fn in_place_changes_are_seen() {
    let program = Program::start("in_place");
    let mut visitor = program.visitor();
    visitor.front_page(&["/add/tea", "/add/cup", "/cart"]);
    for path in ["/add/tea", "/add/cup", "/add/tea"] {
        visitor.page(path);
    }
    let cart = r#"{"cart":{"cup":1,"tea":2},"added":["tea","cup","tea"]}"#;
    assert_eq!(visitor.page("/cart"), cart);
}

#[test]
fn update_counts_every_request() {
    const TABS: u64 = 20;
    let program = Program::start("update");
    let mut visitor = program.visitor();
    visitor.front_page(&["/hit", "/slow", "/count"]);
    assert_eq!(visitor.page("/hit"), "1");
    let same = visitor.clone();
    let at_once = |path: &'static str, n| {
        let tabs = (0..n).map(|_| same.clone());
        let tabs: Vec<_> =
            tabs.map(|mut tab: Visitor| thread::spawn(move || tab.page(path))).collect();
        let counts = tabs.into_iter().map(|tab| tab.join().unwrap().parse().unwrap());
        let mut counts: Vec<u64> = counts.collect();
        counts.sort_unstable();
        counts
    };
    assert_eq!(at_once("/hit", TABS), (2..=TABS + 1).collect::<Vec<_>>());
    assert_eq!(visitor.page("/count"), (TABS + 1).to_string());
    assert_eq!(at_once("/slow", 1), [TABS + 2]);
}

#[test]
fn configuration_comes_from_toml_and_the_environment() {
    let program = Program::start("configuration");
    let answer = program.visitor().get("/");
    assert!(answer.text.contains("The cookie shop lives for 3600 seconds"), "{}", answer.text);
    let [cookie] = &answer.set_cookies[..] else { panic!("{:?}", answer.set_cookies) };
    assert!(cookie.starts_with("shop=") && cookie.contains("; SameSite=Lax"), "{cookie}");

    let vars = [
        ("FLASK_SESSION_COOKIE_NAME", "tea"),
        ("FLASK_PERMANENT_SESSION_LIFETIME", "60"),
        ("FLASK_SESSION_COOKIE_SAMESITE", "Strict"),
    ];
    let program = Program::start_with("configuration", &[], &vars);
    let answer = program.visitor().get("/");
    assert!(answer.text.contains("The cookie tea lives for 60 seconds"), "{}", answer.text);
    let [cookie] = &answer.set_cookies[..] else { panic!("{:?}", answer.set_cookies) };
    assert!(cookie.starts_with("tea=") && cookie.contains("; SameSite=Strict"), "{cookie}");

    let refused = command("configuration").env("FLASK_SESSION_COKIE_NAME", "tea").output().unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(text.contains("did you mean FLASK_SESSION_COOKIE_NAME?"), "{text}");
}

#[test]
fn two_layers_keep_two_sessions() {
    let program = Program::start("two_layers");
    let mut visitor = program.visitor();
    visitor.front_page(&["/count", "/admin/log_in", "/admin/both", "/admin/log_out"]);
    assert_eq!(visitor.page("/count"), "1");
    assert_eq!(visitor.page("/admin/both"), "nobody has counted to 1");
    let [cookie] = &visitor.get("/admin/log_in").set_cookies[..] else { panic!() };
    assert!(cookie.starts_with("admin=") && cookie.contains("; Path=/admin"), "{cookie}");
    assert_eq!(visitor.page("/admin/both"), "ada has counted to 1");
    visitor.page("/admin/log_out");
    assert_eq!(visitor.cookies.keys().collect::<Vec<_>>(), ["session"]);
    assert_eq!(visitor.page("/count"), "2");
}

#[test]
fn reasons_are_on_the_page_and_in_the_log() {
    let mut program = Program::start("reasons");
    let mut visitor = program.visitor();
    let page = visitor.front_page(&["/visit", "/forge", "/garble"]);
    assert!(page.contains("<code>no_cookie</code>"), "{page}");
    for (path, code) in
        [("/visit", "verified"), ("/forge", "bad_signature"), ("/garble", "malformed")]
    {
        visitor.get(path);
        let page = visitor.page("/");
        assert!(page.contains(&format!("<code>{code}</code>")), "{path}: {page}");
    }
    program.log_with("bad_signature");
    program.log_with("malformed");

    visitor.get("/visit");
    let again = Program::start("reasons");
    let mut visitor = Visitor { cookies: visitor.cookies, ..again.visitor() };
    assert!(visitor.page("/").contains("<code>bad_signature</code>"), "after a restart");
}
