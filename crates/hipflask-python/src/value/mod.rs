//! Values of Python ⇄ values of the core.
//!
//! Knows what Flask's serializers accept and what they make of it, and no session.

mod from_python;
mod frozen;
mod text;
mod to_python;

pub(crate) use from_python::{Dialect, Reader, key_of};
pub(crate) use frozen::Frozen;
pub(crate) use text::utf8;
pub(crate) use to_python::{bring, fill, fill_from, to_python};
