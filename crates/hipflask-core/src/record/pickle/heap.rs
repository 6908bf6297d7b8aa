//! The objects of a pickle while it runs, and the value that comes of them.

use super::{class::Class, clock::Delta};
use crate::{
    record::{DecodeError, entries::Entries},
    serializer::Limits,
    value::Value,
};

/// Where an object stands.
pub(super) type Id = u32;

/// An object; lists and dicts may still grow, and may contain themselves.
#[derive(Debug)]
pub(super) enum Object {
    Class(Class),
    Delta(Delta),
    Dict(Vec<(Id, Id)>),
    /// What is complete and contains no other object.
    Leaf(Value),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    /// A UUID that has not been given its number.
    Uuid,
    /// A time zone, as seconds east of UTC.
    Zone(i32),
}

impl Object {
    /// How many bytes or items it holds outside of itself.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Dict(entries) => entries.len(),
            Self::Leaf(value) => content_len(value),
            Self::List(items) | Self::Tuple(items) => items.len(),
            Self::Class(_) | Self::Delta(_) | Self::Uuid | Self::Zone(_) => 0,
        }
    }
}

/// All objects, and how much copying is still allowed.
pub(super) struct Heap {
    objects: Vec<Object>,
    budget: usize,
    max_depth: usize,
}

impl Heap {
    pub(super) const NONE: Id = 0;
    pub(super) const FALSE: Id = 1;
    pub(super) const TRUE: Id = 2;
    pub(super) const EMPTY_TUPLE: Id = 3;

    pub(super) fn new(limits: Limits) -> Self {
        let objects = vec![
            Object::Leaf(Value::Null),
            Object::Leaf(Value::Bool(false)),
            Object::Leaf(Value::Bool(true)),
            Object::Tuple(Vec::new()),
        ];
        Self { objects, budget: limits.inflated(), max_depth: limits.depth() }
    }

    pub(super) fn add(&mut self, object: Object) -> Id {
        // There is less than one object for each byte of the record, which is limited to 32 bits.
        let id = self.objects.len() as Id;
        self.objects.push(object);
        id
    }

    pub(super) fn get(&self, id: Id) -> &Object {
        // Ids are made by `add` only, and objects are never removed.
        &self.objects[id as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Object {
        &mut self.objects[id as usize]
    }

    /// Pays for a copy of what the record has only once: small pickles must not become large.
    pub(super) fn pay(&mut self, size: usize) -> Result<(), DecodeError> {
        self.budget = self.budget.checked_sub(size).ok_or(DecodeError::TooLarge)?;
        Ok(())
    }

    /// Builds the value of an object below `depth` lists and dicts.
    pub(super) fn value(&mut self, id: Id, depth: usize) -> Result<Value, DecodeError> {
        let value = match self.get(id) {
            Object::Leaf(leaf) => leaf.clone(),
            Object::Delta(delta) => Value::from(delta.to_string()),
            Object::List(_) | Object::Tuple(_) | Object::Dict(_) if depth >= self.max_depth => {
                return Err(DecodeError::TooDeep);
            }
            Object::List(items) => Value::List(self.values(items.len(), id, depth)?),
            Object::Tuple(items) => Value::Tuple(self.values(items.len(), id, depth)?),
            Object::Dict(entries) => self.dict(entries.len(), id, depth)?,
            Object::Class(_) => return Err(DecodeError::Unsupported { kind: "a class" }),
            Object::Uuid => return Err(DecodeError::Unsupported { kind: "a UUID of no number" }),
            Object::Zone(_) => return Err(DecodeError::Unsupported { kind: "a time zone" }),
        };
        self.pay(1 + content_len(&value))?;
        Ok(value)
    }

    fn values(&mut self, n: usize, id: Id, depth: usize) -> Result<Vec<Value>, DecodeError> {
        let mut values = Vec::new();
        for at in 0..n {
            let (Object::List(items) | Object::Tuple(items)) = self.get(id) else { break };
            let item = items[at];
            values.push(self.value(item, depth + 1)?);
        }
        Ok(values)
    }

    fn dict(&mut self, n: usize, id: Id, depth: usize) -> Result<Value, DecodeError> {
        let mut dict = Entries::default();
        for at in 0..n {
            let Object::Dict(entries) = self.get(id) else { break };
            let (key, value) = entries[at];
            let key = self.value(key, depth + 1)?;
            dict.insert(key, self.value(value, depth + 1)?)?;
        }
        Ok(dict.into_value())
    }
}

fn content_len(value: &Value) -> usize {
    match value {
        Value::Str(text) | Value::Markup(text) => text.as_bytes().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Int(int) => int.n_digits() / 8,
        _ => 0,
    }
}
