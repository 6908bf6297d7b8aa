//! `get_flashed_messages(with_categories=False, category_filter=())` as templates call it.
//!
//! Rules: [Flask's function][py]. All messages are taken, whatever the filter.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.get_flashed_messages

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State,
    value::{Kwargs, Object, ObjectRepr, Value, from_args},
};

use super::convert;
use crate::Session;

#[derive(Debug)]
pub(super) struct Flashes(pub(super) Session);

impl Object for Flashes {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (with_categories, filter) = arguments(args)?;
        let flashes = self.0.take_flashes().map_err(|error| {
            Error::new(ErrorKind::InvalidOperation, "get_flashed_messages failed")
                .with_source(error)
        })?;
        let mut messages = Vec::with_capacity(flashes.len());
        for flash in flashes {
            let category = convert::value(&flash.category);
            let message = convert::value(&flash.message);
            if !passes(&category, &filter)? {
                continue;
            }
            messages.push(if with_categories { (category, message).into() } else { message });
        }
        Ok(messages.into())
    }
}

/// Both may be given by position or by name.
fn arguments(args: &[Value]) -> Result<(bool, Value), Error> {
    let (by_position, by_name) = match args.split_last() {
        Some((last, others)) if last.is_kwargs() => (others, Kwargs::try_from(last.clone())?),
        _ => (args, Kwargs::from_iter(std::iter::empty::<(&str, Value)>())),
    };
    let (first, second): (Option<Value>, Option<Value>) = from_args(by_position)?;
    let with_categories = match first {
        Some(flag) => Some(flag),
        None => by_name.get("with_categories")?,
    };
    let filter = match second {
        Some(filter) => Some(filter),
        None => by_name.get("category_filter")?,
    };
    by_name.assert_all_used()?;
    Ok((with_categories.is_some_and(|flag: Value| flag.is_true()), filter.unwrap_or_default()))
}

/// Python's `category in filter`, where a text contains its parts; an empty filter lets all pass.
fn passes(category: &Value, filter: &Value) -> Result<bool, Error> {
    if !filter.is_true() {
        return Ok(true);
    }
    if let Some(text) = filter.as_str() {
        return Ok(category.as_str().is_some_and(|category| text.contains(category)));
    }
    Ok(filter.try_iter()?.any(|wanted| wanted == *category))
}
