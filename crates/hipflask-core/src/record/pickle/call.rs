//! What becomes of a class and its arguments: a value, and nothing else.

use indexmap::IndexMap;

use super::{
    class::Class,
    clock::{self, Delta},
    heap::{Heap, Id, Object},
    zone::Zone,
};
use crate::{
    record::DecodeError,
    value::{Text, Uuid, Value},
};

/// Calls a class with arguments, of which all but the first are few; `is_new` where an object is made
/// of what it holds, without the class's own say.
pub(super) fn call(
    heap: &mut Heap,
    class: Id,
    args: &[Id],
    is_new: bool,
) -> Result<Id, DecodeError> {
    let Object::Class(named) = heap.get(class) else { return Err(heap.refusal(class)) };
    if named.class == Class::ZoneBase && args.is_empty() {
        return Ok(Heap::NONE);
    }
    if named.class == Class::Reconstructor {
        return match *args {
            [class, _, Heap::NONE] => call(heap, class, &[], true),
            [class, _, state] => call(heap, class, &[state], true),
            _ => Err(heap.refusal(class)),
        };
    }
    if let (Class::Foreign, [held]) = (named.class, args)
        && (is_new || named.is_class() && is_scalar(heap.get(*held)))
        && !matches!(heap.get(*held), Object::Class(_) | Object::Unset(_))
    {
        // An enum's member, or a text, a number, a tuple of an app's own class.
        return Ok(*held);
    }
    let made = match (named.class, args) {
        (Class::MultiDict, [items]) => gather(heap, class, *items)?,
        (kind, args) => make(heap, kind, args, is_new).ok_or_else(|| heap.refusal(class))?,
    };
    heap.pay(1 + made.size())?;
    Ok(heap.add_made(made, class))
}

fn make(heap: &Heap, class: Class, args: &[Id], is_new: bool) -> Option<Object> {
    Some(match (class, args) {
        (Class::ByteArray | Class::Bytes, []) => Object::Leaf(Value::Bytes(Vec::new())),
        (Class::Dict | Class::MultiDict, []) | (Class::DefaultDict, [] | [_]) => {
            Object::Dict(Vec::new())
        }
        (Class::List, []) => Object::List(Vec::new()),
        (Class::Markup, []) => Object::Leaf(Value::Markup(Text::default())),
        (Class::Foreign | Class::Headers | Class::Uuid, []) => Object::Unset(class),
        (Class::ZoneFile | Class::ZoneOffset, []) => Object::Unset(class),
        // A named tuple.
        (Class::Foreign, fields) if is_new => Object::Tuple(fields.to_vec()),
        (Class::ByteArray | Class::Bytes, [bytes]) => {
            Object::Leaf(Value::Bytes(bytes_of(heap, *bytes)?.to_vec()))
        }
        (Class::ByteArray | Class::CodecsEncode, [text, encoding]) => {
            Object::Leaf(Value::Bytes(latin1(heap, *text, *encoding)?))
        }
        (Class::Decimal, [text]) => {
            let text = text_of(heap, *text).filter(|text| is_decimal(text))?;
            Object::Leaf(Value::Str(text.clone()))
        }
        (Class::Dict, [dict]) => match heap.get(*dict) {
            Object::Dict(entries) => Object::Dict(entries.clone()),
            _ => return None,
        },
        // A deque has its greatest length besides.
        (Class::List, [items] | [items, _]) => Object::List(items_of(heap, *items)?.to_vec()),
        (Class::Markup, [text]) => Object::Leaf(Value::Markup(text_of(heap, *text)?.clone())),
        (Class::GetAttr, [class, name]) => match (heap.get(*class), text_of(heap, *name)?) {
            (Object::Class(named), name)
                if named.class == Class::ZoneName && *name == *"_unpickle" =>
            {
                Object::Class(named.clone())
            }
            _ => return None,
        },
        (Class::ZoneFile | Class::ZoneName | Class::ZoneOffset | Class::ZoneUtc, args) => {
            Object::Zone(zone(heap, class, args)?)
        }
        _ => moment(heap, class, args)?,
    })
}

