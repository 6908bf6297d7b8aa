//! Whole requests against Flask: cookie in, operations of a handler, `Set-Cookie` and `Vary` out.

mod model;
mod ops;

use hipflask_core::interface::SaveError;

use crate::vectors::Vectors;

/// Rows whose `MAX_COOKIE_SIZE` is below the length of the header: Flask warns and sends it.
const OVERSIZED: [u64; 4] = [358, 360, 364, 366];

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
fn oversized_cookies_are_refused() {
    let check = |row: &_| model::run(row).1;
    Vectors::load("lifecycle")
        .check("cookie", |row| {
            if OVERSIZED.contains(&row.id()) {
                assert!(matches!(check(row), Some(SaveError::TooLarge { .. })), "in {row:?}");
            }
        })
        .finish();
}
