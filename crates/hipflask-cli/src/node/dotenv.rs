//! `.env` files, as python-dotenv reads them, which is what Flask loads them with.
//!
//! Text in, names and values out. The rules that differ from a shell's: `${NAME}` is replaced in every kind
//! of quotes and `$NAME` in none; what is no assignment is skipped. [Its documentation][py] has the grammar.
//!
//! [py]: https://saurabh-kumar.com/python-dotenv/#file-format

use std::collections::BTreeMap;

/// What a file says.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Dotenv {
    /// In the order of the file; of a name that stands there twice the last counts.
    pub(super) values: Vec<(String, String)>,
    /// The lines, counted from one, that are no assignment.
    pub(super) skipped: Vec<usize>,
    /// The lines that are empty but for a comment, which python-dotenv before 1.2.4 takes for the value.
    pub(super) comments: Vec<usize>,
}

/// Reads a file; `env` gives what is not set in the file itself.
pub(super) fn read(text: &str, env: impl Fn(&str) -> Option<String>) -> Dotenv {
    let mut file = Dotenv::default();
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (found, after) = binding(rest);
        let n_breaks = rest[..rest.len() - after.len()].matches('\n').count();
        match found {
            Binding::Nothing => {}
            Binding::Skipped => file.skipped.push(line),
            Binding::Value(name, value) => {
                if value.is_empty() && rest[..rest.len() - after.len()].contains('#') {
                    file.comments.push(line);
                }
                // The environment wins over the file, unless whoever loads it says otherwise.
                let lookup = |name: &str| env(name).or_else(|| values.get(name).cloned());
                let value = replaced(&value, lookup);
                values.insert(name.clone(), value.clone());
                file.values.retain(|(known, _)| *known != name);
                file.values.push((name, value));
            }
        }
        line += n_breaks;
        rest = after;
    }
    file
}

enum Binding {
    Nothing,
    Skipped,
    Value(String, String),
}

/// Reads one assignment, which may span lines, and returns what follows its line.
fn binding(text: &str) -> (Binding, &str) {
    let start = text.trim_start_matches(|it: char| it.is_whitespace());
    if start.is_empty() || start.starts_with('#') {
        return (Binding::Nothing, next_line(start));
    }
    assignment(start).unwrap_or((Binding::Skipped, next_line(start)))
}

fn assignment(text: &str) -> Option<(Binding, &str)> {
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with(is_blank) => rest.trim_start_matches(is_blank),
        _ => text,
    };
    let (name, rest) = match text.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'')?,
        None => text.split_at(text.find(|it: char| "=#".contains(it) || it.is_whitespace())?),
    };
    // A name alone sets nothing.
    let Some(rest) = rest.trim_start_matches(is_blank).strip_prefix('=') else {
        let is_alone = after_value(rest).is_some();
        return is_alone.then(|| (Binding::Nothing, next_line(rest)));
    };
    let trimmed = rest.trim_start_matches(is_blank);
    let is_apart = trimmed.len() < rest.len();
    let rest = trimmed;
    let (value, rest) = match rest.chars().next() {
        // `NAME= # comment`, and not `NAME=#value`.
        Some('#') if is_apart => (String::new(), next_line(rest)),
        Some(quote @ ('\'' | '"')) => {
            let (value, rest) = quoted(&rest[1..], quote)?;
            (value, after_value(rest)?)
        }
        _ => {
            let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
            (bare(&rest[..end]).to_owned(), next_line(&rest[end..]))
        }
    };
    (!name.is_empty()).then(|| (Binding::Value(name.to_owned(), value), rest))
}

/// Returns what follows the line, on which there may only be a comment.
fn after_value(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(is_blank);
    let is_end = rest.is_empty() || rest.starts_with(['#', '\r', '\n']);
    is_end.then(|| next_line(rest))
}

fn next_line(text: &str) -> &str {
    text.find('\n').map_or("", |end| &text[end + 1..])
}

