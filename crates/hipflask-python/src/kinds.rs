//! Python's classes that a session's values can be of, each looked up once.

use pyo3::{prelude::*, sync::PyOnceLock, types::PyType};

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $module:literal . $class:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyType>> {
            static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            CLASS.import(py, $module, $class)
        }
    )*};
}

classes! {
    date = "datetime"."date";
    datetime = "datetime"."datetime";
    decimal = "decimal"."Decimal";
    enumeration = "enum"."Enum";
    markup = "markupsafe"."Markup";
    time = "datetime"."time";
    timedelta = "datetime"."timedelta";
    uuid = "uuid"."UUID";
}

/// Looks up the classes of times, once and for all: what stops the clock in an app's tests puts others
/// in their place for a while.
pub(crate) fn look_up_times(py: Python<'_>) -> PyResult<()> {
    for class in [date, datetime, time, timedelta] {
        class(py)?;
    }
    for aware in [true, false] {
        epoch(py, aware)?;
    }
    Ok(())
}

/// Returns 1970-01-01T00:00:00Z: aware, or as a naive time that stands for UTC.
pub(crate) fn epoch<'py>(py: Python<'py>, aware: bool) -> PyResult<&'py Bound<'py, PyAny>> {
    static AWARE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static NAIVE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = |zone: Option<Bound<'py, PyAny>>| {
        Ok::<_, PyErr>(datetime(py)?.call1((1970, 1, 1, 0, 0, 0, 0, zone))?.unbind())
    };
    let epoch = if aware {
        let utc = || py.import("datetime")?.getattr("timezone")?.getattr("utc");
        AWARE.get_or_try_init(py, || make(Some(utc()?)))?
    } else {
        NAIVE.get_or_try_init(py, || make(None))?
    };
    Ok(epoch.bind(py))
}
