//! Log-in and log-out on a session: what is kept, what goes, and who counts as logged in.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    auth::{
        LogIn, Protection, REMEMBER_SECONDS, Remember, RememberCookie, RememberSigner, Returned,
        Series, SeriesToken, id_text, identifier,
    },
    serializer::Limits,
    session::{AUTHENTICATED, Fate, Session, SessionError},
    signing::KeyRing,
    value::Value,
};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);

fn session(json: &str) -> Session {
    Session::from_json(json.into(), Limits::default()).unwrap()
}

fn keys(session: &Session) -> Vec<String> {
    session.keys().map(|key| key.to_string_lossy()).collect()
}

#[test]
fn log_in_keeps_only_what_is_named() {
    let json = r#"{"a":1,"cart":["tea"],"csrf_token":"c","_flashes":[],"_permanent":true,"_fresh":false,
        "_user_id":"1","_id":"x","_hipflask_authenticated":1}"#;
    let mut session = session(json);
    let how = LogIn::new().keeping(["cart", "csrf_token", "_id", "nothing"]);
    session.log_in("7", &how, NOW).unwrap();
    assert_eq!(keys(&session), ["cart", "_permanent", "_user_id", "_fresh", AUTHENTICATED]);
    assert_eq!(session.user_id(), Some(Value::from("7")));
    assert_eq!(session.value(AUTHENTICATED), Some(Value::from(1_763_692_800_000_u64)));
    assert_eq!(session.fate(), Fate::Renewed);
    assert!(session.is_modified() && session.is_permanent());
}

#[test]
fn log_in_writes_flask_logins_keys_in_its_order() {
    let mut session = Session::new();
    let how = LogIn::new().with_identifier("i").remembered_for(Duration::from_millis(10_500));
    session.log_in("7", &how, NOW).unwrap();
    let order = ["_user_id", "_fresh", "_id", AUTHENTICATED, "_remember", "_remember_seconds"];
    assert_eq!(keys(&session), order);
    let wish = RememberCookie::take_wish(&mut session).unwrap();
    assert_eq!(wish, Some(Remember::Set(Some(10.5))));
    assert_eq!(keys(&session), order[..4]);
    assert_eq!(RememberCookie::take_wish(&mut session).unwrap(), None);
}

#[test]
fn user_id_is_text_as_in_flask_login() {
    for (given, kept) in [
        (Value::from(7), Value::from("7")),
        (Value::from("ada"), Value::from("ada")),
        (Value::from(vec![Value::Null]), Value::from(vec![Value::Null])),
    ] {
        let mut session = Session::new();
        session.log_in(given, &LogIn::new(), NOW).unwrap();
        assert_eq!(session.user_id(), Some(kept.clone()));
        assert_eq!(id_text(&kept), kept.as_str().map(str::to_owned));
    }
}

#[test]
fn nobody_is_logged_in_without_an_id() {
    for json in [r#"{"_fresh":true}"#, r#"{"_fresh":true,"_user_id":null}"#, "{}"] {
        let session = session(json);
        assert_eq!(session.user_id(), None);
        assert!(!session.is_fresh(None, NOW));
    }
}

