//! Python's [pickle], as far as session values need it.
//!
//! A pickle is a program. [`read`] runs it on a machine that knows lists, dicts, texts and numbers;
//! a class is only ever a name from a list of those that session values are made of, and calling it
//! builds a value. A class of the app's own is a name as well: what it was given is read as what it
//! holds. Nothing can be imported, and what a reference copies is paid from a budget.
//!
//! [pickle]: https://docs.python.org/3/library/pickle.html

mod argument;
mod call;
mod class;
mod clock;
mod frame;
mod heap;
mod long;
mod machine;
mod standard;
mod write;
mod zone;

pub(super) use machine::read;
pub(super) use write::write;
