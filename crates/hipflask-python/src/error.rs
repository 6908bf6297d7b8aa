//! Errors of Rust → exceptions of Python.
//!
//! The classes are the package's own, in `hipflask.errors`; an error's text is already free of
//! secrets, and is taken over as it is.

use hipflask::{
    ConfigError, Error, SaveError,
    core::engine::EngineError,
    store::{ConnectError, StoreError},
};
use pyo3::{exceptions::PyRuntimeError, prelude::*, sync::PyOnceLock, types::PyType};

macro_rules! exceptions {
    ($($name:ident = $class:literal;)*) => {$(
        fn $name(py: Python<'_>, text: &str) -> PyErr {
            static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            let class = CLASS.import(py, "hipflask.errors", $class);
            match class.and_then(|class| class.call1((text,))) {
                Ok(exception) => PyErr::from_value(exception),
                Err(error) => error,
            }
        }
    )*};
}

exceptions! {
    config_error = "ConfigError";
    session_conflict = "SessionConflict";
    session_error = "SessionError";
    store_unavailable = "StoreUnavailable";
    too_many_sessions = "TooManySessions";
}

pub(crate) fn config(py: Python<'_>, error: &ConfigError) -> PyErr {
    config_error(py, &error.to_string())
}

/// Why a store did not answer.
pub(crate) fn unavailable(py: Python<'_>, error: &StoreError) -> PyErr {
    store_unavailable(py, &error.to_string())
}

/// What a program got wrong in calling the engine.
pub(crate) fn misuse(text: &str) -> PyErr {
    PyRuntimeError::new_err(text.to_owned())
}

/// Refuses a setting that only Python has.
pub(crate) fn setting(py: Python<'_>, name: &str, expected: &str) -> PyErr {
    config_error(py, &format!("{name} expects {expected}"))
}

/// Why a store could not be asked.
pub(crate) fn connect(py: Python<'_>, error: &ConnectError) -> PyErr {
    match error {
        ConnectError::Refused(_) => store_unavailable(py, &error.to_string()),
        _ => config_error(py, &error.to_string()),
    }
}

/// Why a session was not saved.
pub(crate) fn save(py: Python<'_>, failure: &SaveError) -> PyErr {
    by_status(py, failure.status().as_u16(), &failure.to_string())
}

/// Why a session could not be opened, changed or sent.
pub(crate) fn engine(py: Python<'_>, error: EngineError) -> PyErr {
    method(py, &error.into())
}

/// What a method of a session came to.
pub(crate) fn method(py: Python<'_>, error: &Error) -> PyErr {
    by_status(py, error.status().as_u16(), &error.to_string())
}

fn by_status(py: Python<'_>, status: u16, text: &str) -> PyErr {
    match status {
        503 => store_unavailable(py, text),
        409 => session_conflict(py, text),
        403 => too_many_sessions(py, text),
        _ => session_error(py, text),
    }
}
