//! Values of Python ⇄ values of the core.
//!
//! Knows what Flask's serializers accept and what they make of it, and no session.

mod from_python;
mod same;
mod text;
mod to_python;

pub(crate) use from_python::{Dialect, Reader, key_of};
pub(crate) use same::{is_immutable, is_same};
pub(crate) use text::utf8;
pub(crate) use to_python::{fill, to_python};
