//! Dicts: string keys in the order of their insertion.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{Text, Value};

/// A dict that keeps the order of insertion, as Python's does.
///
/// ```
/// use hipflask_core::value::{Dict, Value};
///
/// let mut dict = Dict::new();
/// dict.insert("b", Value::from(1));
/// dict.insert("a", Value::from(2));
/// assert_eq!(dict.get("b"), Some(&Value::from(1)));
/// assert_eq!(dict.iter().filter_map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
/// ```
///
/// Equality does not look at the order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict(IndexMap<Text, Value, RandomState>);

impl Dict {
    /// Returns an empty dict.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an empty dict with room for `n` keys.
    pub fn with_capacity(n: usize) -> Self {
        Self(IndexMap::with_capacity_and_hasher(n, RandomState::default()))
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key.as_bytes())
    }

    /// Returns the value of a key that may hold lone surrogates.
    pub fn get_text(&self, key: &Text) -> Option<&Value> {
        self.0.get(key.as_bytes())
    }

    /// Returns the value of a key, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(key.as_bytes())
    }

    /// Reports whether the key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key.as_bytes())
    }

    /// Sets the value of a key, which keeps its place if it was there, and returns the old value.
    pub fn insert(&mut self, key: impl Into<Text>, value: Value) -> Option<Value> {
        self.0.insert(key.into(), value)
    }

    /// Removes a key and returns its value; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key.as_bytes())
    }

    /// Returns keys and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.0.iter()
    }

    /// Returns the key and the value at a place in that order.
    pub(crate) fn item(&self, at: usize) -> Option<(&Text, &Value)> {
        self.0.get_index(at)
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Reports whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the only key and value, if there is exactly one.
    pub(crate) fn single(&self) -> Option<(&Text, &Value)> {
        (self.0.len() == 1).then(|| self.0.first()).flatten()
    }
}

impl FromIterator<(Text, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl IntoIterator for Dict {
    type Item = (Text, Value);
    type IntoIter = indexmap::map::IntoIter<Text, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
