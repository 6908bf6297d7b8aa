//! Python's literals: texts, bytes, numbers and sums of them, lists, tuples, dicts, `timedelta(…)`.
//!
//! Knows no statements and no settings. What is no literal is none, without a guess. Rules: Python's
//! [lexical analysis](https://docs.python.org/3/reference/lexical_analysis.html).

use hipflask_core::value::{Int, Text, Value};

use super::{escape::unescape, reader::Reader};

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 32;

/// The value of an expression that is known without running it.
#[derive(Debug)]
pub(super) struct Literal(pub(super) Value);

impl Literal {
    /// Reads a whole expression.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut reader = Reader::new(text);
        reader.in_brackets = 1; // line breaks were joined by whoever found the statement
        let value = reader.sum(0)?;
        reader.skip();
        reader.is_at_end().then_some(Self(value))
    }
}

impl Reader<'_> {
    /// `a + b - c`
    fn sum(&mut self, depth: usize) -> Option<Value> {
        let mut sum = self.product(depth)?;
        loop {
            if self.take("+").is_some() {
                sum = added(sum, self.product(depth)?)?;
            } else if self.take("-").is_some() {
                sum = Value::from(number(&sum)? - number(&self.product(depth)?)?).whole(&sum);
            } else {
                return Some(sum);
            }
        }
    }

    /// `a * b`
    fn product(&mut self, depth: usize) -> Option<Value> {
        let mut product = self.atom(depth)?;
        while !self.rest().trim_start().starts_with("**") && self.take("*").is_some() {
            let factor = self.atom(depth)?;
            product = Value::from(number(&product)? * number(&factor)?).whole(&product);
        }
        Some(product)
    }

    fn atom(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip();
        match self.peek()? {
            '-' => {
                self.take("-")?;
                let value = self.atom(depth + 1)?;
                Some(Value::from(-number(&value)?).whole(&value))
            }
            '(' => self.tuple(depth),
            '[' => Some(Value::List(self.items("[", "]", depth)?)),
            '{' => self.dict(depth),
            '0'..='9' | '.' => self.number(),
            _ if self.string_prefix().is_some() => self.strings(),
            _ => self.name(depth),
        }
    }

    fn tuple(&mut self, depth: usize) -> Option<Value> {
        let start = self.at;
        let mut items = self.items("(", ")", depth)?;
        let is_group = items.len() == 1 && {
            let inner = self.text[start..self.at - 1].trim_end();
            !inner.ends_with(',')
        };
        if is_group { items.pop() } else { Some(Value::Tuple(items)) }
    }

    fn items(&mut self, open: &str, close: &str, depth: usize) -> Option<Vec<Value>> {
        self.take(open)?;
        self.in_brackets += 1;
        let mut items = Vec::new();
        while self.take(close).is_none() {
            items.push(self.sum(depth + 1)?);
            if self.take(",").is_none() {
                self.take(close)?;
                break;
            }
        }
        self.in_brackets -= 1;
        Some(items)
    }

    fn dict(&mut self, depth: usize) -> Option<Value> {
        self.take("{")?;
        self.in_brackets += 1;
        let mut entries = Vec::new();
        while self.take("}").is_none() {
            let Value::Str(name) = self.sum(depth + 1)? else { return None };
            self.take(":")?;
            entries.push((name, self.sum(depth + 1)?));
            if self.take(",").is_none() {
                self.take("}")?;
                break;
            }
        }
        self.in_brackets -= 1;
        Some(Value::Dict(entries.into_iter().collect()))
    }

    fn number(&mut self) -> Option<Value> {
        let is_part = |it: char| it.is_ascii_alphanumeric() || it == '.' || it == '_';
        let end = self.rest().find(|it| !is_part(it)).unwrap_or(self.rest().len());
        let text = self.rest()[..end].replace('_', "");
        self.at += end;
        let int = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(Value::from);
        match text.get(..2) {
            Some("0x" | "0X") => int(&text[2..], 16),
            Some("0o" | "0O") => int(&text[2..], 8),
            Some("0b" | "0B") => int(&text[2..], 2),
            _ if text.bytes().all(|it| it.is_ascii_digit()) => int(&text, 10),
            _ => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        }
    }

    /// `True`, `False`, `None`, and `timedelta(days=31)` as seconds.
    fn name(&mut self, depth: usize) -> Option<Value> {
        let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '.';
        let end = self.rest().find(|it| !is_part(it)).unwrap_or(self.rest().len());
        let name = &self.rest()[..end];
        self.at += end;
        match name {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            "timedelta" | "datetime.timedelta" => self.timedelta(depth),
            _ => None,
        }
    }

    fn timedelta(&mut self, depth: usize) -> Option<Value> {
        const UNITS: [(&str, f64); 7] = [
            ("days", 86_400.0),
            ("seconds", 1.0),
            ("microseconds", 1e-6),
            ("milliseconds", 1e-3),
            ("minutes", 60.0),
            ("hours", 3_600.0),
            ("weeks", 604_800.0),
        ];
        self.take("(")?;
        self.in_brackets += 1;
        let mut seconds = 0.0;
        let mut position = 0;
        while self.take(")").is_none() {
            self.skip();
            let end = self.rest().find(|it: char| !it.is_ascii_alphabetic())?;
            let name = &self.rest()[..end];
            let unit = if name.is_empty() {
                position += 1;
                UNITS.get(position - 1)?
            } else {
                self.at += end;
                self.take("=")?;
                UNITS.iter().find(|(known, _)| *known == name)?
            };
            seconds += number(&self.sum(depth + 1)?)? * unit.1;
            if self.take(",").is_none() {
                self.take(")")?;
                break;
            }
        }
        self.in_brackets -= 1;
        Some(Value::from(seconds).whole(&Value::from(0)))
    }

    /// Reads one text or several side by side, which are one.
    fn strings(&mut self) -> Option<Value> {
        let mut bytes = None;
        let mut text = String::new();
        loop {
            let prefix = self.string_prefix()?.to_ascii_lowercase();
            let is_bytes = prefix.contains('b');
            if prefix.contains('f') || *bytes.get_or_insert(is_bytes) != is_bytes {
                return None;
            }
            self.at += prefix.len();
            let raw = self.skip_string()?;
            if prefix.contains('r') {
                text.push_str(raw);
            } else {
                unescape(raw, is_bytes, &mut text)?;
            }
            self.skip();
            if self.string_prefix().is_none() {
                break;
            }
        }
        if bytes == Some(true) {
            let bytes: Option<Vec<u8>> =
                text.chars().map(|it| u8::try_from(u32::from(it)).ok()).collect();
            return bytes.map(Value::Bytes);
        }
        Some(Value::Str(Text::from(text)))
    }
}

