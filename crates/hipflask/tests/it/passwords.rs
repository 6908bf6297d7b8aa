//! Passwords as Werkzeug, Flask-Bcrypt and argon2-cffi have hashed them, and what is too much of them.

use std::{collections::HashMap, num::NonZero};

use hipflask::password::{LongPasswords, PasswordError, Passwords, Scheme};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Row {
    id: u32,
    kind: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    hash: Option<String>,
    #[serde(default)]
    method: String,
    #[serde(default)]
    prehash: bool,
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    error: Option<Value>,
}

/// The rows of a kind, which Werkzeug 3.1 or Flask-Bcrypt 1.0 have written.
fn rows(kind: &str) -> Vec<Row> {
    let all = include_str!("../../../hipflask-core/tests/vectors/extensions.jsonl");
    let rows = all.lines().filter(|line| line.contains(&format!(r#""kind":"{kind}""#)));
    let rows: Vec<Row> = rows.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.kind == kind));
    rows
}

#[test]
fn verify_knows_every_hash_of_werkzeug() {
    let passwords = Passwords::new();
    for Row { id, password, hash, method, error, .. } in rows("password_hash") {
        let Some(hash) = hash else {
            // What Werkzeug hashes by no such method, is not verified by it either.
            assert!(error.is_some());
            passwords.verify(&format!("{method}$salt$00"), &password).unwrap_err();
            continue;
        };
        assert_eq!(passwords.verify(&hash, &password), Ok(true), "{id}");
        assert_eq!(passwords.verify(&hash, &format!("{password}.")), Ok(false), "{id}");
        let shouted = hash.replace(":sha", ":SHA"); // hashlib reads it, and so does Werkzeug
        assert_eq!(passwords.verify(&shouted, &password), Ok(true), "{id}");
    }
}

#[test]
fn verify_has_the_verdicts_of_werkzeug() {
    for Row { id, password, hash, ok, error, .. } in rows("password_check") {
        let found = Passwords::new().verify(&hash.unwrap(), &password);
        match error {
            Some(_) => assert!(found.is_err(), "{id}"),
            None => assert_eq!(found, Ok(ok), "{id}"),
        }
    }
}

#[test]
fn verify_knows_every_hash_of_flask_bcrypt() {
    for Row { id, password, hash, prehash, .. } in rows("bcrypt") {
        let long = if prehash { LongPasswords::Sha256 } else { LongPasswords::Refused };
        let passwords = Passwords::new().with_long_passwords(long);
        let hash = hash.unwrap();
        assert_eq!(passwords.verify(&hash, &password), Ok(true), "{id}");
        assert_eq!(passwords.verify(&hash.replace("$2b$", "$2y$"), &password), Ok(true), "{id}");
        assert_eq!(passwords.verify(&hash, "other"), Ok(false), "{id}");
    }
}

#[test]
fn verify_knows_argon2_cffi() {
    // argon2-cffi 25.1 has written both: 64 KiB, 3 passes, 4 lanes. Argon2i is only read.
    let hash = "$argon2id$v=19$m=64,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$qx6/8kC4GAoThumPIehmV+Ejo7W+6VoyRAkpNDB57mc";
    assert_eq!(Passwords::new().verify(hash, "pässword"), Ok(true));
    assert_eq!(Passwords::new().verify(hash, "password"), Ok(false));
    assert!(Passwords::new().needs_rehash(hash));
    let older = "$argon2i$v=19$m=64,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$LWlNJYFaiNpi++AJahaFPfuud/pDASAGiMHTOzHGGYs";
    assert_eq!(Passwords::new().verify(older, "pässword"), Ok(true));
    let same = Scheme::argon2id(64, 3, 4).unwrap();
    assert!(!Passwords::new().with_scheme(same).needs_rehash(hash));
    assert!(Passwords::new().with_scheme(same).needs_rehash(older));
}

fn cheap(scheme: Scheme) -> Passwords {
    Passwords::new().with_scheme(scheme.insecure_cheap())
}

#[test]
fn hash_writes_what_verify_reads() {
    for (scheme, start, len) in [
        (Scheme::ARGON2ID, "$argon2id$v=19$m=8,t=1,p=1$", 93),
        (Scheme::BCRYPT, "$2b$04$", 60),
        (Scheme::WERKZEUG, "scrypt:2:1:1$", 158),
    ] {
        let passwords = cheap(scheme);
        let hash = passwords.hash("correct horse").unwrap();
        assert!(hash.starts_with(start) && hash.len() == len, "{hash} has {} bytes", hash.len());
        assert_ne!(hash, passwords.hash("correct horse").unwrap(), "the salt is the same");
        assert_eq!(passwords.verify(&hash, "correct horse"), Ok(true));
        assert_eq!(passwords.verify(&hash, "wrong horse"), Ok(false));
        assert!(!passwords.needs_rehash(&hash));
        assert!(Passwords::new().needs_rehash(&hash));
        assert!(Passwords::new().with_scheme(scheme).needs_rehash(&hash), "the cost has changed");
    }
    assert!(Passwords::new().needs_rehash(""));
}

#[test]
fn salts_have_every_letter() {
    let passwords = cheap(Scheme::WERKZEUG);
    let mut counts = HashMap::new();
    for _ in 0..300 {
        let hash = passwords.hash("").unwrap();
        for letter in hash.split('$').nth(1).unwrap().chars() {
            *counts.entry(letter).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.len(), 62);
    assert!(counts.keys().all(char::is_ascii_alphanumeric));
}

#[test]
fn long_passwords_are_as_the_app_says() {
    let (fits, long, longer) = ("a".repeat(72), "a".repeat(73), "a".repeat(72) + "b");
    let refused = cheap(Scheme::BCRYPT);
    let hash = refused.hash(&fits).unwrap();
    assert_eq!(refused.hash(&long), Err(PasswordError::TooLong));
    assert_eq!(refused.verify(&hash, &fits), Ok(true));
    assert_eq!(refused.verify(&hash, &long), Ok(false));

    let truncated = cheap(Scheme::BCRYPT).with_long_passwords(LongPasswords::Truncated);
    let hash = truncated.hash(&long).unwrap();
    assert_eq!(truncated.verify(&hash, &longer), Ok(true));

    let sha256 = cheap(Scheme::BCRYPT).with_long_passwords(LongPasswords::Sha256);
    let hash = sha256.hash(&long).unwrap();
    assert_eq!(sha256.verify(&hash, &long), Ok(true));
    assert_eq!(sha256.verify(&hash, &longer), Ok(false));
    assert_eq!(sha256.verify(&refused.hash("short").unwrap(), "short"), Ok(false));
}

/// Each would take gigabytes or minutes, so that the test would not end.
#[test]
fn verify_refuses_absurd_costs() {
    for hash in [
        "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=65536,t=4294967295,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$2b$31$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW",
        "scrypt:1073741824:8:1$salt$00",
        "scrypt:32768:4294967295:1$salt$00",
        "scrypt:32768:8:4294967295$salt$00",
        "scrypt:32768:4294967295:4294967295$salt$00",
        "scrypt:9223372036854775808:8:1$salt$00",
        "scrypt:32768:0:1$salt$00",
        "scrypt:1:8:1$salt$00",
        "scrypt:32768:8:99999999999999999999$salt$00",
        "pbkdf2:sha256:4294967295$salt$00",
        "pbkdf2:sha256:99999999999999999999$salt$00",
        "pbkdf2:sha256:0$salt$00",
    ] {
        assert_eq!(Passwords::new().verify(hash, "pw"), Err(PasswordError::Cost), "{hash}");
    }
    assert_eq!(Scheme::argon2id(256 * 1024, 5, 1), Err(PasswordError::Cost));
    assert!(Scheme::argon2id(256 * 1024, 4, 1).is_ok());
    assert_eq!(Scheme::argon2id(16, 1, 4), Err(PasswordError::Cost));
    assert_eq!(Scheme::bcrypt(3), Err(PasswordError::Cost));
}

#[test]
fn verify_names_what_is_no_hash() {
    use PasswordError::{Malformed, UnknownMethod};
    for (hash, error) in [
        ("$2b$12$cut.off", Malformed),
        ("$argon2id$v=19$m=8", Malformed),
        ("$argon2id$", Malformed),
        ("$2x$04$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW", UnknownMethod),
        ("pbkdf2:sha256:$salt$00", Malformed),
        ("pbkdf2:sha256:1_000$salt$00", Malformed),
        ("pbkdf2:whirlpool:1$salt$00", UnknownMethod),
        ("scrypt:3:8:1$salt$00", Malformed),
        ("argon2$salt$00", UnknownMethod),
    ] {
        assert_eq!(Passwords::new().verify(hash, "pw"), Err(error), "{hash}");
    }
}

#[test]
fn texts_hold_no_password() {
    let password = "hunter2-the-password";
    let wrong = format!("plain$hunter2${password}");
    let error = Passwords::new().verify(&wrong, password).unwrap_err();
    let error = hipflask::Error::from(error);
    assert_eq!(error.status(), 500);
    let texts = format!("{error} {error:?} {} {:?}", error.body_text(), Passwords::new());
    assert!(!texts.contains("hunter2"), "{texts}");
}

/// No password is right for a user who is not there, and the work is that of the scheme.
#[tokio::test]
async fn unknown_users_cost_a_hash() {
    let passwords = cheap(Scheme::ARGON2ID);
    assert_eq!(passwords.verify_opt(None, ""), Ok(false));
    assert_eq!(passwords.verify_opt(Some(""), ""), Ok(false));
    assert_eq!(passwords.verify_async(None, "correct horse").await, Ok(false));
    // A password that bcrypt refuses costs as much as any other.
    assert_eq!(cheap(Scheme::BCRYPT).verify_opt(None, &"a".repeat(73)), Ok(false));
    let hash = passwords.hash_async("correct horse").await.unwrap();
    assert_eq!(passwords.verify_async(Some(hash), "correct horse").await, Ok(true));
}

/// A flood of log-ins leaves threads for what else the app does beside the runtime.
#[test]
fn a_flood_of_log_ins_takes_no_more_threads_than_its_places() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(2).build();
    runtime.unwrap().block_on(async {
        let passwords = Passwords::new().with_places(NonZero::new(1).unwrap());
        let log_in = || tokio::spawn(verify_nobody(passwords.clone()));
        let mut flood: Vec<_> = (0..8).map(|_| log_in()).collect();
        tokio::task::yield_now().await; // each has asked for its place
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert!(!flood[7].is_finished(), "the app has waited for the whole flood");
        flood.remove(3).abort(); // a visitor who goes away
        for log_in in flood {
            assert_eq!(log_in.await.unwrap(), Ok(false));
        }
    });
}

async fn verify_nobody(passwords: Passwords) -> Result<bool, PasswordError> {
    passwords.verify_async(None, "correct horse").await
}
