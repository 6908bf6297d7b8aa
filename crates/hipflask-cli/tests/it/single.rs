//! One item on the command line: data, words and exit status of each verb.

use crate::run::{COOKIE, NOW, STRONG_KEY, WEAK, command, hipflask, outcome, with_input, with_k};

/// One value of every kind that Flask can store, as it stores them.
const EVERY_KIND: &str = concat!(
    r#"{"bool":true,"bytes":{" b":"AP8="},"date":{" d":"Fri, 21 Nov 2025 02:40:00 GMT"},"#,
    r#""dict":{" di":{" t__":1}},"float":1e+16,"int":123456789012345678901234567890,"#,
    r#""list":[1,[2]],"lone":"\ud800","markup":{" m":"<b>"},"nan":NaN,"none":null,"#,
    r#""text":"\u00e9\u007f","tuple":{" t":[1,"x"]},"#,
    r#""uuid":{" u":"12345678123456781234567812345678"}}"#
);

#[test]
fn sign_writes_the_cookie_of_flask() {
    with_k(&["sign", r#"{"a":1}"#]).assert(0, &format!("{COOKIE}\n"), WEAK);
    with_k(&["sign", r#" {"a" : 1} "#]).assert(0, &format!("{COOKIE}\n"), WEAK);
    let answer = format!("{{\"ok\":true,\"cookie\":\"{COOKIE}\"}}\n");
    with_k(&["sign", "--json", r#"{"a":1}"#]).assert(0, &answer, WEAK);
}

#[test]
fn sign_drops_the_fraction_of_a_second() {
    let args = ["sign", r#"{"a":1}"#, "--secret-key", "k", "--now", "1763692800.9"];
    hipflask(&args).assert(0, &format!("{COOKIE}\n"), WEAK);
}

#[test]
fn sign_refuses_what_is_no_session() {
    let refusals = [
        ("", "not JSON at byte 0"),
        ("{", "not JSON"),
        ("[1]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        (r#"{" t":[["a",1]]}"#, "expected a JSON object"),
        (r#"{"u":{" u":"1"}}"#, "a tagged value does not fit its tag"),
    ];
    for (json, words) in refusals {
        let outcome = with_k(&["sign", json]);
        outcome.assert_says(1, "", words);
        assert!(outcome.err.lines().any(|line| line.starts_with("bad_payload: ")), "{json}");
        let answer = "{\"ok\":false,\"reason\":\"bad_payload\"}\n";
        with_k(&["sign", json, "--json"]).assert_says(1, answer, words);
    }
}

#[test]
fn sign_warns_of_what_flask_or_browsers_would_not_keep() {
    with_k(&["sign", "{}"]).assert_says(
        0,
        "e30.aR_RAA.L2zAQV6ILfCFckPBbsYtAKYJvZw\n",
        "Flask deletes the cookie",
    );
    let noise = |length| {
        let mut state = 1_u32;
        let digits = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + (state >> 24) as u8 % 90)
        });
        let text = digits.filter(|char| !r#""\"#.contains(*char)).take(length).collect::<String>();
        with_k(&["sign", &format!(r#"{{"noise":"{text}"}}"#)])
    };
    let small = noise(2_500);
    assert_eq!((small.status, &*small.err), (0, WEAK));
    let large = noise(4_500);
    assert_eq!(large.status, 0);
    assert!(large.out.len() > 4096 && large.err.contains("and browsers drop"), "{}", large.err);
    // At the edge: what browsers keep, and one byte more.
    let (mut kept, mut dropped) = (false, false);
    for length in 3_600..3_760 {
        let outcome = noise(length);
        let size = "session".len() + outcome.out.trim_end().len();
        assert_eq!(outcome.err.contains("browsers drop"), size > 4096, "{size}");
        kept |= size == 4095; // No base64 makes 4,096 of it.
        dropped |= size == 4097;
    }
    assert!(kept && dropped, "the edge was not met");
}

#[test]
fn verify_prints_the_session() {
    let words = "verified: the current key confirms the cookie (key 0); signed at Fri, 21 Nov 2025 \
                 02:40:00 GMT, 0 seconds ago\n";
    with_k(&["verify", COOKIE]).assert(0, "{\"a\":1}\n", &format!("{WEAK}{words}"));
    let answer = "{\"ok\":true,\"session\":{\"a\":1},\"signed_at\":1763692800,\"age\":60,\
                  \"key\":0,\"compressed\":false}\n";
    let args = ["verify", COOKIE, "--json", "--secret-key", "k", "--now", "1763692860"];
    hipflask(&args).assert(0, answer, WEAK);
}

#[test]
fn verify_names_the_key_that_confirms() {
    let args = ["verify", COOKIE, "--json", "--now", NOW];
    let keys = ["--secret-key", STRONG_KEY, "--secret-key", "-k", "--secret-key", "k"];
    let outcome = hipflask(&[&args[..], &keys[..]].concat());
    outcome.assert_says(0, &outcome.out, "warning: key 2");
    assert!(outcome.out.contains("\"key\":2,"), "{}", outcome.out);

    let plain = hipflask(&[&["verify", COOKIE, "--now", NOW][..], &keys[..]].concat());
    plain.assert_says(0, "{\"a\":1}\n", "verified_by_fallback_key: ");
}

#[test]
fn verify_refuses_with_a_reason() {
    let bad = COOKIE.replace("eyJh", "eyJi");
    with_k(&["verify", &bad]).assert_says(1, "", "\nbad_signature: no key confirms");
    let answer = "{\"ok\":false,\"reason\":\"bad_signature\"}\n";
    with_k(&["verify", &bad, "--json"]).assert_says(1, answer, "\nbad_signature: ");
    with_k(&["verify", ""]).assert_says(
        1,
        "",
        "\nmalformed: expected the value of a cookie, found nothing",
    );
    with_k(&["verify", "nonsense"]).assert_says(1, "", "\nmalformed: ");
    // Signed by itsdangerous: the payload `1`, which is no session.
    let number = "MQ.aR_RAA.okLIRPZ_y2Js_eJtU1S4wl2UUtM";
    with_k(&["verify", number]).assert_says(1, "", "\nbad_payload: ");
    with_k(&["verify", &format!("session={COOKIE}; Path=/")]).assert_says(
        1,
        "",
        "give only what stands between `NAME=` and the first `;`",
    );
}

#[test]
fn verify_bounds_the_age() {
    let at = |now: &str, max_age: &[&str]| {
        let args = [&["verify", COOKIE, "--secret-key", "k", "--now", now][..], max_age].concat();
        let outcome = hipflask(&args);
        (outcome.status, outcome.err.lines().last().unwrap().split(':').next().unwrap().to_owned())
    };
    // Flask's default is 31 days.
    assert_eq!(at("1766371200", &[]), (0, "verified".into()));
    assert_eq!(at("1766371201", &[]), (1, "expired".into()));
    assert_eq!(at("1763692799", &[]), (1, "not_yet_valid".into()));
    assert_eq!(at("1763692800", &["--max-age", "0"]), (0, "verified".into()));
    assert_eq!(at("1763692801", &["--max-age", "0"]), (1, "expired".into()));
    assert_eq!(at("253402300799", &["--max-age", "18446744073709551615"]), (0, "verified".into()));
}

#[test]
fn verify_is_strict_on_demand() {
    let padded = format!("{COOKIE}=");
    with_k(&["verify", &padded]).assert_says(0, "{\"a\":1}\n", "verified");
    with_k(&["verify", &padded, "--strict"]).assert_says(1, "", "bad_signature");
}

#[test]
fn verify_uses_the_clock_of_the_machine() {
    let signed = hipflask(&["sign", r#"{"a":1}"#, "--secret-key", STRONG_KEY]);
    let args = ["verify", signed.out.trim_end(), "--secret-key", STRONG_KEY, "--max-age", "600"];
    hipflask(&args).assert_says(0, "{\"a\":1}\n", "verified: ");
}

#[test]
fn signing_follows_its_options() {
    let options = ["--salt", "other", "--digest", "sha256", "--key-derivation", "django-concat"];
    let signed = with_k(&[&["sign", r#"{"a":1}"#][..], &options[..]].concat());
    // What itsdangerous writes with these options.
    let cookie = "eyJhIjoxfQ.aR_RAA.WzoMIpUFuRU2BCBx2vycD8oghfE24ZiryMj5yrjKn7Q";
    signed.assert(0, &format!("{cookie}\n"), WEAK);
    with_k(&[&["verify", cookie][..], &options[..]].concat()).assert_says(0, "{\"a\":1}\n", "");
    with_k(&["verify", cookie]).assert_says(1, "", "bad_signature");
}

#[test]
fn sessions_survive_verify_and_sign() {
    let signed = with_k(&["sign", EVERY_KIND]);
    signed.assert_says(0, &signed.out, "");
    let verified = with_k(&["verify", signed.out.trim_end()]);
    assert_eq!(verified.out, format!("{EVERY_KIND}\n"));
    let again =
        with_input(&["sign", "-", "--secret-key", "k", "--now", NOW], verified.out.as_bytes());
    assert_eq!(again.out, signed.out);

    let long = format!(r#"{{"long":"{}"}}"#, "ab".repeat(500));
    let signed = with_k(&["sign", &long]);
    assert!(signed.out.starts_with('.'), "it is compressed");
    let answer = with_k(&["verify", "--json", signed.out.trim_end()]);
    assert!(answer.out.starts_with(&format!("{{\"ok\":true,\"session\":{long},")));
    assert!(answer.out.ends_with(",\"compressed\":true}\n"), "{}", answer.out);
}

const UNCHECKED: &str =
    "warning: the signature is not checked, so anybody may have written what follows\n";

#[test]
fn decode_shows_what_it_did_not_check() {
    let forged = "eyJhIjoxfQ.aR_RAA.AAAA";
    let words = format!("{UNCHECKED}signed at Fri, 21 Nov 2025 02:40:00 GMT, 60 seconds ago\n");
    hipflask(&["decode", forged, "--now", "1763692860"]).assert(0, "{\"a\":1}\n", &words);
    let answer = "{\"session\":{\"a\":1},\"signed_at\":1763692800,\"age\":-1,\
                  \"compressed\":false,\"verified\":false}\n";
    hipflask(&["decode", forged, "--json", "--now", "1763692799"]).assert(0, answer, UNCHECKED);
    let timeless = hipflask(&["decode", "eyJhIjoxfQ.A.", "--json"]);
    assert!(timeless.out.contains("\"signed_at\":null,\"age\":null"), "{}", timeless.out);
    hipflask(&["decode", "eyJhIjoxfQ.A."]).assert_says(0, "{\"a\":1}\n", "no readable time");
    // A time far beyond the year 9999 is shown as it stands there.
    let late = hipflask(&["decode", "e30.__________8.AAAA", "--now", NOW]);
    late.assert_says(0, "{}\n", "signed at 18446744073709551615 in Unix seconds");
}

#[test]
fn decode_refuses_what_is_no_session() {
    let refusals = [
        ("", "malformed"),
        ("eyJhIjoxfQ.aR_RAA", "malformed"),
        ("e.aR_RAA.AAAA", "bad_payload"),
        (".e30.aR_RAA.AAAA", "bad_payload"),
        ("MQ.aR_RAA.AAAA", "bad_payload"),
        ("_w.aR_RAA.AAAA", "bad_payload"),
    ];
    for (cookie, code) in refusals {
        hipflask(&["decode", cookie]).assert_says(1, "", &format!("\n{code}: "));
        let answer = format!("{{\"ok\":false,\"reason\":\"{code}\"}}\n");
        hipflask(&["decode", cookie, "--json"]).assert_says(1, &answer, &format!("\n{code}: "));
    }
}

#[test]
fn secret_prints_a_new_key() {
    let new = |args: &[&str]| {
        let outcome = hipflask(&[&["secret"], args].concat());
        outcome.assert(0, &outcome.out, "");
        outcome.out
    };
    assert_eq!(new(&[]).len(), 43 + 1);
    assert_ne!(new(&[]), new(&[]));
    assert_eq!(new(&["--bytes", "16"]).len(), 22 + 1);
    assert_eq!(new(&["--bytes", "1024"]).len(), 1366 + 1);
    let is_url_safe = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
    assert!(new(&["--bytes", "999"]).trim_end().chars().all(is_url_safe));
    let key = new(&[]);
    assert_eq!(hipflask(&["audit", "--secret-key", key.trim_end()]).status, 0);
}

#[test]
fn wrong_usage_is_status_2() {
    let misuses: [&[&str]; 13] = [
        &[],
        &["unknown"],
        &["verify"],
        &["verify", COOKIE, COOKIE, "--secret-key", "k"],
        &["verify", COOKIE],
        &["verify", COOKIE, "--secret-key", ""],
        &["verify", COOKIE, "--secret-key", "k", "--max-age", "soon"],
        &["verify", COOKIE, "--secret-key", "k", "--now", "soon"],
        &["sign", "{}", "--secret-key", "k", "--now", "-1"],
        &["sign", "{}", "--secret-key", "k", "--digest", "crc32"],
        &["sign", "{}", "--secret-key", "k", "--key-derivation", "HMAC"],
        &["secret", "--bytes", "15"],
        &["secret", "--bytes", "1025"],
    ];
    for args in misuses {
        let outcome = hipflask(args);
        assert_eq!((outcome.status, &*outcome.out), (2, ""), "{args:?}");
        assert!(!outcome.err.is_empty(), "{args:?}");
    }
}

#[test]
fn missing_value_is_called_missing() {
    let words = "a value is required for '--secret-key <KEY>' but none was supplied";
    hipflask(&["verify", COOKIE, "--secret-key"]).assert_says(2, "", words);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_status_2() {
    let open = || std::fs::File::options().write(true).open("/dev/full").expect("it is there");
    for args in [&["secret"][..], &["audit", "--secret-key", STRONG_KEY]] {
        let outcome = outcome(command(args).stdout(open()));
        assert_eq!(outcome.status, 2, "{}", outcome.err);
        assert!(outcome.err.starts_with("error: cannot write to standard output: "));
    }
}

#[cfg(feature = "encryption")]
#[test]
fn encrypted_cookie_is_opened_by_verify_and_named_by_decode() {
    use hipflask_core::{UnixTime, interface::CookieSessions, session::Session, signing::KeyRing};
    let cookies = CookieSessions::new(&KeyRing::new("k")).with_encryption(None);
    let mut session = Session::new();
    session.insert("a", 1).unwrap();
    let now = UnixTime::from_secs(1_763_692_800);
    let cookie = cookies.write(&session, &[7; 12], now).unwrap().unwrap();
    with_k(&["verify", &cookie]).assert_says(0, "{\"a\":1}\n", "verified");
    hipflask(&["decode", &cookie]).assert_says(1, "", "`hipflask verify` opens it with the key");
}
