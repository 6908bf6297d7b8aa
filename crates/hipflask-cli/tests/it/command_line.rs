//! The page of the book, whose help texts are part of the contract; completions and manual pages.

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::run::{command, hipflask, outcome};

const PAGE: &str = "../../docs/command_line.md";
const DOCTOR: &str = "../../docs/doctor.md";
const FROM: &str = " writes what each command says with --help. -->\n";
const TO: &str = "<!-- To here. -->\n";

#[track_caller]
fn shown(args: &[&str]) -> String {
    let outcome = hipflask(args);
    assert_eq!((outcome.status, &*outcome.err), (0, ""));
    outcome.out
}

/// The verbs, as the help lists them.
fn verbs() -> Vec<String> {
    let verbs = verbs_below(&[]);
    assert!(verbs.len() > 5, "{verbs:?}");
    verbs
}

/// The verbs of a verb.
fn verbs_below(verb: &[&str]) -> Vec<String> {
    let help = shown(&[verb, &["--help"]].concat());
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs = lines.map_while(|line| line.split_whitespace().next());
    verbs.filter(|verb| *verb != "help").map(str::to_owned).collect()
}

fn page(page: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).expect("the page is there");
    (path, text)
}

#[test]
fn page_shows_the_help_of_each_verb() {
    let mut expected = format!("\n```text\n{}```\n", shown(&["--help"]));
    for verb in verbs() {
        let help = shown(&[&verb, "--help"]);
        write!(expected, "\n### hipflask {verb}\n\n```text\n{help}```\n").unwrap();
        for below in verbs_below(&[&verb]) {
            let help = shown(&[&verb, &below, "--help"]);
            write!(expected, "\n#### hipflask {verb} {below}\n\n```text\n{help}```\n").unwrap();
        }
    }
    let (path, page) = page(PAGE);
    let (before, rest) = page.split_once(FROM).unwrap();
    let (made, after) = rest.split_once(TO).unwrap();
    let expected = format!("{expected}\n");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{FROM}{expected}{TO}{after}")).unwrap();
    } else {
        assert_eq!(made, expected, "UPDATE_DOCS=1 writes {PAGE} again");
    }
}

/// Runs what follows each `$`, and returns the page as it then would be.
fn with_answers(page: &str, folder: &Path) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_hipflask")).parent().expect("a folder").to_owned();
    let others = env::var_os("PATH").expect("there is a PATH");
    let path = env::join_paths([bin].into_iter().chain(env::split_paths(&others)));
    let path = path.expect("no path has a colon");
    let (mut answered, mut in_console) = (String::new(), false);
    for line in page.lines() {
        in_console = if in_console { line != "```" } else { line == "```console" };
        let typed = line.strip_prefix("$ ").filter(|_| in_console);
        if !in_console || typed.is_some() || line == "```console" {
            answered.extend([line, "\n"]);
        }
        if let Some(typed) = typed {
            let mut shell = Command::new("sh");
            let run = shell.args(["-c", typed]).current_dir(folder).env("PATH", &path);
            answered.push_str(&outcome(run).out);
        }
    }
    answered
}

#[test]
fn examples_of_the_page_run() {
    let (_, page) = page(PAGE);
    let folder = tempfile::tempdir().unwrap();
    let answered = with_answers(&page, folder.path());
    for made in ["hipflask.bash", "hipflask.1"] {
        assert!(fs::metadata(folder.path().join(made)).unwrap().len() > 1000, "{made}");
    }
    assert_eq!(answered, page);
}

#[test]
fn walk_through_of_the_doctor_runs() {
    let (path, page) = page(DOCTOR);
    let folder = tempfile::tempdir().unwrap();
    let answered = with_answers(&page, folder.path());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, answered).unwrap();
    } else {
        assert_eq!(answered, page, "UPDATE_DOCS=1 writes {DOCTOR} again");
    }
}

#[test]
fn completions_know_every_verb_and_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = shown(&["completions", shell]);
        for word in verbs().iter().map(String::as_str).chain(["secret-key-file", "max-age"]) {
            assert!(script.contains(word), "{word} is not in the completions of {shell}");
        }
    }
}

#[test]
fn completions_of_an_unknown_shell_are_wrong_usage() {
    hipflask(&["completions", "tcsh"]).assert_says(2, "", "possible values: bash, elvish");
}

#[test]
fn manual_has_a_page_for_each_verb() {
    let whole = shown(&["man"]);
    for verb in verbs() {
        assert!(whole.contains(&format!("hipflask\\-{verb}(1)")), "{verb}: {whole}");
        let page = shown(&["man", &verb]);
        assert!(page.contains(&format!(".TH hipflask-{verb} 1")), "{page}");
        assert!(page.contains(".SH OPTIONS"), "{page}");
    }
}

#[test]
fn manual_page_of_no_verb_is_refused() {
    let words = "no such command: expected one of secret, decode,";
    hipflask(&["man", "nonsense"]).assert_says(2, "", words);
}

#[test]
fn help_shows_no_key_of_the_environment() {
    let mut run = command(&["verify", "--help"]);
    let shown_with = outcome(run.env("FLASK_SECRET_KEY", "hunter2-hunter2"));
    assert_eq!(shown_with.out, shown(&["verify", "--help"]));
}

#[test]
fn version_is_that_of_the_package() {
    let version = format!("hipflask {}\n", env!("CARGO_PKG_VERSION"));
    hipflask(&["--version"]).assert(0, &version, "");
}