/// Gathers the values of each key, out of pairs or of other such dicts.
fn gather(heap: &mut Heap, class: Id, items: Id) -> Result<Object, DecodeError> {
    let mut lists: IndexMap<Text, (Id, Vec<Id>)> = IndexMap::new();
    let mut put = |heap: &mut Heap, key: Id, values: Vec<Id>| {
        let text = text_of(heap, key).cloned().ok_or_else(|| heap.refusal(class))?;
        heap.pay(text.as_bytes().len())?;
        lists.entry(text).or_insert((key, Vec::new())).1.extend(values);
        Ok(())
    };
    for item in copied(heap, class, items)? {
        match heap.get(item) {
            Object::Dict(entries) => {
                let entries = entries.clone();
                heap.pay(entries.len())?;
                for (key, list) in entries {
                    let values = copied(heap, class, list)?;
                    put(heap, key, values)?;
                }
            }
            Object::Tuple(pair) => match pair[..] {
                [key, value] => put(heap, key, vec![value])?,
                _ => return Err(heap.refusal(class)),
            },
            _ => return Err(heap.refusal(class)),
        }
    }
    let list_of = |(key, list)| (key, heap.add(Object::List(list)));
    Ok(Object::Dict(lists.into_values().map(list_of).collect()))
}

fn copied(heap: &mut Heap, class: Id, id: Id) -> Result<Vec<Id>, DecodeError> {
    let items = items_of(heap, id).ok_or_else(|| heap.refusal(class))?.to_vec();
    heap.pay(1 + items.len())?;
    Ok(items)
}

fn is_scalar(object: &Object) -> bool {
    matches!(object, Object::Leaf(Value::Str(_) | Value::Int(_) | Value::Float(_)))
}

/// Gives an object what it holds.
pub(super) fn build(heap: &mut Heap, object: Id, state: Id) -> Result<(), DecodeError> {
    // What more is said of a zone says the same again, and what a file says is known by its name.
    if let Object::Zone(_) | Object::Unset(Class::ZoneFile) = heap.get(object) {
        return Ok(());
    }
    let built = built(heap, object, state).ok_or_else(|| heap.refusal(object))?;
    heap.pay(built.size())?;
    *heap.get_mut(object) = built;
    Ok(())
}

fn built(heap: &Heap, object: Id, state: Id) -> Option<Object> {
    let Object::Dict(entries) = heap.get(state) else { return None };
    let attribute = |name: &str| {
        // There are a few attributes at most.
        let mut entries = entries.iter().take(8);
        let found = entries.find(|(key, _)| text_of(heap, *key).is_some_and(|key| *key == *name));
        found.map(|(_, value)| *value)
    };
    Some(match heap.get(object) {
        Object::Unset(Class::Uuid) => {
            let Object::Leaf(Value::Int(int)) = heap.get(attribute("int")?) else { return None };
            Object::Leaf(Value::Uuid(Uuid::from_u128(int.to_string().parse().ok()?)))
        }
        Object::Unset(Class::Headers) => {
            Object::List(items_of(heap, attribute("_list")?)?.to_vec())
        }
        Object::Unset(Class::ZoneOffset) => match heap.get(attribute("_offset")?) {
            Object::Delta(delta) => Object::Zone(delta.zone()?),
            _ => return None,
        },
        // The lists of all values of each key, in the place of the first ones.
        Object::Dict(_) if heap.class_of(object) == Some(Class::MultiDict) => {
            Object::Dict(entries.clone())
        }
        _ => return None,
    })
}

fn zone(heap: &Heap, class: Class, args: &[Id]) -> Option<Zone> {
    let int = |id| match heap.get(id) {
        Object::Leaf(value) => value.as_i64(),
        _ => None,
    };
    match (class, args) {
        (Class::ZoneUtc, []) => Some(Zone::UTC),
        (Class::ZoneFile, [_, name]) => Zone::named(text_of(heap, *name)?.as_str()?),
        // pytz, with the offset and what of it is for the summer.
        (Class::ZoneName, [_, seconds, _, _]) => Zone::fixed(int(*seconds)?),
        (Class::ZoneName, [name] | [name, _]) => Zone::named(text_of(heap, *name)?.as_str()?),
        // Its name, if any, is nowhere kept.
        (Class::ZoneOffset, [offset] | [offset, _]) => match heap.get(*offset) {
            Object::Delta(delta) => delta.zone(),
            _ => Zone::fixed(int(*offset)?.checked_mul(60)?),
        },
        _ => None,
    }
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
    let zone = match zone.map(|zone| heap.get(zone)) {
        None => None,
        Some(Object::Zone(zone)) => Some(zone),
        Some(_) => return None,
    };
    let state = bytes_of(heap, first)?;
    Some(Object::Leaf(match class {
        Class::Date if zone.is_none() => clock::date(state)?,
        Class::DateTime => clock::datetime(state, zone)?,
        Class::Time => clock::time(state, zone)?,
        _ => return None,
    }))
}

fn items_of(heap: &Heap, id: Id) -> Option<&[Id]> {
    match heap.get(id) {
        Object::List(items) | Object::Tuple(items) => Some(items),
        _ => None,
    }
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
