//! The security sheet: what standards ask of sessions, row by row, and a test for each row that a library
//! can answer for. `COMPLIANCE.md` is made from the table and from what the tests have just said.

mod cookies;
mod ids;
mod signatures;
mod site;
mod table;
mod time;

use std::{fmt::Write, panic, path::Path};

use table::{Proof, ROWS, Row, Share};

use crate::pages;

#[test]
fn sheet_is_up_to_date() {
    let mut sheet =
        String::from("| # | requirement | source | Hipflask | shown by |\n|---|---|---|---|---|\n");
    for (row, number) in ROWS.iter().zip(1..) {
        let Row { requirement, source, share, .. } = row;
        let share = match share {
            Share::App => "the app's own duty",
            Share::Enforced => "enforces",
            Share::Helps => "helps",
            Share::NotYet => "**not yet**",
        };
        let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
        let proofs: Vec<_> = row.proofs.iter().map(shown).collect();
        let proofs = if proofs.is_empty() { "–".into() } else { proofs.join(", ") };
        writeln!(sheet, "| {number} | {requirement} | {source} | {share}{note} | {proofs} |")
            .unwrap();
    }
    let count = |share| ROWS.iter().filter(|row| row.share == share).count();
    writeln!(
        sheet,
        "\n{} rows: {} enforced, {} helped with, {} the app's own duty, {} not yet.",
        ROWS.len(),
        count(Share::Enforced),
        count(Share::Helps),
        count(Share::App),
        count(Share::NotYet)
    )
    .unwrap();
    pages::check("../COMPLIANCE.md", "sheet", &sheet);
}

/// Runs a test of this folder, or finds one that another run has.
fn shown(proof: &Proof) -> String {
    match *proof {
        Proof::Here(name, test) => {
            assert!(panic::catch_unwind(test).is_ok(), "{name} has failed, as said above");
            format!("`{}`", name.rsplit("::").next().unwrap())
        }
        Proof::There(file, name) => {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
            let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("no file {file}"));
            let is_there =
                ["fn ", "def "].iter().any(|word| text.contains(&format!("{word}{name}(")));
            assert!(is_there, "{file} has no test {name}");
            format!("`{name}` in `{file}`")
        }
    }
}

#[test]
fn rows_say_what_they_can_show() {
    assert_eq!(ROWS.len(), 53);
    for (row, number) in ROWS.iter().zip(1..) {
        let promised = matches!(row.share, Share::Enforced | Share::Helps);
        assert_eq!(promised, !row.proofs.is_empty(), "row {number}");
        assert!(row.share == Share::Enforced || !row.note.is_empty(), "row {number} wants a word");
    }
}
