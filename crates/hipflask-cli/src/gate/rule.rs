//! What a session must hold: `user_id`, `role in admin,staff` → a rule, and whether a session keeps it.
//!
//! Knows values and nothing of requests. Whatever cannot be compared does not keep a rule.

use std::str::FromStr;

use hipflask_core::value::Value;

/// One expression of `--require`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Rule {
    pub(super) key: String,
    test: Test,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Test {
    /// The key is there, and Python takes its value for true.
    True,
    Is(String),
    IsNot(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Order(Order, Number),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    AtLeast,
    AtMost,
    Less,
    More,
}

/// A finite number, so that equality is what one thinks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number(f64);

impl Eq for Number {}

/// What is missing in a text that is no rule.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum RuleError {
    #[error(
        "expected a key of the session, such as `user_id`, or a comparison, such as `role in admin,staff`"
    )]
    Key,
    #[error("expected ==, !=, <, <=, >, >=, `in` or `not in` behind `{key}`")]
    Operator { key: String },
    #[error("expected a value behind the comparison of `{key}`")]
    Value { key: String },
    #[error("expected a number behind the comparison of `{key}`")]
    Number { key: String },
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let is_end = |char: char| char.is_whitespace() || matches!(char, '=' | '!' | '<' | '>');
        let (key, rest) = text.split_at(text.find(is_end).unwrap_or(text.len()));
        let (key, rest) = (key.to_owned(), rest.trim_start());
        if key.is_empty() {
            return Err(RuleError::Key);
        }
        if rest.is_empty() {
            return Ok(Self { key, test: Test::True });
        }
        let Some((operator, operand)) = operator(rest) else {
            return Err(RuleError::Operator { key });
        };
        let operand = operand.trim();
        if operand.is_empty() {
            return Err(RuleError::Value { key });
        }
        let order = |order| match operand.parse() {
            Ok(number) if f64::is_finite(number) => Ok(Test::Order(order, Number(number))),
            _ => Err(RuleError::Number { key: key.clone() }),
        };
        let test = match operator {
            "==" => Test::Is(unquoted(operand)),
            "!=" => Test::IsNot(unquoted(operand)),
            "in" => Test::In(operand.split(',').map(unquoted).collect()),
            "not in" => Test::NotIn(operand.split(',').map(unquoted).collect()),
            "<=" => order(Order::AtMost)?,
            ">=" => order(Order::AtLeast)?,
            "<" => order(Order::Less)?,
            _ => order(Order::More)?,
        };
        Ok(Self { key, test })
    }
}

/// Splits off the operator at the start.
fn operator(text: &str) -> Option<(&'static str, &str)> {
    for symbol in ["==", "!=", "<=", ">=", "<", ">"] {
        if let Some(rest) = text.strip_prefix(symbol) {
            return Some((symbol, rest)).filter(|_| !rest.starts_with(['=', '<', '>', '!']));
        }
    }
    let word = |text: &'_ str| text.find(char::is_whitespace).unwrap_or(text.len());
    let (first, rest) = text.split_at(word(text));
    if first == "in" {
        return Some(("in", rest));
    }
    let rest = rest.trim_start();
    let (second, rest) = rest.split_at(word(rest));
    (first == "not" && second == "in").then_some(("not in", rest))
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text).to_owned()
}

impl Rule {
    /// Reports whether it only asks for a key.
    pub(super) fn is_key(&self) -> bool {
        self.test == Test::True
    }

    /// Reports whether a session with this value under the rule's key keeps the rule.
    pub(super) fn is_kept_by(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return false };
        match &self.test {
            Test::True => !value.is_falsy(),
            Test::Is(expected) => text_of(value).is_some_and(|text| text == *expected),
            Test::IsNot(other) => text_of(value).is_some_and(|text| text != *other),
            Test::In(allowed) => {
                texts_of(value).is_some_and(|texts| texts.iter().any(|text| allowed.contains(text)))
            }
            Test::NotIn(refused) => texts_of(value)
                .is_some_and(|texts| !texts.iter().any(|text| refused.contains(text))),
            Test::Order(order, Number(bound)) => {
                number_of(value).is_some_and(|number| match order {
                    Order::AtLeast => number >= *bound,
                    Order::AtMost => number <= *bound,
                    Order::Less => number < *bound,
                    Order::More => number > *bound,
                })
            }
        }
    }
}