/// What numbers have besides.
trait Whole {
    /// Returns a whole number where it is one and `like` was one, as Python does.
    fn whole(self, like: &Value) -> Value;
}

impl Whole for Value {
    fn whole(self, like: &Value) -> Value {
        match (&self, like) {
            (Self::Float(number), Self::Int(_)) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Self::from(*number as i64)
            }
            _ => self,
        }
    }
}

fn added(left: Value, right: Value) -> Option<Value> {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => {
            Some(Value::Str(Text::from(left.into_string()? + &right.into_string()?)))
        }
        (left, right) => Some(Value::from(number(&left)? + number(&right)?).whole(&left)),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Int::as_i64(int).map(|int| int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: impl Into<Option<Value>>) {
        assert_eq!(Literal::of(text).map(|it| it.0), expected.into(), "{text}");
    }

    #[test]
    fn literals_have_pythons_values() {
        let text = |it: &str| Some(Value::from(it));
        check("'a' \"b\" 'c'", text("abc"));
        check(r"'\x41\u00e9\n\'\q\101'", text("A\u{e9}\n'\\qA"));
        check(r"r'\n'", text("\\n"));
        check("'''a'b\n'''", text("a'b\n"));
        check(r"b'\xff\x00k'", Some(Value::Bytes(b"\xff\x00k".to_vec())));
        check("60 * 60 * 24 * 31", Some(Value::from(2_678_400)));
        check("timedelta(days=31)", Some(Value::from(2_678_400)));
        check("datetime.timedelta(1, 30, minutes=1)", Some(Value::from(86_490)));
        check("timedelta(milliseconds=1500)", Some(Value::Float(1.5)));
        check("1_000", Some(Value::from(1000)));
        check("-1.5", Some(Value::Float(-1.5)));
        check("0x10 + 0b1 - 1", Some(Value::from(16)));
        check("('a')", text("a"));
        check("('a',)", Some(Value::Tuple(vec![Value::from("a")])));
        check("['a', # one\n 'b',]", Some(Value::List(vec![Value::from("a"), Value::from("b")])));
        check("None", Some(Value::Null));
        check("{'sha1': '2027-01-31'}", {
            Some(Value::Dict(
                [(Text::from("sha1"), Value::from("2027-01-31"))].into_iter().collect(),
            ))
        });
    }

    #[test]
    fn what_is_computed_is_no_literal() {
        for text in [
            "",
            "f'{x}'",
            "os.environ['X']",
            "x",
            "1 if x else 2",
            "'a' b'b'",
            "'a' 'b",
            "[1, x]",
            "2 ** 40",
            "2 / 3",
            "'a' % 1",
            "timedelta(fortnights=1)",
            "timedelta(1, 2, 3, 4, 5, 6, 7, 8)",
            "1e999",
            "9999999999999999999999",
            "b'\u{e9}'",
            "'\\ud800'",
            "'\\x4",
            "Redis(host='x')",
        ] {
            check(text, None);
        }
        check(&"[".repeat(100_000), None);
        check(&format!("{}1", "-".repeat(100_000)), None);
    }
}
