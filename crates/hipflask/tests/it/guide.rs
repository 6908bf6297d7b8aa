//! The book's frame: every page is in the table of contents, in rustdoc, and links to what is there.

use std::{collections::BTreeSet, fmt::Write, fs, path::PathBuf};

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn names(extension: &str, folder: PathBuf) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn pages() -> BTreeSet<String> {
    names("md", docs()).into_iter().filter(|name| name != "SUMMARY").collect()
}

#[test]
fn every_page_is_in_the_contents_and_in_rustdoc() {
    let contents = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    let guide = include_str!("../../src/guide.rs");
    let rustdoc = &guide[guide.find("pages! {").unwrap()..];
    for page in pages() {
        assert!(contents.contains(&format!("({page}.md)")), "{page} is not in SUMMARY.md");
        let is_included = rustdoc.split_whitespace().any(|word| word == page);
        assert!(is_included, "{page} is not in guide.rs");
    }
    for link in contents.split('(').skip(1) {
        let file = link.split(')').next().unwrap();
        assert!(docs().join(file).exists(), "SUMMARY.md names {file}, which is not there");
    }
}

fn without_code(text: &str) -> String {
    let text: String = text.split("```").step_by(2).collect();
    text.split('`').step_by(2).collect()
}

/// A link in the text has no address, so that each of the two faces can give it its own.
#[test]
fn links_are_references_to_what_is_there() {
    for page in pages() {
        let text = fs::read_to_string(docs().join(format!("{page}.md"))).unwrap();
        let text = without_code(&text);
        for inline in [".md)", ".svg)", ".png)"] {
            assert!(!text.contains(inline), "{page}: {inline} ends an inline link");
        }
        let (mut defined, mut used) = (BTreeSet::new(), BTreeSet::new());
        for (label, target) in
            text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
        {
            assert!(
                docs().join(target).exists() || target.starts_with("https://"),
                "{page}: {target}"
            );
            defined.insert(label);
        }
        for link in text.split("][").skip(1) {
            used.insert(link.split(']').next().unwrap());
        }
        assert_eq!(defined, used, "{page}: defined, and used");
    }
}

/// What rustdoc is told before each page: pages are modules, and pictures lie in the text itself.
#[test]
fn links_of_rustdoc_are_up_to_date() {
    let mut expected = String::new();
    for page in pages() {
        writeln!(expected, "[{page}]: crate::guide::{page}").unwrap();
    }
    for (extension, kind) in [("png", "image/png"), ("svg", "image/svg+xml")] {
        for name in names(extension, docs().join("img")) {
            let bytes = fs::read(docs().join(format!("img/{name}.{extension}"))).unwrap();
            let data = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
            writeln!(expected, "[img-{name}]: data:{kind};base64,{data}").unwrap();
        }
    }
    expected.push('\n');
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/guide_links.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(found == expected, "UPDATE_DOCS=1 cargo test -p hipflask --test it guide");
}
