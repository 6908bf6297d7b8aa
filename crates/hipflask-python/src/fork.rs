//! Keeps a process from being forked in the middle of a call of a store.
//!
//! Only the thread that forks lives on in the child. Were another one inside of SQLite, say, its locks
//! would stay locked there for ever.

use std::{
    cell::RefCell,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError},
    thread::sleep,
    time::Duration,
};

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{IntoPyDict, PyCFunction},
    wrap_pyfunction,
};

/// Calls read it, a fork writes.
static CALLS: RwLock<()> = RwLock::new(());

thread_local! {
    /// What the thread that forks holds, and also has in the child.
    static FORKING: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Waits for a fork that is under way, and keeps others from starting.
pub(crate) fn hold_off() -> RwLockReadGuard<'static, ()> {
    CALLS.read().unwrap_or_else(PoisonError::into_inner)
}

/// As [`hold_off`], for those who go on calling Python: whoever forks needs it to get ready.
pub(crate) fn hold_off_attached(py: Python<'_>) -> RwLockReadGuard<'static, ()> {
    loop {
        match CALLS.try_read() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => py.detach(|| sleep(Duration::from_millis(1))),
        }
    }
}

/// Makes Python wait for calls of stores before it forks.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    static WATCHED: PyOnceLock<()> = PyOnceLock::new();
    WATCHED.get_or_try_init(py, || register(py)).copied()
}

fn register(py: Python<'_>) -> PyResult<()> {
    // Windows has no forks.
    let Some(register) = py.import("os")?.getattr_opt("register_at_fork")? else { return Ok(()) };
    let (before, after) = (wrap_pyfunction!(begin, py)?, wrap_pyfunction!(end, py)?);
    let hooks: [(&str, Bound<'_, PyCFunction>); 3] =
        [("before", before), ("after_in_parent", after.clone()), ("after_in_child", after)];
    register.call((), Some(&hooks.into_py_dict(py)?)).map(drop)
}

#[pyfunction]
fn begin(py: Python<'_>) {
    py.detach(|| {
        let guard = CALLS.write().unwrap_or_else(PoisonError::into_inner);
        FORKING.set(Some(guard));
    });
}

#[pyfunction]
fn end() {
    FORKING.take();
}
