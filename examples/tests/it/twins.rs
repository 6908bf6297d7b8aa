//! The examples that have a twin in Flask, which `interop/test_twins.py` compares them with: here only
//! what their front pages tell visitors to try, in the cookie and in stores.

use crate::program::{Program, command};

#[test]
fn counter_counts_wherever_its_sessions_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("file:{}", folder.path().display());
    let sqlite = format!("sqlite:{}", folder.path().join("sessions.sqlite3").display());
    for address in ["cookie:", "memory:", &file, &sqlite] {
        let program = Program::start_with("counter", &["--port", "0", "--sessions", address], &[]);
        let mut visitor = program.visitor();
        visitor.front_page(&["/start_counter", "/count", "/get_count", "/clear_count"]);
        assert_eq!(visitor.page("/get_count"), "No counter set!", "{address}");
        visitor.page("/start_counter");
        assert_eq!((visitor.page("/count"), visitor.page("/count")), ("1".into(), "2".into()));
        assert_eq!(visitor.page("/get_count"), "2", "{address}");
        visitor.page("/clear_count");
        assert_eq!(visitor.page("/count"), "No counter set!", "{address}");
    }
}

#[test]
fn counter_says_what_is_wrong_and_shows_no_password() {
    for (sessions, expected) in [
        ("redsi://user:secret@localhost", "did you mean `redis:`?"),
        ("memory:?secret=1", "option `secret`, which is unknown"),
    ] {
        let output = command("counter").args(["--sessions", sessions]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(expected), "{text}");
        assert!(text.contains("warning: FLASK_SECRET_KEY is not set"), "{text}");
        assert!(!text.contains("user:secret"), "{text}");
    }
}

#[test]
fn sign_in_knows_who_is_signed_in() {
    let program = Program::start_with("sign_in", &["--port", "0"], &[]);
    let mut visitor = program.visitor();
    visitor.front_page(&["/sign-in", "/profile", "/sign-out"]);
    for (name, password) in [("julian", "example"), ("clarissa", "sweetpotato22")] {
        assert_eq!(visitor.get("/profile").location.unwrap(), "/sign-in");
        visitor.page("/sign-in");
        let right = visitor.post("/sign-in", &[("username", name), ("password", password)]);
        assert_eq!(right.location.unwrap(), "/profile");
        assert!(visitor.page("/profile").contains(&format!("{name}@example.com")));
        visitor.get("/sign-out");
    }
}

#[test]
fn cookies_has_a_plain_one_beside_the_session() {
    let program = Program::start_with("cookies", &["--port", "0"], &[]);
    let mut visitor = program.visitor();
    visitor.front_page(&["/get", "/cookie"]);
    assert!(visitor.page("/get").starts_with("User Name is John"));
    assert_eq!(visitor.page("/cookie"), "Theme cookie set!");
    assert_eq!(visitor.cookies["theme"], "dark");
}

#[test]
fn lifetime_is_an_hour() {
    let program = Program::start_with("lifetime", &["--port", "0"], &[]);
    let mut visitor = program.visitor();
    assert_eq!(visitor.page("/"), "Not logged in");
    let [cookie] = &visitor.get("/login").set_cookies[..] else { panic!() };
    assert!(cookie.contains("; Expires=") && cookie.contains("; Secure; HttpOnly"), "{cookie}");
    assert_eq!(visitor.page("/"), "Logged in as user 12345");
    visitor.get("/logout");
    assert_eq!(visitor.page("/"), "Not logged in");
}

#[test]
fn shop_believes_a_plain_cookie_and_no_edited_session() {
    let program = Program::start_with("shop", &["--port", "0"], &[]);
    let mut visitor = program.visitor();
    visitor.front_page(&["/add", "/credit", "/clear"]);
    visitor.post("/add", &[("item", "teapot")]);
    assert!(visitor.page("/").contains("<td>$25</td><td>$25</td>"));
    visitor.cookies.insert("total".into(), "1".into());
    assert!(visitor.page("/").contains("<td>$1</td><td>$25</td>"));
    visitor.cookies.insert("session".into(), "eyJ0b3RhbCI6MX0.aR_RAA.forged".into());
    assert!(visitor.page("/").contains("<td>$1</td><td>$0</td>"));
}

#[test]
fn stored_loses_no_append_and_brings_nothing_back() {
    let program = Program::start_with("stored", &["--port", "0", "--sessions", "memory:"], &[]);
    let mut visitor = program.visitor();
    visitor.front_page(&["/all", "/logout", "/login?user=ada", "/append?k=list&v=pot"]);
    visitor.page("/login?user=ada");
    visitor.page("/append?k=list&v=pot");
    let tabs = ["tea", "cup"].map(|item| {
        let mut tab = visitor.clone();
        std::thread::spawn(move || tab.page(&format!("/append?k=list&v={item}&wait=1000")))
    });
    for tab in tabs {
        assert_eq!(tab.join().unwrap(), "ok");
    }
    let all = visitor.page("/all");
    assert!(["pot", "tea", "cup"].iter().all(|item| all.contains(item)), "{all}");

    let (mut slow, mut copy) = (visitor.clone(), visitor.clone());
    let slow = std::thread::spawn(move || slow.page("/set?k=late&v=1&wait=1000"));
    visitor.page("/logout");
    assert_eq!(slow.join().unwrap(), "ok");
    let all = copy.page("/all");
    assert!(!all.contains("ada") && !all.contains("tea"), "{all}");
}

#[test]
fn accounts_signs_up_logs_in_and_turns_others_away() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let program = Program::start_with("accounts", &["--port", "0", "--data", data], &[]);
    let mut visitor = program.visitor();
    visitor.front_page(&["/signup", "/login", "/users/1/edit"]);
    let account =
        [("username", "ada"), ("email", "ada@example.com"), ("password", "correct horse")];
    assert_eq!(visitor.post("/signup", &account).location.unwrap(), "/login");
    visitor.post("/login", &account);
    assert!(visitor.page("/welcome").contains("Welcome, ada"));
    visitor.page("/users/1/edit");
    assert_eq!(visitor.get("/users/2/edit").location.unwrap(), "/welcome");
    visitor.post("/users/1/edit", &[("email", "ada@new.example.com"), ("bio", "Hello")]);
    assert!(visitor.page("/users/1").contains("ada@new.example.com"));
    visitor.post("/logout", &[]);
    assert_eq!(visitor.get("/welcome").location.unwrap(), "/login");
}
