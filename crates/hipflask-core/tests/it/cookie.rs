//! Holds the cookie stage against what Werkzeug 3.1.9 reads and writes.
//!
//! `cookie_headers.jsonl` was made by the real one. Every row is run; a row with another outcome
//! must be listed in `DIFFERENCES`, and a listed row must have another outcome.

use std::collections::BTreeSet;

use hipflask_core::cookie::{self, Attributes};
use proptest::prelude::*;
use serde_json::Value;

const ROWS: &str = include_str!("../vectors/cookie_headers.jsonl");

/// Rows that come out differently on purpose.
const DIFFERENCES: &[(&str, &[u64])] = &[
    (
        "non-ASCII domain: the xn-- form is asked for instead of guessing what browsers make of it",
        &[303, 306, 315, 318],
    ),
    (
        "a truth value that is not a bool (Secure=1, HttpOnly=0): the types rule it out",
        &[320, 321, 322, 325, 326, 339, 340],
    ),
    ("expiry given as text and written unchecked: the types rule it out", &[349, 350]),
];

#[test]
fn cookie_headers_come_out_as_made_by_werkzeug_3_1() {
    let expected: BTreeSet<u64> =
        DIFFERENCES.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let (mut different, mut n_rows) = (BTreeSet::new(), 0);
    for line in ROWS.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let is_equal = match row["kind"].as_str().unwrap() {
            "dump" => dump_agrees(&row),
            "parse" => parse_agrees(&row),
            "meta" => continue,
            kind => panic!("unknown kind of row: {kind}"),
        };
        n_rows += 1;
        if !is_equal {
            different.insert(row["id"].as_u64().unwrap());
        }
    }
    assert_eq!(n_rows, 1020);
    assert_eq!(different, expected, "left: different now, right: listed as different");
}

fn parse_agrees(row: &Value) -> bool {
    let header = latin1(row["header"].as_str().unwrap());
    let expected: Vec<(&str, &str)> = row["cookies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    let read: Vec<_> = cookie::pairs(&header).collect();
    let read: Vec<(&str, &str)> = read
        .iter()
        .map(|(name, value)| (str::from_utf8(name).unwrap(), str::from_utf8(value).unwrap()))
        .collect();
    let first = |wanted: &str| expected.iter().find(|pair| pair.0 == wanted).map(|pair| pair.1);
    let finds = |name: &str| {
        cookie::find(&header, name).as_deref() == first(name).map(str::as_bytes)
            && cookie::find_in([&b""[..], &header], name).as_deref()
                == first(name).map(str::as_bytes)
    };
    read == expected && finds("no such cookie") && expected.iter().all(|pair| finds(pair.0))
}

fn dump_agrees(row: &Value) -> bool {
    let written = dump(row);
    let expected = row["header"].as_str().map(latin1);
    if written.as_deref().map(str::as_bytes) != expected.as_deref() {
        return false;
    }
    // Werkzeug counts the whole header, and tells of what: browsers count name and value.
    let limit = row["args"]["max_size"].as_u64().unwrap_or(4093);
    let sizes = row["warning"].as_str().map(numbers);
    let expected = sizes.map(|sizes| sizes[0] + row["key"].as_str().unwrap().len());
    let limit = usize::try_from(limit).unwrap();
    written.and_then(|header| cookie::oversize(&header, limit))
        == expected.filter(|size| *size > limit)
}

/// Calls what the row called; `None` where either side refuses.
fn dump(row: &Value) -> Option<String> {
    let args = &row["args"];
    let is_set = |name: &str| is_true(&args[name]);
    let mut attributes = Attributes::new()
        .with_secure(is_set("secure"))
        .with_http_only(is_set("httponly"))
        .with_partitioned(is_set("partitioned"));
    if let Some(domain) = args["domain"].as_str() {
        attributes = attributes.with_domain(domain).ok()?;
    }
    attributes = match args.get("path") {
        None => attributes,
        Some(Value::Null) => attributes.without_path(),
        Some(path) => attributes.with_path(path.as_str().unwrap()),
    };
    if let Some(rule) = args["samesite"].as_str() {
        attributes = attributes.with_same_site(rule.parse::<cookie::SameSite>().ok()?);
    }
    let max_age = args.get("max_age").map(seconds);
    let expires = match args.get("expires") {
        Some(Value::String(_)) => None,
        Some(expires) => Some(seconds(expires)),
        // Werkzeug's own clock reading; here the caller adds it.
        None if args["sync_expires"] == false => None,
        None => max_age.map(|max_age| (row["now"].as_f64().unwrap()).floor() as i64 + max_age),
    };
    // A lone surrogate is no Rust text, and no UTF-8 for Python either.
    let value = row["value"].as_str()?;
    cookie::write(row["key"].as_str().unwrap(), value, &attributes, expires, max_age).ok()
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        other => panic!("unknown truth value: {other}"),
    }
}