const fn is_blank(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\u{b}' | '\u{c}' | '\u{a0}')
}

/// Leaves out a comment, which a blank sets apart from the value, and blanks at the end.
fn bare(line: &str) -> &str {
    let is_start = |(at, _): &(usize, &str)| line[..*at].ends_with(|it: char| it.is_whitespace());
    let comment = line.match_indices('#').find(is_start);
    let value = comment.map_or(line, |(at, _)| &line[..at]);
    value.trim_end()
}

/// Reads up to the closing quote.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, it)) = chars.next() {
        match it {
            '\\' => {
                let (_, escaped) = chars.next()?;
                match unescaped(escaped, quote) {
                    Some(it) => value.push(it),
                    None => value.extend(['\\', escaped]),
                }
            }
            _ if it == quote => return Some((value, &text[at + 1..])),
            _ => value.push(it),
        }
    }
    None
}

const fn unescaped(it: char, quote: char) -> Option<char> {
    Some(match (it, quote) {
        ('\\' | '\'', _) => it,
        ('"', '"') => '"',
        ('a', '"') => '\u{7}',
        ('b', '"') => '\u{8}',
        ('f', '"') => '\u{c}',
        ('n', '"') => '\n',
        ('r', '"') => '\r',
        ('t', '"') => '\t',
        ('v', '"') => '\u{b}',
        _ => return None,
    })
}

/// Puts values in the place of `${NAME}` and `${NAME:-default}`.
fn replaced(value: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut made = String::new();
    let mut rest = value;
    while let Some(start) = rest.find("${") {
        let Some(len) = rest[start..].find('}') else { break };
        let inner = &rest[start + 2..start + len];
        let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
        made.push_str(&rest[..start]);
        if name.contains([':', '}']) {
            made.push_str(&rest[start..=start + len]);
        } else {
            made.push_str(&lookup(name).unwrap_or_else(|| default.to_owned()));
        }
        rest = &rest[start + len + 1..];
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What python-dotenv 1.2.4 makes of the same text; `interop/test_check.py` compares more.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)], skipped: &[usize]) {
        let file = read(text, |name| (name == "HOME").then(|| "/root".to_owned()));
        let found: Vec<_> = file.values.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(file.skipped, skipped, "{text}");
    }

    #[test]
    fn assignments_are_read_as_python_dotenv_reads_them() {
        check(
            "A=1\nB = two words \r\nexport C=3\n",
            &[("A", "1"), ("B", "two words"), ("C", "3")],
            &[],
        );
        check(
            "A=a#b\nB=a #b\nC=#b\nD= # b\n",
            &[("A", "a#b"), ("B", "a"), ("C", "#b"), ("D", "")],
            &[],
        );
        check("A='a\\'b\\n' # c\nB=\"a\\n\\\"\"\n", &[("A", "a'b\\n"), ("B", "a\n\"")], &[]);
        check("A='x\ny'\nB=1", &[("A", "x\ny"), ("B", "1")], &[]);
        check("A=1\nA=2\n", &[("A", "2")], &[]);
        check("# c\n\n  \nA\nB=\n'C'=1\n", &[("B", ""), ("C", "1")], &[]);
        check("\u{feff}A=1", &[("A", "1")], &[]);
        check("", &[], &[]);
    }

    #[test]
    fn only_braces_are_replaced() {
        check("A=1\nB=$A-${A}\nC='${A}'\n", &[("A", "1"), ("B", "$A-1"), ("C", "1")], &[]);
        check("B=${X}-${X:-y}-${HOME}\n", &[("B", "-y-/root")], &[]);
        check("B=${X:y}${\n", &[("B", "${X:y}${")], &[]);
    }

    #[test]
    fn what_is_no_assignment_is_skipped() {
        check("A=1\nnonsense here\n=2\nB='open\nC=3\n", &[("A", "1"), ("C", "3")], &[2, 3, 4]);
        check("A='x' y\nB=1", &[("B", "1")], &[1]);
    }
}
