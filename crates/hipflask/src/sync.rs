//! What threads share state with. Tests put another one in its place, which tries their orders.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
