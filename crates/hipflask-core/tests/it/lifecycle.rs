//! Whole requests against Flask: cookie in, operations of a handler, `Set-Cookie` and `Vary` out.

mod model;
mod ops;
mod stored;

use std::cell::OnceCell;

use hipflask_core::{
    UnixTime,
    cookie::Attributes,
    interface::{CookieError, CookieSessions, SaveAction},
    session::Session,
    signing::KeyRing,
};

use crate::vectors::Vectors;

/// Rows whose `MAX_COOKIE_SIZE` is below the size of name and value: Flask warns and sends them.
const OVERSIZED: [u64; 2] = [364, 366];

#[test]
fn requests_end_as_in_flask() {
    Vectors::load("lifecycle")
        .differ([161, 164], "`new` says the truth; Flask's is always false")
        .differ(261..=264, "a negative lifetime: the type rules it out")
        .differ(273..=280, "a lifetime that is no number: the type rules it out")
        .differ([325, 326, 327, 331, 332, 333], "HttpOnly=0 and Secure=1: the types rule it out")
        .differ(343..=345, "an unknown SameSite: refused when configured, not with each response")
        .differ(OVERSIZED, "refused instead of sent and dropped by the browser")
        .differ([375], "a hook that fails after the handler: there are no hooks")
        .differ([379], "a set: no kind of value")
        .differ(380..=382, "keys that are no strings: the types rule it out")
        .differ([383], "a change deep inside a value is seen")
        .differ([406, 407], "the items of all `Vary` lines are kept")
        .differ(
            [442, 443, 498, 499, 519, 520, 526, 527],
            "`_flashes` holds no list: the messages start anew, or a tuple is continued",
        )
        .differ(
            [449, 456, 463, 470, 477, 478, 484, 491, 505],
            "`_flashes` or a category holds something else: no messages instead of an error",
        )
        .differ([454, 457, 468, 496], "messages come back as what `Flash` is, not as stored")
        .differ([473, 474, 475], "a text as filter: a list of categories is asked for")
        .differ([543, 560, 577], "`|=` on a session without a key is refused, too")
        .differ([585, 586, 588, 589], "a text as fallbacks: one key, not one for each character")
        .differ([600, 602, 603, 604, 605], "a signed payload that does not decode: no error 500")
        .check("cookie", model::check_request)
        .finish();
}

#[test]
fn stored_requests_end_as_in_flask_session() {
    let records = OnceCell::new();
    let vectors = Vectors::load("server_side").check("flask_session_store", |row| {
        records.get_or_init(|| stored::initial(row));
    });
    vectors
        .differ([1063, 1066], "`new` says the truth; Flask's is always false")
        .differ(
            [871, 872, 879, 880, 887, 888, 956, 957, 964, 965, 972, 973, 1102, 1103],
            "a blank record that is only read lives longer, too: a touch does not look into it",
        )
        .differ([925, 980], "a tuple comes back from the store as a list")
        .differ(
            [943, 944, 953, 954, 955, 977, 978, 1092],
            "whose last key was removed is blank for a minute, in which another request may add to \
             it, and not deleted at once",
        )
        .differ(
            [1023, 1024, 1031, 1032, 1039, 1040],
            "what was blank and stays blank is not deleted either",
        )
        .differ(1093..=1097, "a handler does not see the id")
        .differ(
            [1242, 1245, 1247, 1248, 1249, 1253, 1254, 1255],
            "SESSION_COOKIE_PARTITIONED is no longer ignored",
        )
        .differ(
            [1257, 1260, 1263, 1269, 1295, 1296, 1297],
            "what cannot be an id never reaches the store",
        )
        .differ([1264], "an id that a fallback key has signed is accepted")
        .differ([1272, 1273], "`renew` after `clear` takes effect, too: no session fixation")
        .differ(1289..=1291, "`modified = False` keeps a change from being saved")
        .check("flask_session", |row| stored::check_request(row, records.get().unwrap()))
        .finish();
}

#[test]
fn oversized_cookies_are_refused() {
    let check = |row: &_| model::run(row).1;
    Vectors::load("lifecycle")
        .check("cookie", |row| {
            if OVERSIZED.contains(&row.id()) {
                assert!(matches!(check(row), Some(CookieError::TooLarge { .. })), "in {row:?}");
            }
        })
        .finish();
}

/// What Chromium counts, measured at its edge: 4,096 bytes of name and value, and no attribute.
#[test]
fn cookie_is_refused_for_its_name_and_value_only() {
    let now = UnixTime::from_secs(1_763_692_800);
    let attributes = Attributes::new().with_path(&format!("/{}", "p".repeat(1000)));
    let mut session = Session::new();
    session.insert("a", 1).unwrap();
    session.set_permanent(true).unwrap();
    let interface = CookieSessions::new(&KeyRing::new("k")).with_cookie("shop", attributes);
    let size = "shop".len() + interface.sign(&session, now).unwrap().unwrap().len();
    let saved = interface.clone().with_max_cookie_size(size).save(&session, now).unwrap();
    assert!(matches!(saved.action, SaveAction::Set(header) if header.len() > size + 1000));
    let error = interface.with_max_cookie_size(size - 1).save(&session, now).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the session cookie is too large: name and value have {size} bytes, browsers keep {}; \
             largest keys: \"_permanent\" (14 bytes), \"a\" (2 bytes)",
            size - 1
        )
    );
}
