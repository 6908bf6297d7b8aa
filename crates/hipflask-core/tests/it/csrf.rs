//! Tokens and origins against what Flask-WTF makes and accepts, and the verdicts of the headers.

use hipflask_core::{
    UnixTime,
    csrf::{
        CsrfError, CsrfTokens, Headers, SECRET_ENTROPY, Verdict, is_origin, is_same_origin,
        new_secret,
    },
    signing::KeyRing,
    token::TimedToken,
    value::Value,
};

use crate::vectors::{Row, Vectors};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);
const KEY: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";
const SECRET: &str = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12";

#[test]
fn tokens_and_origins_are_those_of_flask_wtf() {
    Vectors::load("extensions")
        .only(&["csrf_token", "csrf_same_origin"]) // extensions.rs says who has the rest
        .check("csrf_token", check_token)
        .check("csrf_same_origin", check_same_origin)
        .finish();
}

fn check_token(row: &Row) {
    let now = UnixTime::from_secs(row.field("now").as_u64().unwrap());
    let tokens = CsrfTokens::new(&KeyRing::new(row.text("secret")));
    let (secret, token) = (row.text("session_value"), row.text("token"));
    row.assert_eq(&*tokens.encode(secret, now), token);
    row.assert_eq(tokens.check(token.as_bytes(), Some(&secret.into()), now), Ok(()));
}

fn check_same_origin(row: &Row) {
    let same = is_same_origin(row.text("referrer"), row.text("host_url"));
    row.assert_eq(Some(same), row.field("same").as_bool());
}

