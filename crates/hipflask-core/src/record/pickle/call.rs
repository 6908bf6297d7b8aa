//! What becomes of a class and its arguments: a value, and nothing else.

use super::{
    class::Class,
    clock::{self, Delta},
    heap::{Heap, Id, Object},
};
use crate::{
    record::DecodeError,
    value::{Text, Uuid, Value},
};

const NOT_ALLOWED: DecodeError =
    DecodeError::Unsupported { kind: "a pickled object in an unknown form" };

/// Calls a class with arguments, of which all but the first are few.
pub(super) fn call(heap: &mut Heap, class: Id, args: &[Id]) -> Result<Id, DecodeError> {
    let &Object::Class(class) = heap.get(class) else { return Err(NOT_ALLOWED) };
    let made = match (class, args) {
        (Class::ByteArray | Class::Bytes, []) => Object::Leaf(Value::Bytes(Vec::new())),
        (Class::Dict, []) | (Class::DefaultDict, [] | [_]) => Object::Dict(Vec::new()),
        (Class::List, []) => Object::List(Vec::new()),
        (Class::Markup, []) => Object::Leaf(Value::Markup(Text::default())),
        (Class::Uuid, []) => Object::Uuid,
        (Class::ByteArray | Class::Bytes, [bytes]) => {
            let bytes = bytes_of(heap, *bytes).ok_or(NOT_ALLOWED)?.to_vec();
            Object::Leaf(Value::Bytes(bytes))
        }
        (Class::ByteArray | Class::CodecsEncode, [text, encoding]) => {
            Object::Leaf(Value::Bytes(latin1(heap, *text, *encoding).ok_or(NOT_ALLOWED)?))
        }
        (Class::Decimal, [text]) => {
            let text = text_of(heap, *text).filter(|text| is_decimal(text)).ok_or(NOT_ALLOWED)?;
            Object::Leaf(Value::Str(text.clone()))
        }
        (Class::List, [items]) => match heap.get(*items) {
            Object::List(items) | Object::Tuple(items) => Object::List(items.clone()),
            _ => return Err(NOT_ALLOWED),
        },
        (Class::Markup, [text]) => {
            Object::Leaf(Value::Markup(text_of(heap, *text).ok_or(NOT_ALLOWED)?.clone()))
        }
        (Class::Reconstructor, [class, _, state]) => return reconstruct(heap, *class, *state),
        _ => moment(heap, class, args).ok_or(NOT_ALLOWED)?,
    };
    heap.pay(1 + made.size())?;
    Ok(heap.add(made))
}

/// What protocols 0 and 1 call for an object: its class, a base class, and what that one holds.
fn reconstruct(heap: &mut Heap, class: Id, state: Id) -> Result<Id, DecodeError> {
    match (heap.get(class), state) {
        (Object::Class(Class::Uuid), Heap::NONE) => call(heap, class, &[]),
        (Object::Class(Class::Markup), state) => call(heap, class, &[state]),
        _ => Err(NOT_ALLOWED),
    }
}

/// Gives a UUID its number.
pub(super) fn build(heap: &mut Heap, object: Id, state: Id) -> Result<(), DecodeError> {
    let (Object::Uuid, Object::Dict(entries)) = (heap.get(object), heap.get(state)) else {
        return Err(NOT_ALLOWED);
    };
    let is_number = |key: Id| text_of(heap, key).is_some_and(|key| *key == *"int");
    // There are two attributes at most.
    let number = entries.iter().take(2).find(|(key, _)| is_number(*key));
    let number = number.and_then(|(_, number)| match heap.get(*number) {
        Object::Leaf(Value::Int(int)) => int.to_string().parse().ok(),
        _ => None,
    });
    let uuid = Uuid::from_u128(number.ok_or(NOT_ALLOWED)?);
    *heap.get_mut(object) = Object::Leaf(Value::Uuid(uuid));
    Ok(())
}

fn moment(heap: &Heap, class: Class, args: &[Id]) -> Option<Object> {
    let (first, zone) = match *args {
        [first] => (first, None),
        [first, Heap::NONE] => (first, None),
        [first, zone] => (first, Some(zone)),
        [days, seconds, micros] if class == Class::TimeDelta => {
            let number = |id| match heap.get(id) {
                Object::Leaf(value) => value.as_i64(),
                _ => None,
            };
            let delta = Delta::new(number(days)?, number(seconds)?, number(micros)?)?;
            return Some(Object::Delta(delta));
        }
        _ => return None,
    };
    if let (Class::TimeZone, Object::Delta(delta)) = (class, heap.get(first)) {
        return Some(Object::Zone(delta.offset()?)); // its name, if any, is nowhere kept
    }
    let zone = match zone.map(|zone| heap.get(zone)) {
        None => None,
        Some(Object::Zone(offset)) => Some(*offset),
        Some(_) => return None,
    };
    let state = bytes_of(heap, first)?;
    let value = match class {
        Class::Date if zone.is_none() => clock::date(state)?,
        Class::DateTime => clock::datetime(state, zone)?,
        Class::Time => clock::time(state, zone)?,
        _ => return None,
    };
    Some(Object::Leaf(value))
}

fn bytes_of(heap: &Heap, id: Id) -> Option<&[u8]> {
    match heap.get(id) {
        Object::Leaf(Value::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

fn text_of(heap: &Heap, id: Id) -> Option<&Text> {
    match heap.get(id) {
        Object::Leaf(Value::Str(text)) => Some(text),
        _ => None,
    }
}

/// Encodes a text, as which protocols 0 to 2 hold bytes.
fn latin1(heap: &Heap, text: Id, encoding: Id) -> Option<Vec<u8>> {
    let (text, encoding) = (text_of(heap, text)?, text_of(heap, encoding)?);
    matches!(encoding.as_str(), Some("latin1" | "latin-1")).then_some(())?;
    text.code_points().map(|point| u8::try_from(point).ok()).collect()
}

/// Reports whether this may be the text of a decimal number, NaN and the infinities included.
fn is_decimal(text: &Text) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.EINafinstyN".contains(byte);
    !text.is_empty() && text.as_bytes().iter().all(is_part)
}
