//! The decisions, row by row.

use hipflask_core::value::Dict;

use super::*;

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn policy(requires: &[&str], paths: &[(&str, Option<&[&str]>)]) -> Policy {
    let path = |(path, requires): &(&str, Option<&[&str]>)| PathRule {
        path: (*path).into(),
        requires: requires.map(rules),
    };
    Policy {
        requires: rules(requires),
        user_keys: vec!["_user_id".into(), "user_id".into()],
        paths: paths.iter().map(path).collect(),
        ..Policy::default()
    }
}

fn session(values: &[(&str, &str)]) -> Dict {
    let mut session = Dict::new();
    for (key, value) in values {
        session.insert(*key, Value::from(*value));
    }
    session
}

#[track_caller]
fn check(policy: &Policy, target: &str, values: &[(&str, &str)], expected: Verdict) {
    let session = session(values);
    let verdict = policy.judge(&Page::of_target(target), |key| session.get(key).cloned());
    assert_eq!(verdict, expected, "{target} {values:?}");
}

const ADMIN: &[(&str, &str)] = &[("user_id", "7"), ("role", "admin")];
const USER: &[(&str, &str)] = &[("user_id", "7"), ("role", "user")];

#[test]
fn all_rules_are_to_be_kept() {
    let policy = policy(&["user_id", "role in admin,staff"], &[]);
    check(&policy, "/", ADMIN, Verdict::Allowed);
    check(&policy, "/", USER, Verdict::Forbidden);
    check(&policy, "/", &[("user_id", "7")], Verdict::Forbidden);
    check(&policy, "/", &[("role", "admin")], Verdict::Unknown);
    check(&policy, "/", &[], Verdict::Unknown);
}

#[test]
fn without_rules_the_session_names_a_user() {
    let policy = policy(&[], &[("/admin", Some(&["role == admin"]))]);
    check(&policy, "/", USER, Verdict::Allowed);
    check(&policy, "/", &[("_user_id", "7")], Verdict::Allowed);
    check(&policy, "/", &[("user_id", "")], Verdict::Unknown);
    check(&policy, "/", &[("csrf_token", "x")], Verdict::Unknown);
    check(&policy, "/admin", &[("role", "admin")], Verdict::Unknown);
    check(&policy, "/admin", USER, Verdict::Forbidden);
    check(&policy, "/admin", ADMIN, Verdict::Allowed);
}

#[test]
fn longest_path_says_whether_it_is_public() {
    let policy = policy(
        &["user_id"],
        &[
            ("/public", None),
            ("/public/admin", Some(&["role == admin"])),
            ("/public/admin/help", None),
        ],
    );
    for target in ["/public", "/public/a?x", "/a/../public", "/public/admin/help"] {
        check(&policy, target, &[], Verdict::Allowed);
    }
    check(&policy, "/public/admin", &[], Verdict::Unknown);
    check(&policy, "/public/admin", USER, Verdict::Forbidden);
    check(&policy, "/public/admin/x", ADMIN, Verdict::Allowed);
    // What oauth2-proxy's advisories of April 2026 were about, and their kin.
    for target in [
        "/?/public",
        "/#/public",
        "/admin#/public",
        "/admin?x=/public",
        "/publican",
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public%2f..%2fadmin",
        "/public/..;/admin",
        "/public/%252e%252e/admin",
        "/public\\..\\admin",
        "//public/../admin",
        "/Public",
    ] {
        check(&policy, target, &[], Verdict::Unknown);
    }
}

#[test]
fn unclear_page_has_the_rules_of_all_paths() {
    let policy = policy(&["user_id"], &[("/public", None), ("/admin", Some(&["role == admin"]))]);
    check(&policy, "/a%2Fb", USER, Verdict::Forbidden);
    check(&policy, "/a%2Fb", ADMIN, Verdict::Allowed);
    check(&policy, "/a", USER, Verdict::Allowed);
}

fn asked(target: &str, is_navigation: bool) -> Asked {
    Asked { page: Page::of_target(target), target: Some(target.into()), is_navigation }
}

#[test]
fn answer_sends_browsers_to_log_in() {
    let login = |url: &str, redirects| Policy {
        login: Some(Login { url: url.into(), redirects }),
        ..policy(&["user_id"], &[])
    };
    let here = login("https://a.example/login", true);
    let answer = |policy: &Policy, verdict, target, is_navigation| {
        let (status, location) = policy.answer(verdict, &asked(target, is_navigation));
        (status, location.unwrap_or_default())
    };
    let to = |rest: &str| format!("https://a.example/login{rest}");
    assert_eq!(answer(&here, Verdict::Allowed, "/a", true), (200, "".into()));
    assert_eq!(
        answer(&here, Verdict::Unknown, "/a?b=c&d", true),
        (302, to("?next=%2Fa%3Fb%3Dc%26d"))
    );
    assert_eq!(answer(&here, Verdict::Unknown, "/a", false), (401, "".into()));
    assert_eq!(answer(&here, Verdict::Forbidden, "/a", false), (401, "".into()));
    let strict = Policy { forbids: true, ..login("https://a.example/login", true) };
    assert_eq!(answer(&strict, Verdict::Forbidden, "/a", true), (403, "".into()));
    for foreign in
        ["//evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil.example"]
    {
        assert_eq!(answer(&here, Verdict::Unknown, foreign, true), (302, to("")), "{foreign}");
    }
    let told = login("https://a.example/login?x=y", false);
    assert_eq!(answer(&told, Verdict::Unknown, "/a", true), (401, to("?x=y&next=%2Fa")));
    assert_eq!(answer(&policy(&[], &[]), Verdict::Unknown, "/a", true), (401, "".into()));
}

#[test]
fn headers_are_always_there_and_never_ambiguous() {
    let headers = [("x-a", "a"), ("x-b", "b")];
    let headers = headers.map(|(name, key)| (HeaderName::from_static(name), key.to_owned()));
    let policy = Policy { headers: headers.into(), ..Policy::default() };
    let sent = |value: Option<Value>| {
        let values: Vec<_> = policy.identity(|key| value.clone().filter(|_| key == "a")).collect();
        assert_eq!(values.len(), 2);
        assert_eq!(values[1], (HeaderName::from_static("x-b"), String::new()));
        values[0].1.clone()
    };
    let list = |items: &[&str]| Value::List(items.iter().map(|it| Value::from(*it)).collect());
    assert_eq!(sent(None), "");
    assert_eq!(sent(Some(Value::from(7))), "7");
    assert_eq!(sent(Some(Value::Bool(true))), "true");
    assert_eq!(sent(Some(Value::Null)), "");
    assert_eq!(sent(Some(Value::from("A b, c"))), "A b, c");
    assert_eq!(sent(Some(Value::from("Zoë 100%"))), "Zo%C3%AB 100%25");
    assert_eq!(sent(Some(Value::from("a\r\nX-Role: admin"))), "a%0D%0AX-Role: admin");
    assert_eq!(sent(Some(Value::from(" a  "))), "%20a%20%20");
    assert_eq!(sent(Some(Value::from("  "))), "%20%20");
    assert_eq!(sent(Some(list(&["a", "b,c"]))), "a,b%2Cc");
    assert_eq!(sent(Some(Value::List(vec![Value::from("a"), Value::Null]))), "");
}
