//! What `line` shares state with here: locks at which `shuttle` may let another thread run.

pub(crate) use std::sync::PoisonError;

pub(crate) use shuttle::sync::{Mutex, MutexGuard};
