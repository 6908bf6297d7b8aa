//! Items from standard input, one a line.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::Stdio,
};

use crate::run::{COOKIE, NOW, STRONG_KEY, command, hipflask, with_input};

fn batch(verb: &str, args: &[&str], input: &[u8]) -> crate::run::Outcome {
    let keys: &[&str] = if verb == "decode" { &[] } else { &["--secret-key", STRONG_KEY] };
    with_input(&[&[verb, "-", "--now", NOW], args, keys].concat(), input)
}

/// The cookie of `{"a":1}` under the strong key.
fn cookie() -> String {
    let args = ["sign", r#"{"a":1}"#, "--secret-key", STRONG_KEY, "--now", NOW];
    hipflask(&args).out.trim_end().to_owned()
}

#[test]
fn verify_answers_each_line() {
    let cookie = cookie();
    let input = format!("{cookie}\r\n\n{COOKIE}\nx\n{cookie}");
    let errors = "line 2: malformed\nline 3: bad_signature\nline 4: malformed\n";
    let output = "{\"a\":1}\n\n\n\n{\"a\":1}\n";
    batch("verify", &[], input.as_bytes()).assert(1, output, errors);

    let output = "{\"ok\":true,\"session\":{\"a\":1},\"signed_at\":1763692800,\"age\":0,\"key\":0,\
                  \"compressed\":false}\n{\"ok\":false,\"reason\":\"bad_signature\"}\n";
    let input = format!("{cookie}\n{COOKIE}\n");
    batch("verify", &["--json"], input.as_bytes()).assert(1, output, "");
}

#[test]
fn verify_takes_bytes_as_they_are() {
    // Two foreign bytes leave a signature valid, as in Python.
    let input = [cookie().as_bytes(), b"\xc3\xa9\n\xff\n"].concat();
    batch("verify", &[], &input).assert(1, "{\"a\":1}\n\n", "line 2: malformed\n");
}

#[test]
fn sign_answers_each_line() {
    let cookie = cookie();
    let input = b"{\"a\":1}\n[]\n\n{\"a\":\"\xff\"}\n{\"a\":1}\n";
    let errors = "line 2: bad_payload\nline 3: bad_payload\nline 4: bad_payload\n";
    batch("sign", &[], input).assert(1, &format!("{cookie}\n\n\n\n{cookie}\n"), errors);
    let output = format!("{{\"ok\":true,\"cookie\":\"{cookie}\"}}\n");
    batch("sign", &["--json"], b"{\"a\":1}\n").assert(0, &output, "");
}

#[test]
fn decode_answers_each_line() {
    let warning = "warning: the signature is not checked, so anybody may have written what \
                   follows\n";
    let input = format!("{COOKIE}\nx\n");
    let errors = format!("{warning}line 2: malformed\n");
    batch("decode", &[], input.as_bytes()).assert(1, "{\"a\":1}\n\n", &errors);
}

#[test]
fn empty_input_is_no_refusal() {
    batch("verify", &[], b"").assert(0, "", "");
}

#[test]
fn line_beyond_the_limit_is_refused_and_the_next_is_read() {
    let input = [&vec![b'x'; 5 << 20][..], b"\n", cookie().as_bytes()].concat();
    batch("verify", &[], &input).assert(1, "\n{\"a\":1}\n", "line 1: too_large\n");
}

#[test]
fn weak_key_is_named_once() {
    let input = format!("{COOKIE}\n").repeat(3);
    let args = ["verify", "-", "--secret-key", "k", "--now", NOW];
    let outcome = with_input(&args, input.as_bytes());
    outcome.assert(0, &"{\"a\":1}\n".repeat(3), crate::run::WEAK);
}

#[test]
fn answers_do_not_wait_for_the_end_of_the_input() {
    let mut child = command(&["verify", "-", "--now", NOW, "--secret-key", STRONG_KEY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    for _ in 0..3 {
        writeln!(stdin, "{}", cookie()).expect("the command reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the command answers");
        assert_eq!(line, "{\"a\":1}\n");
    }
    drop(stdin);
    assert!(child.wait().expect("the command ends").success());
}

#[test]
fn reader_that_goes_away_is_no_panic() {
    let mut child = command(&["verify", "-", "--now", NOW, "--secret-key", STRONG_KEY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("it is piped");
    let line = format!("{}\n", cookie());
    // At some point the command is gone too, and this write fails.
    let _ = (0..100_000).try_for_each(|_| stdin.write_all(line.as_bytes()));
    drop(stdin);
    let mut errors = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut errors).expect("it is UTF-8");
    assert_eq!(errors, "");
    assert_eq!(child.wait().expect("the command ends").code(), Some(141));
}