#[test]
fn secrets_are_forty_digits_and_depend_on_all_randomness() {
    let mut entropy = [0; SECRET_ENTROPY];
    let mut seen = std::collections::BTreeSet::from([new_secret(&entropy)]);
    for at in 0..SECRET_ENTROPY {
        entropy[at] = 1;
        let secret = new_secret(&entropy);
        assert!(secret.len() == 40 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(seen.insert(secret), "byte {at} does not count");
    }
}

#[track_caller]
fn check(token: &str, secret: Option<&Value>, expected: Result<(), CsrfError>) {
    let tokens = CsrfTokens::new(&KeyRing::new(KEY).with_fallback("an older key of this app"));
    assert_eq!(tokens.check(token.as_bytes(), secret, NOW), expected, "{token}");
}

fn signed<T: serde::Serialize + ?Sized>(key: &str, salt: &str, value: &T, age: i64) -> String {
    let at = UnixTime::from_secs((1_763_692_800 - age) as u64);
    TimedToken::new(&KeyRing::new(key), salt).encode(value, at).unwrap()
}

#[test]
fn tokens_are_judged_as_by_flask_wtf() {
    const SALT: &str = "wtf-csrf-token";
    let value = Value::from(SECRET);
    let secret = || Some(&value);
    check(&signed(KEY, SALT, SECRET, 0), secret(), Ok(()));
    check(&signed(KEY, SALT, SECRET, 3600), secret(), Ok(()));
    // DIFFERENCE: Flask-WTF does not look at fallbacks.
    check(&signed("an older key of this app", SALT, SECRET, 0), secret(), Ok(()));
    check(&signed(KEY, SALT, SECRET, 3601), secret(), Err(CsrfError::TokenExpired));
    check(&signed(KEY, SALT, SECRET, -1), secret(), Err(CsrfError::TokenExpired));
    check(&signed(KEY, SALT, "another", 0), secret(), Err(CsrfError::TokenMismatch));
    check(&signed(KEY, SALT, SECRET, 0), None, Err(CsrfError::SessionTokenMissing));
    check("", None, Err(CsrfError::TokenMissing));
    for token in [
        "nonsense".to_owned(),
        SECRET.to_owned(),
        signed("another key", SALT, SECRET, 0),
        signed(KEY, "cookie-session", SECRET, 0),
    ] {
        check(&token, secret(), Err(CsrfError::TokenInvalid));
    }
    // DIFFERENCE: on these, Flask-WTF fails with 500.
    check(&signed(KEY, SALT, &5, 0), secret(), Err(CsrfError::TokenInvalid));
    check(&signed(KEY, SALT, &[SECRET], 0), secret(), Err(CsrfError::TokenInvalid));
    check(&signed(KEY, SALT, SECRET, 0), Some(&5.into()), Err(CsrfError::TokenMismatch));
    check(&signed(KEY, SALT, "é", 0), Some(&"é".into()), Ok(()));
}

#[test]
fn tokens_without_a_limit_live_for_ever() {
    let tokens = CsrfTokens::new(&KeyRing::new(KEY)).with_time_limit(None);
    for age in [-3600, 0, 1_000_000_000] {
        let token = signed(KEY, "wtf-csrf-token", SECRET, age);
        assert_eq!(tokens.check(token.as_bytes(), Some(&SECRET.into()), NOW), Ok(()), "{age}");
    }
}

#[test]
fn errors_have_reasons_of_their_own() {
    let errors = [
        CsrfError::CrossSite,
        CsrfError::FormTooLarge,
        CsrfError::OriginMismatch,
        CsrfError::ReferrerMismatch,
        CsrfError::ReferrerMissing,
        CsrfError::SessionTokenMissing,
        CsrfError::TokenExpired,
        CsrfError::TokenInvalid,
        CsrfError::TokenMismatch,
        CsrfError::TokenMissing,
    ];
    let reasons = errors.map(CsrfError::reason);
    assert!(reasons.iter().all(|reason| reason.code().starts_with("csrf_") && reason.is_refusal()));
    assert_eq!(
        reasons.map(|it| it.code()).into_iter().collect::<std::collections::BTreeSet<_>>().len(),
        10
    );
}

#[track_caller]
fn check_verdict(method: &str, site: &str, origin: &str, host: &str, expected: Verdict) {
    let header = |text: &'static str| (text != "-").then_some(text.as_bytes());
    let leak = |text: &str| header(String::leak(text.to_owned()));
    let headers =
        Headers { method, host: leak(host), origin: leak(origin), sec_fetch_site: leak(site) };
    let verdict = headers.judge(|origin| origin == b"https://pay.example");
    assert_eq!(verdict, expected, "{headers:?}");
}

/// The facade's tests compare the same verdicts with those of tower-http.
#[test]
fn headers_are_judged_site_first() {
    use Verdict::{Safe, SameOrigin, Silent};
    let (cross, other) =
        (Verdict::Refused(CsrfError::CrossSite), Verdict::Refused(CsrfError::OriginMismatch));
    for method in ["GET", "HEAD", "OPTIONS"] {
        check_verdict(method, "cross-site", "https://evil.example", "a.example", Safe);
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "get"] {
        check_verdict(method, "cross-site", "https://evil.example", "a.example", cross);
    }
    check_verdict("POST", "same-origin", "null", "-", SameOrigin);
    check_verdict("POST", "none", "-", "-", SameOrigin);
    check_verdict("POST", "same-site", "https://a.example", "a.example", cross);
    check_verdict("POST", "Same-Origin", "https://a.example", "a.example", cross);
    check_verdict("POST", "cross-site", "https://pay.example", "a.example", SameOrigin);
    check_verdict("POST", "-", "https://pay.example", "a.example", SameOrigin);
    check_verdict("POST", "-", "-", "a.example", Silent);
    check_verdict("POST", "", "", "a.example", Silent);
    check_verdict("POST", "-", "https://a.example", "a.example", SameOrigin);
    check_verdict("POST", "-", "http://a.example:8080", "a.example:8080", SameOrigin);
    for origin in
        ["null", "https://A.example", "https://a.example:443", "ftp://a.example", "https://"]
    {
        check_verdict("POST", "-", origin, "a.example", other);
    }
    check_verdict("POST", "-", "https://a.example", "-", other);
    check_verdict("POST", "-", "https://", "", other);
}

#[test]
fn origins_are_written_as_browsers_do() {
    for text in ["https://a.example", "http://127.0.0.1:8080", "https://[::1]:8443"] {
        assert!(is_origin(text), "{text}");
    }
    for text in [
        "",
        "a.example",
        "null",
        "https://",
        "https://a.example/",
        "https://a?a",
        "https://é.example",
        "https://a?b",
    ] {
        assert!(!is_origin(text), "{text}");
    }
}
