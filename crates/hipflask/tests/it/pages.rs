//! Pages of the book, of which parts are made from code: `UPDATE_DOCS=1` writes them again.

use std::{fs, path::Path};

/// Checks, or writes, what stands between the two comments of a part.
#[track_caller]
pub(crate) fn check(page: &str, part: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find(&format!("<!-- {part}: ")).unwrap();
    let start = start + text[start..].find("-->\n").unwrap() + "-->\n".len();
    let end = text.find(&format!("<!-- end of {part} -->")).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(&path, [&text[..start], expected, &text[end..]].concat()).unwrap();
    }
    assert_eq!(&text[start..end], expected, "UPDATE_DOCS=1 writes docs/{page} again");
}
