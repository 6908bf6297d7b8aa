//! The texts of the reasons, which operators read: a change shows in the snapshot and in the book.

use std::fmt::Write;

use hipflask::Reason;

use crate::pages;

#[test]
fn reasons_say_what_to_do() {
    let lines = Reason::ALL.map(|reason| format!("{}: {reason}", reason.code()));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_is_refused_has_a_remedy() {
    for reason in Reason::ALL {
        assert!(!reason.is_refusal() || !reason.remedy().is_empty(), "{}", reason.code());
    }
}

#[test]
fn page_of_reasons_is_up_to_date() {
    let mut table =
        String::from("| code | what happened | usual cause | what to do |\n|---|---|---|---|\n");
    for reason in Reason::ALL {
        let text = reason.to_string();
        let (what, cause) = text.split_once(": ").unwrap_or((&text, "–"));
        let remedy = Some(reason.remedy()).filter(|text| !text.is_empty()).unwrap_or("–");
        writeln!(table, "| `{}` | {what} | {cause} | {remedy} |", reason.code()).unwrap();
    }
    pages::check("reasons.md", "reasons", &table);
}
