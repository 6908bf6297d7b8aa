//! What the engine tells operators → records of Python's `logging`, under the logger `hipflask`.
//!
//! Only our own events pass: those of the stores' clients may show statements, and ids in them. What
//! happens in a call is kept until the call has ended: a handler of Python may use a session itself,
//! or wait for somebody who waits for this call.

use std::{cell::RefCell, fmt, mem};

use pyo3::{prelude::*, types::IntoPyDict};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

const TARGET: &str = "hipflask";

/// A record's level, message and further fields.
type Record = (u8, String, Vec<(&'static str, String)>);

thread_local! {
    static CALL: RefCell<Call> = const { RefCell::new(Call { is_running: false, records: Vec::new() }) };
}

struct Call {
    is_running: bool,
    records: Vec<Record>,
}

/// Keeps what happens in a call for [`take_log`].
pub(crate) fn during<T>(call: impl FnOnce() -> T) -> T {
    CALL.set(Call { is_running: true, records: Vec::new() });
    let result = call();
    CALL.with_borrow_mut(|call| call.is_running = false);
    result
}

/// Returns what has happened in the last call of this thread.
#[pyfunction]
pub(crate) fn take_log() -> Vec<Record> {
    CALL.with_borrow_mut(|call| mem::take(&mut call.records))
}

/// Sends events to Python from here on.
pub(crate) fn install() {
    // Only the first call in a process has an effect, and there is no other.
    let _ = tracing::subscriber::set_global_default(ToPython);
}

struct ToPython;

impl Subscriber for ToPython {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let record = (level_of(event.metadata().level()), fields.message, fields.extra);
        if CALL.with_borrow(|call| call.is_running) {
            CALL.with_borrow_mut(|call| call.records.push(record));
        } else {
            // A handler of Python that fails has told so itself; there is nobody else to tell.
            let _ = Python::try_attach(|py| log(py, record));
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Python's `logging` has no spans.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET && metadata.is_event()
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

fn log(py: Python<'_>, (level, message, fields): Record) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", (TARGET,))?;
    let extra = fields.into_py_dict(py)?;
    let options = [("extra", extra)].into_py_dict(py)?;
    logger.call_method("log", (level, "%s", message), Some(&options)).map(drop)
}