#[test]
fn confirmed_login_is_fresh_under_a_new_id_and_keeps_the_rest() {
    let json = r#"{"_user_id":"7","_fresh":false,"_id":"x","csrf_token":"c","cart":["tea"]}"#;
    let mut stale = session(json);
    stale.confirm_login(NOW).unwrap();
    assert!(stale.is_fresh(Some(Duration::ZERO), NOW));
    assert_eq!(keys(&stale), ["_user_id", "_fresh", "csrf_token", "cart", AUTHENTICATED]);
    assert_eq!(stale.fate(), Fate::Renewed);
    let mut nobody = session(r#"{"_fresh":false}"#);
    nobody.confirm_login(NOW).unwrap();
    assert!(!nobody.is_modified() && nobody.fate() == Fate::Kept);
}

#[test]
fn refreshed_cookie_is_the_users_who_has_shown_it() {
    let cookie = RememberCookie::new(RememberSigner::new(&KeyRing::new("k")).unwrap());
    let wish = |cookie: &RememberCookie, json: &str, shown: Option<&str>| {
        let mut session = session(json);
        let wish = cookie.take_wish_of(&mut session, shown.map(str::as_bytes)).unwrap();
        (wish, session.contains(REMEMBER_SECONDS), session.is_modified())
    };
    let (of_7, of_8) = (cookie.signer().encode("7"), cookie.signer().encode("8"));
    let lasting = r#"{"_user_id":"7","_remember_seconds":10.5}"#;
    assert_eq!(wish(&cookie, lasting, Some(&of_7)), (None, false, true));
    let cookie = cookie.with_refresh_each_request(true);
    let again = |seconds| Some(Remember::Set(seconds));
    assert_eq!(wish(&cookie, lasting, Some(&of_7)), (again(Some(10.5)), true, false));
    assert_eq!(wish(&cookie, r#"{"_user_id":"7"}"#, Some(&of_7)), (again(None), false, false));
    for (json, shown) in [
        (r#"{"_user_id":"7"}"#, None), // has not asked to be remembered
        (r#"{"_user_id":"7"}"#, Some(&*of_8)),
        (r#"{"_user_id":"7"}"#, Some("7|0123")),
        ("{}", Some(&*of_7)),
    ] {
        assert_eq!(wish(&cookie, json, shown), (None, false, false), "{json} {shown:?}");
    }
    let out = r#"{"_user_id":"7","_remember":"clear"}"#;
    assert_eq!(wish(&cookie, out, Some(&of_7)), (Some(Remember::Clear), false, true));
}

#[test]
fn freshness_needs_a_password_and_with_an_age_its_time() {
    let flask = session(r#"{"_user_id":"7","_fresh":true}"#);
    assert!(flask.is_fresh(None, NOW));
    assert!(!flask.is_fresh(Some(Duration::MAX), NOW));
    let mut remembered = Session::new();
    remembered.log_in("7", &LogIn::new().with_fresh(false), NOW).unwrap();
    assert!(!remembered.is_fresh(None, NOW));
    assert_eq!(remembered.authenticated_at(), None);
    let mut session = Session::new();
    session.log_in("7", &LogIn::new(), NOW).unwrap();
    let minute = Duration::from_secs(60);
    let after = |length| NOW.checked_add(length).unwrap();
    assert!(session.is_fresh(Some(minute), after(minute)));
    assert!(!session.is_fresh(Some(minute), after(minute + Duration::from_millis(1))));
    assert!(
        session.is_fresh(Some(minute), UnixTime::from_secs(0)),
        "another node's clock is ahead"
    );
}

#[test]
fn log_out_ends_the_session() {
    let mut session = session(r#"{"_user_id":"7","a":1}"#);
    session.log_out().unwrap();
    assert_eq!(session.fate(), Fate::Ended);
    assert!(session.is_blank());
}

#[test]
fn protection_sees_only_log_ins_that_have_moved() -> Result<(), SessionError> {
    let here = identifier(None, Some(b"10.0.0.1"), None);
    let there = identifier(None, Some(b"10.0.0.2"), None);
    let logged_in = |permanent: bool| {
        let mut session = Session::new();
        session.log_in("7", &LogIn::new().with_identifier(&here), NOW).unwrap();
        session.set_permanent(permanent).unwrap();
        session.insert("a", 1).unwrap();
        session.set_modified(false);
        session
    };
    for protection in [Protection::Basic, Protection::Strong] {
        let mut same = logged_in(false);
        protection.check(&mut same, &here)?;
        assert!(!same.is_modified() && same.is_fresh(None, NOW));
        let mut anonymous = session(r#"{"a":1}"#);
        protection.check(&mut anonymous, &here)?;
        assert!(!anonymous.is_modified(), "a read is no write");
        let mut permanent = logged_in(true);
        protection.check(&mut permanent, &there)?;
        assert!(permanent.user_id().is_some() && !permanent.is_fresh(None, NOW));
        permanent.set_modified(false);
        protection.check(&mut permanent, &there)?;
        assert!(!permanent.is_modified(), "once is enough");
    }
    let mut strong = logged_in(false);
    Protection::Strong.check(&mut strong, &there)?;
    assert_eq!(RememberCookie::take_wish(&mut strong)?, Some(Remember::Clear));
    assert_eq!(keys(&strong), ["_permanent", "a"]);
    Ok(())
}

#[test]
fn series_is_kept_as_hashes_and_read_again() {
    let first = SeriesToken::from_entropy(&[7; 48]);
    let series = Series::new("7", &first, Duration::MAX, NOW);
    let later = NOW.checked_add(Duration::from_millis(1)).unwrap();
    let series = series.rotated(&first.with_token_of(&SeriesToken::from_entropy(&[8; 48])), later);
    let content = series.to_content();
    assert_eq!(Series::from_content(&content), Some(series.clone()));
    assert_eq!(series.life(), Series::LONGEST, "kept by each return");
    assert_eq!((series.user_id(), series.started_at()), ("7", NOW));
    let value = first.to_value();
    let (id, token) = value.split_once('.').unwrap();
    let kept = format!("{content:?} {}", first.record_key());
    assert!(!kept.contains(id) && !kept.contains(token), "{kept}");
    for other in [
        "",
        "x",
        &value[1..],
        &value.replace('.', "-"),
        &format!("{value}A"),
        &value.replace('B', "="),
    ] {
        assert_eq!(SeriesToken::parse(other.as_bytes()), None, "{other}");
    }
    let minute = |seconds| later.checked_add(Duration::from_secs(seconds)).unwrap();
    assert_eq!(series.returned(&first, minute(60)), Returned::Lately);
    assert_eq!(series.returned(&first, minute(61)), Returned::Stolen);
    assert_eq!(series.returned(&SeriesToken::from_entropy(&[9; 48]), later), Returned::Stolen);
}
