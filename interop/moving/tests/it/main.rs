//! The programs say what they lack; `interop/test_moving.py` tests what they do. That there is a test
//! makes `cargo test` build them.

use std::process::Command;

#[test]
fn programs_ask_for_the_key() {
    for program in [
        env!("CARGO_BIN_EXE_moving-read"),
        env!("CARGO_BIN_EXE_moving-write"),
        env!("CARGO_BIN_EXE_moving-redis"),
    ] {
        let output = Command::new(program).env_clear().output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("FLASK_SECRET_KEY"), "{program}: {said}");
    }
}
