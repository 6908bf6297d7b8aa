//! The objects of a pickle while it runs, and the value that comes of them.

use std::collections::HashMap;

use super::{
    class::{Class, Named},
    clock::Delta,
    zone::Zone,
};
use crate::{
    record::{DecodeError, nest::Nest},
    serializer::Limits,
    value::Value,
};

/// Where an object stands.
pub(super) type Id = u32;

/// An object; lists and dicts may still grow, and may contain themselves.
#[derive(Debug)]
pub(super) enum Object {
    Class(Named),
    Delta(Delta),
    Dict(Vec<(Id, Id)>),
    /// What is complete and contains no other object.
    Leaf(Value),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    /// An object of a class that has not been given what it holds.
    Unset(Class),
    Zone(Zone),
}

impl Object {
    /// How many bytes or parts it holds outside of itself.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Dict(entries) => entries.len() * 2,
            Self::Leaf(Value::Str(text) | Value::Markup(text)) => text.as_bytes().len(),
            Self::Leaf(Value::Bytes(bytes)) => bytes.len(),
            Self::Leaf(Value::Int(int)) => int.n_digits() / 8,
            Self::List(items) | Self::Tuple(items) => items.len(),
            _ => 0,
        }
    }

    /// Returns an item, or of a dict the keys and values in turn.
    fn part(&self, at: usize) -> Option<Id> {
        match self {
            Self::Dict(entries) => entries
                .get(at / 2)
                .map(|(key, value)| if at.is_multiple_of(2) { *key } else { *value }),
            Self::List(items) | Self::Tuple(items) => items.get(at).copied(),
            _ => None,
        }
    }
}

/// All objects, and how much copying is still allowed.
pub(super) struct Heap {
    objects: Vec<Object>,
    /// The classes of those that were made by one.
    classes: HashMap<Id, Id>,
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
        Self {
            objects,
            classes: HashMap::new(),
            budget: limits.inflated(),
            max_depth: limits.depth(),
        }
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

    /// Adds what a class has made.
    pub(super) fn add_made(&mut self, object: Object, class: Id) -> Id {
        let id = self.add(object);
        self.classes.insert(id, class);
        id
    }

    /// Returns the class that an object was made by.
    pub(super) fn class_of(&self, id: Id) -> Option<Class> {
        match self.get(*self.classes.get(&id)?) {
            Object::Class(named) => Some(named.class),
            _ => None,
        }
    }

    /// Returns the error of an object that cannot be read, which names its class.
    pub(super) fn refusal(&self, id: Id) -> DecodeError {
        match self.get(*self.classes.get(&id).unwrap_or(&id)) {
            Object::Class(named) => named.refusal(),
            _ => DecodeError::Unsupported { kind: "a pickled object in an unknown form" },
        }
    }

    /// Pays for a copy of what the record has only once: small pickles must not become large.
    pub(super) fn pay(&mut self, size: usize) -> Result<(), DecodeError> {
        self.budget = self.budget.checked_sub(size).ok_or(DecodeError::TooLarge)?;
        Ok(())
    }

    /// Builds the value of an object.
    pub(super) fn value(&mut self, mut id: Id) -> Result<Value, DecodeError> {
        let mut nest = Nest::new(self.max_depth);
        // The lists, tuples and dicts on the way to `id`, and how many of their parts were taken.
        let mut way: Vec<(Id, usize)> = Vec::new();
        loop {
            if let Some(value) = self.visit(id, &mut nest)? {
                return Ok(value);
            }
            way.push((id, 0));
            id = loop {
                let Some((parent, n_taken)) = way.last_mut() else { return Ok(Value::Null) };
                if let Some(part) = self.get(*parent).part(*n_taken) {
                    *n_taken += 1;
                    break part;
                }
                way.pop();
            };
        }
    }

    /// Puts a leaf into the nest, or begins a list, tuple or dict there.
    fn visit(&mut self, id: Id, nest: &mut Nest) -> Result<Option<Value>, DecodeError> {
        // Parts are paid for here, since room is made for them at once, and again one by one.
        self.pay(1 + self.get(id).size())?;
        match self.get(id) {
            Object::Leaf(leaf) => nest.put(leaf.clone()),
            Object::Delta(delta) => nest.put(Value::from(delta.to_string())),
            Object::Dict(entries) => nest.dict(entries.len() * 2),
            Object::List(items) => nest.list(items.len()),
            Object::Tuple(items) => nest.tuple(items.len()),
            Object::Class(_) | Object::Unset(_) | Object::Zone(_) => Err(self.refusal(id)),
        }
    }
}
