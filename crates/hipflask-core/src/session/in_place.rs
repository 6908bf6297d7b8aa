//! Changes in place: they tell a list that has grown from one that was assigned.

use super::{Session, SessionError};
use crate::value::{Text, Value};

impl Session {
    /// Appends to the list of `key`, which is made if there is none; a tuple becomes a list.
    ///
    /// In a store, what other requests append to it at the same time stays, too, also if the list is
    /// new. A list that is [`set`](Self::set) can only replace another request's new list.
    ///
    /// ```
    /// use hipflask_core::session::Session;
    ///
    /// let mut session = Session::new();
    /// session.push("cart", "tea")?;
    /// session.push("cart", "milk")?;
    /// assert_eq!(session.get("cart")?, Some(["tea".to_string(), "milk".to_string()]));
    /// # Ok::<(), hipflask_core::session::SessionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::NotList`] when the key holds something else, else as [`set`](Self::set).
    #[doc(alias = "append")]
    #[doc(alias = "setdefault")]
    pub fn push(
        &mut self,
        key: impl Into<Text>,
        value: impl Into<Value>,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        let key = key.into();
        let at = self.find_bytes(key.as_bytes());
        let mut items = match at.map(|at| self.entries[at].value(&self.source)) {
            None => Vec::new(),
            Some(Value::List(items) | Value::Tuple(items)) => items,
            Some(_) => return Err(SessionError::NotList { key: key.to_string_lossy() }),
        };
        let grown = items.is_empty() || at.is_some_and(|at| self.entries[at].grown);
        items.push(value.into());
        self.set(key.clone(), items)?;
        if grown {
            self.note_grown(&key);
        }
        Ok(())
    }

    /// Returns the keys of lists that were empty in this request, and have only been appended to
    /// since: [pushed](Self::push), or [modified](Self::modify) to that end.
    pub fn grown(&self) -> Vec<Text> {
        let grown = self.entries.iter().filter(|entry| entry.grown);
        grown.map(|entry| entry.key.to_text(&self.source)).collect()
    }

    /// Notes that a list was [grown](Self::grown), for adapters that see it in their own way.
    pub fn note_grown(&mut self, key: &Text) {
        if let Some(at) = self.find_bytes(key.as_bytes()) {
            self.entries[at].grown = true;
        }
    }

    /// Changes the value of `key` in place and returns what `change` returns; `None` if the key is
    /// absent. The session counts as modified if the content differs afterwards, however deep.
    ///
    /// ```
    /// use hipflask_core::session::Session;
    ///
    /// let mut session = Session::new();
    /// session.insert("cart", ["tea"])?;
    /// session.set_modified(false);
    /// session.modify("cart", |cart| cart.as_list_mut().map(|items| items.push("milk".into())))?;
    /// assert!(session.is_modified());
    /// # Ok::<(), hipflask_core::session::SessionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn modify<R>(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut Value) -> R,
    ) -> Result<Option<R>, SessionError> {
        self.check_writable()?;
        let Some(at) = self.find(key) else { return Ok(None) };
        let (before, was_grown) = (self.entries[at].value(&self.source), self.entries[at].grown);
        let mut after = before.clone();
        let result = change(&mut after);
        if after != before {
            let grown = match (before.as_list(), after.as_list()) {
                (Some(before), Some(after)) => {
                    (was_grown || before.is_empty()) && after.starts_with(before)
                }
                _ => false,
            };
            self.set(key, after)?;
            self.entries[at].grown = grown;
        }
        Ok(Some(result))
    }
}
