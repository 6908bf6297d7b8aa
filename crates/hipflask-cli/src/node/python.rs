//! Flask's configuration files in Python, as far as they assign literals. Nothing is run.
//!
//! Text in, names and values out. What is computed is known by its name only, and what is no assignment is
//! told, because it may change what was assigned. `literal` has the expressions.

use hipflask_core::value::Value;

use super::{literal::Literal, reader::Reader};

/// What a file assigns.
#[derive(Debug, Default)]
pub(super) struct Python {
    /// In the order of the file; of a name that is assigned twice the last counts.
    pub(super) values: Vec<(String, Value)>,
    /// Names whose values are computed, with their lines, and whether the text looks random.
    pub(super) computed: Vec<Computed>,
    /// The lines, counted from one, of other statements.
    pub(super) statements: Vec<usize>,
}

/// A value that is known to the program alone.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Computed {
    pub(super) name: String,
    pub(super) line: usize,
    /// It is made of random bytes, so that each process has another one.
    pub(super) is_random: bool,
}

/// Reads a file.
pub(super) fn read(text: &str) -> Python {
    let mut file = Python::default();
    let mut reader = Reader::new(text.strip_prefix('\u{feff}').unwrap_or(text));
    loop {
        reader.skip_blank_lines();
        if reader.is_at_end() {
            return file;
        }
        let line = reader.line();
        let statement = reader.statement();
        if let Some((name, expression)) = assignment(statement) {
            file.values.retain(|(known, _)| known != name);
            file.computed.retain(|known| known.name != name);
            match Literal::of(expression) {
                Some(Literal(value)) => file.values.push((name.to_owned(), value)),
                None => file.computed.push(Computed {
                    name: name.to_owned(),
                    line,
                    is_random: looks_random(expression),
                }),
            }
        } else if !is_harmless(statement) {
            file.statements.push(line);
        }
    }
}

/// Splits `NAME = …` and `NAME: type = …`.
fn assignment(statement: &str) -> Option<(&str, &str)> {
    let end = statement.find(|it: char| !it.is_alphanumeric() && it != '_')?;
    let (name, rest) = statement.split_at(end);
    if name.is_empty() || name.starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix(':') {
        Some(annotated) => &annotated[annotated.find('=')?..],
        None => rest,
    };
    let expression = rest.strip_prefix('=')?;
    (!expression.starts_with('=')).then(|| (name, expression.trim()))
}

/// Reports whether a statement changes no setting: an import, or a text by itself.
fn is_harmless(statement: &str) -> bool {
    let word = statement.split_whitespace().next().unwrap_or_default();
    ["import", "from", "pass"].contains(&word) || Literal::of(statement).is_some()
}

fn looks_random(expression: &str) -> bool {
    ["urandom", "token_", "uuid4", "uuid1", "random", "generate_secret", "randbytes"]
        .iter()
        .any(|word| expression.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        text: &str,
        values: &[(&str, Value)],
        computed: &[(&str, usize, bool)],
        other: &[usize],
    ) {
        let file = read(text);
        let found: Vec<_> = file.values.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
        assert_eq!(found, values, "{text}");
        let found: Vec<_> =
            file.computed.iter().map(|it| (it.name.as_str(), it.line, it.is_random)).collect();
        assert_eq!(found, computed, "{text}");
        assert_eq!(file.statements, other, "{text}");
    }

    #[test]
    fn assignments_are_read_and_nothing_else() {
        let text = "\"\"\"Settings\nof a node.\"\"\"\nimport os\nfrom datetime import timedelta\n\n\
                    SECRET_KEY = 'k' # comment\nDEBUG: bool = True\nX = os.environ['X']\n\
                    X = [\n  1,  # one\n  'two',\n]\nif DEBUG:\n    X = 2\nSECRET_KEY = os.urandom(24)\n";
        check(
            text,
            &[
                ("DEBUG", Value::Bool(true)),
                ("X", Value::List(vec![Value::from(1), Value::from("two")])),
            ],
            &[("SECRET_KEY", 15, true)],
            &[13],
        );
    }

    #[test]
    fn statements_that_may_change_a_setting_are_told() {
        check("A = 1; B = 2\n", &[], &[("A", 1, false)], &[]);
        check("A += 1\nA['x'] = 1\nA == 1\nprint('A = 1')\n", &[], &[], &[1, 2, 3, 4]);
        check(
            "class Config:\n    A = 1\n\n    B = 2\nC = 3\n",
            &[("C", Value::from(3))],
            &[],
            &[1],
        );
        check(
            "A = (1 +\n 2)\nB = 1 \\\n + 1\n",
            &[("A", Value::from(3)), ("B", Value::from(2))],
            &[],
            &[],
        );
        check("A = '''x\ny = 1\n'''\n", &[("A", Value::from("x\ny = 1\n"))], &[], &[]);
        check("A = 'never closed\nB = 1\n", &[("B", Value::from(1))], &[("A", 1, false)], &[]);
        check("\u{feff}A = 1", &[("A", Value::from(1))], &[], &[]);
        check("", &[], &[], &[]);
    }
}
