//! Python's [pickle], as far as session values need it.
//!
//! A pickle is a program. [`read`] runs it on a machine that knows lists, dicts, texts and numbers;
//! a class is only ever a name from a list of those that session values are made of, and calling it
//! builds a value. Nothing can be imported, and what a reference copies is paid from a budget.
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
mod write;

pub(super) use machine::read;
pub(super) use write::write;