fn seconds(moment: &Value) -> i64 {
    if let Some(number) = moment.as_f64() {
        return number.floor() as i64;
    }
    if let Some(span) = moment["timedelta_s"].as_f64() {
        return span.trunc() as i64;
    }
    let text = moment["v"].as_str().unwrap();
    let field = |start: usize, end: usize| -> i64 {
        text.get(start..end).map_or(0, |digits| digits.parse().unwrap())
    };
    let month = u8::try_from(field(5, 7)).unwrap().try_into().unwrap();
    let day = u8::try_from(field(8, 10)).unwrap();
    let date = time::Date::from_calendar_date(field(0, 4).try_into().unwrap(), month, day).unwrap();
    let midnight = date.midnight().assume_utc().unix_timestamp();
    let offset = moment["off"].as_i64().unwrap_or(0);
    midnight + field(11, 13) * 3600 + field(14, 16) * 60 + field(17, 19) - offset
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn numbers(text: &str) -> Vec<usize> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// Bytes that mean something to the scanner, and a few that do not.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(&b" \t\";=\\,\n\x00ab037\xc3\xa9\xff"[..]);
    prop::collection::vec(prop_oneof![9 => telling, 1 => any::<u8>()], 0..80)
}

proptest! {
    #[test]
    fn find_returns_the_first_of_pairs(header in header_bytes()) {
        let pairs: Vec<_> = cookie::pairs(&header).collect();
        for (name, _) in &pairs {
            let first = pairs.iter().find(|pair| pair.0 == *name).map(|pair| &pair.1);
            let name = str::from_utf8(name).unwrap();
            let found = cookie::find(&header, name);
            prop_assert_eq!(found.as_ref(), first);
        }
        prop_assert_eq!(cookie::find(&header, "no such cookie"), None);
    }

    #[test]
    fn reading_accepts_any_bytes(header in any::<Vec<u8>>(), name in any::<String>()) {
        for (name, value) in cookie::pairs(&header) {
            prop_assert!(str::from_utf8(&name).is_ok() && str::from_utf8(&value).is_ok());
        }
        let _ = cookie::find(&header, &name);
        let _ = cookie::vary::add_cookie([&header[..]]);
        let _ = cookie::cache_control::make_private([&header[..]]);
    }

    #[test]
    fn lines_are_joined_and_found(
        lines in prop::collection::vec("[a-c]{1,2}=[a-z]{0,3}(; [a-c]{1,2}=(\"[a-z,;=]{0,4}\"|[a-z]{0,3})){0,2}", 1..4),
        name in "[a-c]{1,2}",
        blank in " ?",
    ) {
        let joined = lines.join(&format!(",{blank}"));
        let found = cookie::find_joined(joined.as_bytes(), &name);
        let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
        let all = lines.iter().flat_map(|line| cookie::pairs(line));
        let own = all.filter(|(key, _)| **key == *name.as_bytes());
        let values: Vec<_> = own.map(|(_, value)| value).collect();
        match found {
            Some(found) => prop_assert!(values.contains(&found)),
            // None is taken of several different ones.
            None => prop_assert!(values.is_empty() || values.iter().any(|it| *it != values[0])),
        }
    }

    #[test]
    fn text_without_a_comma_is_one_line(header in header_bytes(), name in "[a-z]{1,7}") {
        let header: Vec<_> = header.into_iter().filter(|byte| *byte != b',').collect();
        prop_assert_eq!(cookie::find_joined(&header, &name), cookie::find(&header, &name));
    }

    #[test]
    fn find_returns_what_write_was_given(value in "\\PC*", name in "[a-zA-Z0-9_.-]{1,12}") {
        let header = cookie::write(&name, &value, &Attributes::new(), Some(0), None).unwrap();
        let found = cookie::find(header.as_bytes(), &name);
        prop_assert_eq!(found.as_deref(), Some(value.as_bytes()));
    }

    #[test]
    fn write_deletion_equals_a_write_in_the_past(name in "[a-z]{1,9}", secure: bool) {
        let attributes = Attributes::new().with_secure(secure).with_domain("a.example").unwrap();
        let written = cookie::write(&name, "", &attributes, Some(0), Some(0)).unwrap();
        prop_assert_eq!(cookie::write_deletion(&name, &attributes), written);
    }

    #[test]
    fn checked_attributes_are_one_line_of_ascii(
        domain in "\\PC{0,20}|[a-z.]{1,20}", path in "/\\PC{0,20}", name in "[a-z]{1,9}",
    ) {
        if let Ok(attributes) = Attributes::new().with_path(&path).with_domain(&domain)
            && attributes.check(&name).is_ok()
        {
            let header = cookie::write(&name, "v", &attributes, None, None).unwrap();
            prop_assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(header.matches(';').count(), 3);
        }
    }
}