/// Returns the text of a single value; dicts, lists, bytes and `None` have none.
pub(super) fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => float.to_string(),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Str(_) | Value::Markup(_) => value.as_str()?.to_owned(),
        _ => return None,
    })
}

/// Returns the texts of a list whose items all have one, or of a single value.
pub(super) fn texts_of(value: &Value) -> Option<Vec<String>> {
    match value.as_list() {
        Some(items) => items.iter().map(text_of).collect(),
        None => Some(vec![text_of(value)?]),
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => int.to_string().parse().ok(),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, value: impl Into<Value>, expected: bool) {
        let value = value.into();
        let parsed: Rule = rule.parse().unwrap();
        assert_eq!(parsed.is_kept_by(Some(&value)), expected, "{rule}: {value:?}");
        assert!(!parsed.is_kept_by(None), "{rule}: a key that is not there");
    }

    fn list(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| Value::from(*item)).collect())
    }

    #[test]
    fn key_alone_is_required_as_python_takes_it_for_true() {
        check("user_id", "7", true);
        check(" user_id ", 7, true);
        check("user_id", list(&["a"]), true);
        check("user_id", "", false);
        check("user_id", 0, false);
        check("user_id", false, false);
        check("user_id", Value::Null, false);
        check("user_id", list(&[]), false);
    }

    #[test]
    fn values_are_compared_as_text() {
        check("role == admin", "admin", true);
        check("role==admin", "admin", true);
        check("role == 'admin'", "admin", true);
        check("role == \"head of x\"", "head of x", true);
        check("role == head of x", "head of x", true);
        check("role == ''", "", true);
        check("role == admin", "Admin", false);
        check("role == admin", "admin ", false);
        check("id == 7", 7, true);
        check("staff == true", true, true);
        check("staff == true", 1, false);
        check("role != guest", "admin", true);
        check("role != guest", "guest", false);
        check("role == admin", list(&["admin"]), false);
        check("role != admin", list(&["admin"]), false);
        check("role != guest", Value::Null, false);
        check("role != guest", Value::Bytes(b"x".to_vec()), false);
    }

    #[test]
    fn lists_are_looked_through() {
        check("role in admin,staff", "staff", true);
        check("role in admin, 'staff'", "staff", true);
        check("role in admin,staff", "admin,staff", false);
        check("role in admin,staff", "adm", false);
        check("roles in admin", list(&["user", "admin"]), true);
        check("roles in admin", list(&["user"]), false);
        check("roles not in banned", list(&["user"]), true);
        check("roles not in banned", list(&["user", "banned"]), false);
        check("role not in a, b", "b", false);
        check("role  not  in a", "c", true);
        check("roles not in banned", Value::List(vec![Value::Null]), false);
        check("roles in a", Value::Null, false);
    }

    #[test]
    fn only_numbers_have_an_order() {
        check("level >= 3", 3, true);
        check("level>=3", 2, false);
        check("level > 3", 3, false);
        check("level < 3", 2.5, true);
        check("level <= -1", -1, true);
        check("level >= 3", "4", false);
        check("level >= 0", true, false);
        check("level < 3", f64::NAN, false);
        check("level >= 3", f64::NAN, false);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let error = |text: &str| text.parse::<Rule>().unwrap_err();
        let key = || "role".to_owned();
        assert_eq!(error(""), RuleError::Key);
        assert_eq!(error(" == a"), RuleError::Key);
        for text in [
            "role = a",
            "role is a",
            "role not a",
            "role === a",
            "role >> 1",
            "role ! a",
            "role inside a",
        ] {
            assert_eq!(error(text), RuleError::Operator { key: key() }, "{text}");
        }
        assert_eq!(error("role =="), RuleError::Value { key: key() });
        assert_eq!(error("role in"), RuleError::Value { key: key() });
        for text in ["role > a", "role < nan", "role >= inf"] {
            assert_eq!(error(text), RuleError::Number { key: key() }, "{text}");
        }
    }
}
