//! Flash messages: shown once, on the next page. Stored as Flask stores them, so that either side
//! shows what the other flashed.
//!
//! Rules: [message flashing][py].
//!
//! [py]: https://flask.palletsprojects.com/en/stable/patterns/flashing/

use std::borrow::Cow;

use crate::{
    session::{Session, SessionError},
    value::Value,
};

pub(crate) const FLASHES: &str = "_flashes";

/// A message and its category, as Flask's `get_flashed_messages(with_categories=True)` has them.
///
/// ```
/// use hipflask_core::session::Session;
///
/// let mut session = Session::new();
/// session.flash("error", "wrong password")?;
/// let flashes = session.take_flashes()?;
/// assert_eq!(flashes[0].category(), "error");
/// assert_eq!(flashes[0].message(), "wrong password");
/// # Ok::<(), hipflask_core::session::SessionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Flash {
    /// The category, which Flask lets be any value.
    pub category: Value,
    /// The message: text, Markup or any other value.
    pub message: Value,
}

impl Flash {
    /// Returns the category's text, or what Python prints of another value.
    pub fn category(&self) -> Cow<'_, str> {
        text(&self.category)
    }

    /// Returns the message's text, or what Python prints of another value: `3`, `[1, 'a']`.
    pub fn message(&self) -> Cow<'_, str> {
        text(&self.message)
    }
}

impl Session {
    /// Keeps a message for the next page. Flask's default category is `message`.
    ///
    /// # Errors
    ///
    /// As [`Session::set`].
    pub fn flash(
        &mut self,
        category: impl Into<Value>,
        message: impl Into<Value>,
    ) -> Result<(), SessionError> {
        let mut flashes = match self.value(FLASHES) {
            Some(Value::List(flashes) | Value::Tuple(flashes)) => flashes,
            _ => Vec::new(),
        };
        flashes.push(Value::Tuple(vec![category.into(), message.into()]));
        self.set(FLASHES, flashes)
    }

    /// Takes all messages out of the session. Later calls in the same request return them again,
    /// and nothing that was flashed in between.
    ///
    /// # Errors
    ///
    /// As [`Session::set`], if there is anything to take.
    #[doc(alias = "get_flashed_messages")]
    pub fn take_flashes(&mut self) -> Result<Vec<Flash>, SessionError> {
        if self.taken_flashes.is_none() {
            let stored = if self.contains(FLASHES) { self.remove(FLASHES)? } else { None };
            self.taken_flashes = match stored {
                Some(Value::List(items) | Value::Tuple(items)) => Some(items),
                _ => Some(Vec::new()),
            };
        }
        Ok(self.taken_flashes.iter().flatten().filter_map(from_stored).collect())
    }

    /// Takes all messages and returns those of the given categories; the others are gone, too. As in
    /// Flask, no categories are no filter.
    ///
    /// # Errors
    ///
    /// As [`take_flashes`](Self::take_flashes).
    #[doc(alias = "category_filter")]
    pub fn take_flashes_of(&mut self, categories: &[&str]) -> Result<Vec<Flash>, SessionError> {
        let mut flashes = self.take_flashes()?;
        let is_wanted = |flash: &Flash| {
            flash.category.as_str().is_some_and(|category| categories.contains(&category))
        };
        flashes.retain(|flash| categories.is_empty() || is_wanted(flash));
        Ok(flashes)
    }
}

fn text(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

/// Flask stores a tuple; a server-side store gives it back as a list.
fn from_stored(item: &Value) -> Option<Flash> {
    match item.as_list()? {
        [category, message] => Some(Flash { category: category.clone(), message: message.clone() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serializer::Limits;

    #[test]
    fn message_that_is_no_text_is_what_python_prints() {
        let json = r#"{"_flashes":[{" t":["message",3]},{" t":[7,[1,"a",null]]},["message",{" m":"<b>"}]]}"#;
        let mut session = Session::from_json(json.into(), Limits::default()).unwrap();
        let flashes = session.take_flashes().unwrap();
        let shown: Vec<_> = flashes.iter().map(|it| (it.category(), it.message())).collect();
        let expected = [("message", "3"), ("7", "[1, 'a', None]"), ("message", "<b>")];
        assert_eq!(
            shown,
            expected.map(|(category, message)| (Cow::Borrowed(category), Cow::Borrowed(message)))
        );
        assert!(session.take_flashes_of(&["7"]).unwrap().is_empty());
    }
}
