//! The texts of the reasons, which operators read: a change shows in the snapshot.

use hipflask::Reason;

#[test]
fn reasons_say_what_to_do() {
    let lines = Reason::ALL.map(|reason| format!("{}: {reason}", reason.code()));
    insta::assert_snapshot!(lines.join("\n"));
}
