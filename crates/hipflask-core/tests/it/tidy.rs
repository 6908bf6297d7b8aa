//! Keeps the shape of the workspace: the one-way flow of the core, its dependencies, its files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

/// The modules of the core. Each may use those before it, and itself.
const FLOW: [&str; 17] = [
    "unix_time",
    "reason",
    "http_date",
    "encoding",
    "cookie",
    "signing",
    "value",
    "serializer",
    "token",
    "record",
    "session",
    "flash",
    "store",
    "interface",
    "engine",
    "server_side",
    "visit",
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
    let mut seen = BTreeSet::new();
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let position = |name: &str| {
            let position = FLOW.iter().position(|module| *module == name);
            position.unwrap_or_else(|| panic!("{name} has no place in the flow"))
        };
        seen.insert(FLOW[position(module)]);
        let code = code_of(&file);
        for used in used_modules(&code) {
            assert!(position(&used) <= position(module), "{module} uses {used}, which comes later");
        }
        for word in IMPURE {
            assert!(!code.contains(word), "{} uses {word}", inside.display());
        }
        let is_top = inside.components().count() == 1 || inside.ends_with("mod.rs");
        let way_out = if is_top { "super::" } else { "super::super::" };
        assert!(!code.contains(way_out), "{} leaves its module by `super`", inside.display());
    }
    assert_eq!(seen, BTreeSet::from(FLOW));
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

/// The first names behind each `crate::`, a list in braces included.
fn used_modules(code: &str) -> Vec<String> {
    let name = |path: &str| {
        let is_name = |char: &char| char.is_alphanumeric() || *char == '_';
        let mut name = String::new();
        for char in path.trim().chars().take_while(is_name) {
            // A type at the root of the crate is named like its module.
            if char.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(char.to_lowercase());
        }
        name
    };
    let mut modules = Vec::new();
    for (at, found) in code.match_indices("crate::") {
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
    let code = "use crate::{\n    a::{self, X},\n    b,\n};\nuse crate::c::Y;\ncrate::d::z();\nuse crate::EEvent;";
    assert_eq!(used_modules(code), ["a", "b", "c", "d", "e_event"]);
}
