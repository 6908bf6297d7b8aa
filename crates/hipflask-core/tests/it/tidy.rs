//! Keeps the shape of the workspace: the one-way flow of the core, its dependencies, its files.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

/// The modules of the core. Each may use those before it, and itself.
const FLOW: &[&str] = &[
    "unix_time",
    "reason",
    "calendar",
    "http_date",
    "encoding",
    "deflate",
    "cookie",
    "signing",
    "value",
    "serializer",
    "token",
    "record",
    "session",
    "csrf",
    "flash",
    "auth",
    "store",
    "recent",
    "interface",
    "engine",
    "listing",
    "stored",
    "revocation",
    "visit",
];

/// The modules of the facade, in the same way.
const FACADE: &[&str] = &[
    "sync",
    "line",
    "pace",
    "password",
    "config",
    "store",
    "rejection",
    "save_error",
    "saving",
    "error",
    "report",
    "spans",
    "live",
    "waking",
    "interface",
    "watch",
    "request",
    "pending",
    "session",
    "revoking",
    "respond",
    "layer",
    "shadow",
    "extract",
    "auth",
    "csrf",
    "dbsc",
    "templates",
    "testing",
    "guide",
];

/// The modules of the demo, in the same way.
const DEMO: &[&str] = &[
    "time", "private", "redirect", "indent", "form", "key", "sessions", "database", "users",
    "view", "site", "error", "guard", "page", "routes", "listen", "admin", "main",
];

/// What the core must not depend on: the network, a runtime, randomness.
const FOREIGN: [&str; 9] =
    ["async-std", "axum", "getrandom", "http", "hyper", "mio", "rand", "tokio", "tower"];

/// What the core must not reach for in the standard library: clock, files, environment, network.
const IMPURE: [&str; 6] =
    ["SystemTime", "Instant::", "std::fs", "std::env", "std::net", "std::process"];

const MAX_CODE_LINES: usize = 300;

#[test]
fn core_modules_use_only_what_comes_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    check_order(&src, FLOW);
    for file in rust_files(&src) {
        let (inside, code) = (file.strip_prefix(&src).unwrap(), code_of(&file));
        for word in IMPURE {
            assert!(!code.contains(word), "{} uses {word}", inside.display());
        }
        let is_top = inside.components().count() == 1 || inside.ends_with("mod.rs");
        let way_out = if is_top { "super::" } else { "super::super::" };
        assert!(!code.contains(way_out), "{} leaves its module by `super`", inside.display());
    }
}

#[test]
fn facade_modules_use_only_what_comes_before_them() {
    check_order(&facade(), FACADE);
}

#[test]
fn demo_modules_use_only_what_comes_before_them() {
    check_order(&demo(), DEMO);
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/src")
}

fn facade() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hipflask/src")
}

/// Confirms that no module in the folder `src` uses one that comes later.
#[track_caller]
fn check_order(src: &Path, order: &[&str]) {
    let exported = exported_by(&code_of(&src.join("lib.rs")));
    let position = |name: &str| {
        let position = order.iter().position(|module| *module == name);
        position.unwrap_or_else(|| panic!("{name} has no place in the order"))
    };
    let (mut seen, mut backwards) = (BTreeSet::new(), BTreeSet::new());
    for file in rust_files(src) {
        let inside = file.strip_prefix(src).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let module = order[position(module)];
        seen.insert(module);
        for name in used_modules(&code_of(&file), "crate::") {
            let owner = exported.get(&name).filter(|_| !order.contains(&&*name));
            let used = order[position(owner.unwrap_or(&name))];
            if position(used) > position(module) {
                backwards.insert((module, used));
            }
        }
    }
    assert_eq!(backwards, BTreeSet::new(), "(who, uses what comes later)");
    assert_eq!(seen, order.iter().copied().collect());
}

