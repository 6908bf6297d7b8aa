//! Puts values together that come one after the other, without recursion: depth costs heap, and
//! never the stack.

use super::{DecodeError, entries::Entries};
use crate::value::Value;

/// The lists, tuples and dicts that are not complete, the innermost last.
pub(super) struct Nest {
    open: Vec<Open>,
    max_depth: usize,
}

/// What is not complete, and how many keys and values it still lacks.
struct Open {
    partial: Partial,
    n_left: usize,
}

enum Partial {
    /// A dict, with the key that waits for its value.
    Dict(Entries, Option<Value>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
}

/// The whole value, once it is complete.
type Whole = Result<Option<Value>, DecodeError>;

impl Nest {
    pub(super) const fn new(max_depth: usize) -> Self {
        Self { open: Vec::new(), max_depth }
    }

    /// Begins a dict of keys and values, which are counted one by one.
    pub(super) fn dict(&mut self, n_parts: usize) -> Whole {
        self.begin(Partial::Dict(Entries::with_capacity(n_parts / 2), None), n_parts)
    }

    pub(super) fn list(&mut self, n_items: usize) -> Whole {
        self.begin(Partial::List(Vec::with_capacity(n_items)), n_items)
    }

    pub(super) fn tuple(&mut self, n_items: usize) -> Whole {
        self.begin(Partial::Tuple(Vec::with_capacity(n_items)), n_items)
    }

    fn begin(&mut self, partial: Partial, n_left: usize) -> Whole {
        if self.open.len() >= self.max_depth {
            return Err(DecodeError::TooDeep);
        }
        if n_left == 0 {
            return self.put(partial.into_value());
        }
        self.open.push(Open { partial, n_left });
        Ok(None)
    }

    /// Puts a value into what it is part of, and closes what is complete by it.
    pub(super) fn put(&mut self, mut value: Value) -> Whole {
        loop {
            let Some(innermost) = self.open.last_mut() else { return Ok(Some(value)) };
            innermost.partial.put(value)?;
            innermost.n_left -= 1;
            if innermost.n_left > 0 {
                return Ok(None);
            }
            let Some(complete) = self.open.pop() else { return Ok(None) };
            value = complete.partial.into_value();
        }
    }
}

impl Partial {
    fn put(&mut self, value: Value) -> Result<(), DecodeError> {
        match self {
            Self::Dict(entries, key) => match key.take() {
                Some(key) => entries.insert(key, value)?,
                None => *key = Some(value),
            },
            Self::List(items) | Self::Tuple(items) => items.push(value),
        }
        Ok(())
    }

    fn into_value(self) -> Value {
        match self {
            Self::Dict(entries, _) => entries.into_value(),
            Self::List(items) => Value::List(items),
            Self::Tuple(items) => Value::Tuple(items),
        }
    }
}
