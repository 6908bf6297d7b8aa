//! What the engine tells operators → records of Python's `logging`, under the logger `hipflask`.
//!
//! Only our own events pass: those of the stores' clients may show statements, and ids in them.

use std::fmt;

use pyo3::{prelude::*, sync::PyOnceLock, types::PyDict};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

const TARGET: &str = "hipflask";

/// Sends events to Python from here on.
pub(crate) fn install() {
    // Only the first call in a process has an effect, and there is no other.
    let _ = tracing::subscriber::set_global_default(ToPython);
}

struct ToPython;

impl Subscriber for ToPython {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == TARGET { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = level_of(event.metadata().level());
        // A handler of Python that fails has told so itself; there is nobody else to tell.
        let _ = Python::try_attach(|py| fields.log(py, level));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The numbers of Python's levels.
fn level_of(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    extra: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.extra.push((field.name(), value.into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.extra.push((name, format!("{value:?}"))),
        }
    }
}

impl Fields {
    fn log(self, py: Python<'_>, level: u8) -> PyResult<()> {
        static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let get =
            || Ok::<_, PyErr>(py.import("logging")?.call_method1("getLogger", (TARGET,))?.unbind());
        let logger = LOGGER.get_or_try_init(py, get)?.bind(py);
        if !logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
            return Ok(());
        }
        let (extra, options) = (PyDict::new(py), PyDict::new(py));
        for (name, value) in self.extra {
            extra.set_item(name, value)?;
        }
        options.set_item("extra", extra)?;
        logger.call_method("log", (level, "%s", self.message), Some(&options))?;
        Ok(())
    }
}