/// What is defined in a `mod.rs` belongs to all files of its folder.
#[test]
fn files_of_a_module_form_no_circle() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut circles = Vec::new();
    for src in [core, facade(), demo()] {
        for file in rust_files(&src).iter().filter(|file| file.ends_with("mod.rs")) {
            let folder = file.parent().unwrap();
            if has_circle(uses_between(folder)) {
                circles.push(folder.strip_prefix(&src).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(circles, [""; 0], "files use each other in a circle");
}

/// Which file or folder in `folder` uses which others.
fn uses_between(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let exported = exported_by(&code_of(&folder.join("mod.rs")));
    let part_of = |file: &Path| {
        let inside = file.strip_prefix(folder).unwrap();
        inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    let files: Vec<_> =
        rust_files(folder).into_iter().filter(|file| part_of(file) != "mod").collect();
    let parts: BTreeSet<_> = files.iter().map(|file| part_of(file)).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &files {
        let part = part_of(file);
        let depth = file.strip_prefix(folder).unwrap().components().count();
        let depth = if file.ends_with("mod.rs") { depth - 1 } else { depth };
        for name in used_modules(&code_of(file), &"super::".repeat(depth)) {
            let used = exported.get(&name).filter(|_| !parts.contains(&name)).unwrap_or(&name);
            if *used != part && parts.contains(used) {
                uses.entry(part.clone()).or_default().insert(used.clone());
            }
        }
    }
    uses
}

/// Takes away what uses nothing that is left, until no more goes.
fn has_circle(mut uses: BTreeMap<String, BTreeSet<String>>) -> bool {
    loop {
        let before = uses.len();
        let users: BTreeSet<_> = uses.keys().cloned().collect();
        uses.retain(|_, used| used.iter().any(|name| users.contains(name)));
        if uses.len() == before {
            return before > 0;
        }
    }
}

/// Which names the `use` lines of a `mod.rs` or `lib.rs` bring from which of its modules.
fn exported_by(code: &str) -> BTreeMap<String, String> {
    let mut exported = BTreeMap::new();
    for line in code.split("use ").skip(1) {
        let Some((module, names)) =
            line.split_once(';').and_then(|(path, _)| path.split_once("::"))
        else {
            continue;
        };
        let is_name = |char: char| char.is_alphanumeric() || char == '_';
        for name in names.split(|char| !is_name(char)).filter(|name| !name.is_empty()) {
            exported.insert(name.to_owned(), module.to_owned());
        }
    }
    exported
}

#[test]
fn core_depends_on_neither_network_nor_runtime_nor_randomness() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", "hipflask-core", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("hipflask-core") && names.contains("serde"), "no tree: {tree}");
    let foreign: Vec<_> = FOREIGN.iter().filter(|name| names.contains(*name)).collect();
    assert!(foreign.is_empty(), "the core depends on {foreign:?}");
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let mut faults = Vec::new();
    for file in rust_files(&crates) {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&crates).unwrap().display().to_string();
        if !text.starts_with("//! ") {
            faults.push(format!("{name} does not start with what it is, as `//!`"));
        }
        let n_lines = code_of(&file).lines().count();
        let is_test = file.components().any(|folder| folder.as_os_str() == "tests");
        if n_lines > MAX_CODE_LINES && !is_test {
            faults.push(format!("{name} has {n_lines} lines of code: split it"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// All Rust files below a folder, in order; build results are none of ours.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                files.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    assert!(!files.is_empty() || !folder.ends_with("src"), "no files in {}", folder.display());
    files.sort();
    files
}

/// The lines that are neither blank nor comment nor unit test.
fn code_of(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    code.lines().filter(is_code).map(|line| format!("{line}\n")).collect()
}

/// The first names behind each `root`, such as `crate::`, a list in braces included.
fn used_modules(code: &str, root: &str) -> Vec<String> {
    let name = |path: &str| -> String {
        path.trim().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
    };
    let mut modules = Vec::new();
    for (at, found) in code.match_indices(root) {
        // `pub(super)` has no colons, but `super::super::` ends with `super::`.
        if code[..at].ends_with("::") {
            continue;
        }
        let rest = &code[at + found.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            modules.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut ends = list.split_inclusive(|char| {
            match char {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            depth < 0 || (depth == 0 && char == ',')
        });
        for item in ends.by_ref() {
            modules.push(name(item));
            if item.ends_with('}') && item.matches('}').count() > item.matches('{').count() {
                break;
            }
        }
    }
    modules.retain(|module| !module.is_empty());
    modules
}

#[test]
fn used_modules_are_found_in_every_spelling() {
    let code = "use crate::{\n    a::{self, X},\n    b,\n};\nuse crate::c::Y;\ncrate::d::z();";
    assert_eq!(used_modules(code, "crate::"), ["a", "b", "c", "d"]);
}
