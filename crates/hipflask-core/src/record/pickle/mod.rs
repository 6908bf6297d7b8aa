//! Python's [pickle], as far as session values need it.
//!
//! [pickle]: https://docs.python.org/3/library/pickle.html

mod frame;
mod long;
mod write;

pub(super) use write::write;
