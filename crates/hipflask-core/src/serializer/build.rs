//! What the reader of JSON makes of what it finds.

use super::{ReadError, tag};
use crate::value::{Dict, Text, Value};

/// Builds values while JSON is read: for those who need other values than the core's, and would
/// only translate these.
///
/// [`Session::build`](crate::session::Session::build) hands over what a session holds.
pub trait Build {
    /// A complete value.
    type Built;
    /// A list that more values are pushed onto.
    type List;
    /// A dict that more entries are inserted into.
    type Dict;
    /// The key of an entry.
    type Key;
    /// What can go wrong.
    type Error: From<ReadError>;

    /// Builds a value that holds no others, or that is complete.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    fn scalar(&mut self, value: Value) -> Result<Self::Built, Self::Error>;

    /// Builds a string.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    fn text(&mut self, text: &str) -> Result<Self::Built, Self::Error>;

    /// Builds the next key of a dict.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    fn key(&mut self, dict: &Self::Dict, text: &str) -> Result<Self::Key, Self::Error>;

    /// Builds a key that was written with escapes.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    fn escaped_key(&mut self, text: Text) -> Result<Self::Key, Self::Error>;

    /// Starts a list.
    fn list(&mut self) -> Self::List;

    /// Starts a dict.
    fn dict(&mut self) -> Self::Dict;

    /// Adds a value to a list.
    ///
    /// # Errors
    ///
    /// When it cannot be added.
    fn push(&mut self, list: &mut Self::List, value: Self::Built) -> Result<(), Self::Error>;

    /// Adds an entry to a dict. A key that comes twice keeps its first place and its last value.
    ///
    /// # Errors
    ///
    /// When it cannot be added.
    fn insert(
        &mut self,
        dict: &mut Self::Dict,
        key: Self::Key,
        value: Self::Built,
    ) -> Result<(), Self::Error>;

    /// Completes a list.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    fn close_list(&mut self, list: Self::List) -> Result<Self::Built, Self::Error>;

    /// Completes a dict.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    fn close_dict(&mut self, dict: Self::Dict) -> Result<Self::Built, Self::Error>;
}

/// Builds the core's own values.
pub(super) struct Values {
    /// What becomes of a dict once it is complete.
    convert: fn(Dict) -> Option<Value>,
}

impl Values {
    pub(super) fn tagged() -> Self {
        Self { convert: tag::untag }
    }

    pub(super) fn plain() -> Self {
        Self { convert: |dict| Some(Value::Dict(dict)) }
    }
}

impl Build for Values {
    type Built = Value;
    type List = Vec<Value>;
    type Dict = Dict;
    type Key = Text;
    type Error = ReadError;

    fn scalar(&mut self, value: Value) -> Result<Value, ReadError> {
        Ok(value)
    }

    fn text(&mut self, text: &str) -> Result<Value, ReadError> {
        Ok(Value::Str(text.into()))
    }

    fn key(&mut self, _: &Dict, text: &str) -> Result<Text, ReadError> {
        Ok(text.into())
    }

    fn escaped_key(&mut self, text: Text) -> Result<Text, ReadError> {
        Ok(text)
    }

    fn list(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn dict(&mut self) -> Dict {
        Dict::new()
    }

    fn push(&mut self, list: &mut Vec<Value>, value: Value) -> Result<(), ReadError> {
        list.push(value);
        Ok(())
    }

    fn insert(&mut self, dict: &mut Dict, key: Text, value: Value) -> Result<(), ReadError> {
        dict.insert(key, value);
        Ok(())
    }

    fn close_list(&mut self, list: Vec<Value>) -> Result<Value, ReadError> {
        Ok(Value::List(list))
    }

    fn close_dict(&mut self, dict: Dict) -> Result<Value, ReadError> {
        (self.convert)(dict).ok_or(ReadError::BadTag)
    }
}
