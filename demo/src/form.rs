//! What visitors type, and what is wrong with it. Pure functions; log-in validates nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

/// bcrypt reads no further, and a Flask app beside this one may use it.
pub(crate) const LONGEST_PASSWORD: usize = 72;

/// For each field that is not valid, what to do about it.
pub(crate) type Errors = BTreeMap<&'static str, &'static str>;

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct SignUp {
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogIn {
    pub(crate) username: String,
    pub(crate) password: String,
    /// There if the box is ticked.
    pub(crate) remember: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Edit {
    pub(crate) email: String,
    pub(crate) bio: String,
}

impl SignUp {
    /// Tidies what was typed and says what is wrong with it.
    pub(crate) fn check(&mut self) -> Errors {
        tidy(&mut self.username);
        tidy(&mut self.email);
        errors([
            ("username", username_error(&self.username)),
            ("email", email_error(&self.email)),
            ("password", password_error(&self.password)),
        ])
    }
}

impl LogIn {
    /// Tidies the name and reports whether anybody could have this password.
    pub(crate) fn is_possible(&mut self) -> bool {
        tidy(&mut self.username);
        self.password.len() <= LONGEST_PASSWORD
    }
}

impl Edit {
    /// Tidies what was typed and says what is wrong with it.
    pub(crate) fn check(&mut self) -> Errors {
        tidy(&mut self.email);
        tidy(&mut self.bio);
        errors([("email", email_error(&self.email)), ("bio", bio_error(&self.bio))])
    }
}

fn tidy(text: &mut String) {
    *text = text.trim().replace("\r\n", "\n");
}

fn errors<const N: usize>(checked: [(&'static str, Option<&'static str>); N]) -> Errors {
    checked.into_iter().filter_map(|(field, error)| Some((field, error?))).collect()
}

fn username_error(text: &str) -> Option<&'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_valid = (3..=30).contains(&text.len()) && text.bytes().all(is_allowed);
    (!is_valid).then_some("Use 3 to 30 letters, digits, dots, dashes or underscores")
}

fn email_error(text: &str) -> Option<&'static str> {
    let is_part = |part: &str| !part.is_empty() && !part.contains(['@']);
    let is_valid = text.chars().count() <= 254
        && !text.contains(char::is_whitespace)
        && text.split_once('@').is_some_and(|(user, host)| is_part(user) && is_part(host));
    (!is_valid).then_some("Enter an e-mail address")
}

fn password_error(text: &str) -> Option<&'static str> {
    let is_valid = text.chars().count() >= 8 && text.len() <= LONGEST_PASSWORD;
    (!is_valid).then_some("Use 8 to 72 characters")
}

fn bio_error(text: &str) -> Option<&'static str> {
    (text.chars().count() > 500).then_some("Use at most 500 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: fn(&str) -> Option<&'static str>, valid: &[&str], wrong: &[&str]) {
        for text in valid {
            assert_eq!(error(text), None, "{text}");
        }
        for text in wrong {
            assert!(error(text).is_some(), "{text}");
        }
    }

    #[test]
    fn fields_are_held_to_their_rules() {
        let (long, longer) = ("a".repeat(30), "a".repeat(31));
        check(username_error, &["ada", "A.d_a-1", &long], &["", "ab", "a b", "zoë", &longer]);
        let far = format!("{}@b", "a".repeat(253));
        check(email_error, &["a@b", "\"<i>@b"], &["", "ab", "@b", "a@", "a@b@c", "a @b", &far]);
        let (most, too_many) = ("é".repeat(36), "é".repeat(37));
        check(password_error, &["12345678", &most], &["", "1234567", &too_many]);
        let (full, fuller) = ("🐢".repeat(500), "🐢".repeat(501));
        check(bio_error, &["", &full], &[&fuller]);
    }

    #[test]
    fn check_tidies_all_but_the_password() {
        let mut form = SignUp {
            username: " ada\t".into(),
            email: " a@b ".into(),
            password: " 12345678 ".into(),
        };
        assert!(form.check().is_empty());
        assert_eq!((&*form.username, &*form.email, &*form.password), ("ada", "a@b", " 12345678 "));
    }
}
