//! The whole content at once.

use serde::{Serialize, de::DeserializeOwned};

use super::{Session, SessionError, entry::Entry};
use crate::{
    serializer::Build,
    value::{self, Dict, Text, Value},
};

impl Session {
    /// Returns the whole session as one type.
    ///
    /// ```
    /// use hipflask_core::session::Session;
    ///
    /// #[derive(serde::Deserialize, serde::Serialize)]
    /// struct Login { user_id: u64 }
    ///
    /// let mut session = Session::new();
    /// session.replace(&Login { user_id: 7 })?;
    /// assert_eq!(session.extract::<Login>()?.user_id, 7);
    /// # Ok::<(), hipflask_core::session::SessionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::Value`] when the content has another shape than `T`.
    pub fn extract<T: DeserializeOwned>(&self) -> Result<T, SessionError> {
        Ok(value::from_content(|| self.to_dict())?)
    }

    /// Replaces the whole content by the fields of one value. Every other key is gone, those of
    /// Flask and its extensions included (`_permanent`, `_flashes`, `_user_id`): keep them with a
    /// field `#[serde(flatten)] rest: BTreeMap<String, Value>`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Value`] when the value is no struct or map, else as [`set`](Self::set).
    pub fn replace<T: Serialize>(&mut self, content: &T) -> Result<(), SessionError> {
        self.check_writable()?;
        self.set_all(value::to_value(content)?)
    }

    /// Replaces the whole content by a [`Value`], as [`replace`](Self::replace) does.
    ///
    /// # Errors
    ///
    /// [`SessionError::Value`] when the value is no dict, else as [`set`](Self::set).
    pub fn set_all(&mut self, content: Value) -> Result<(), SessionError> {
        self.check_writable()?;
        let Value::Dict(dict) = content else {
            let text = "a session is replaced by a struct or a map";
            return Err(SessionError::Value(serde::ser::Error::custom(text)));
        };
        self.modified = true;
        self.entries = dict.into_iter().map(Entry::from).collect();
        Ok(())
    }

    /// Builds the content as values of another kind, key by key, and hands them to `each`.
    ///
    /// # Errors
    ///
    /// What building and `each` return.
    pub fn build<B: Build>(
        &self,
        build: &mut B,
        mut each: impl FnMut(&mut B, Text, B::Built) -> Result<(), B::Error>,
    ) -> Result<(), B::Error> {
        self.entries.iter().try_for_each(|entry| {
            let value = entry.build(&self.source, build)?;
            each(build, entry.key.to_text(&self.source), value)
        })
    }

    /// Returns a copy of the content.
    pub fn to_dict(&self) -> Dict {
        let item = |entry: &Entry| (entry.key.to_text(&self.source), entry.value(&self.source));
        self.entries.iter().map(item).collect()
    }
}
