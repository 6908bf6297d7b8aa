//! Stores that Python carries out, with the app's own clients: what the core's machine asks becomes a call
//! of a method, one after the other.
//!
//! Decides nothing. A question takes as long as the client lets it; after the deadline none is asked
//! again. Other threads, or greenlets, run whenever the client lets them.

use std::time::{Duration, Instant};

use hipflask::{
    core::{
        engine::EngineError,
        record::Format,
        visit::{Machine, Step},
    },
    store::{Created, Deleted, Record, RecordKey, Replaced, Revision, StoreError, Touch},
};
use hipflask_core::store::{Answer, Question};

use crate::fork;
use pyo3::{
    exceptions::PyException,
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyType},
};

/// What `hipflask.clients.Client` is: see there.
pub(crate) struct Client {
    client: Py<PyAny>,
    deadline: Duration,
    holds_off_forks: bool,
}

impl Client {
    pub(crate) fn new(client: Bound<'_, PyAny>, deadline: Duration) -> PyResult<Self> {
        let py = client.py();
        client.setattr(intern!(py, "deadline"), deadline.as_secs_f64())?;
        let holds_off_forks = client.getattr(intern!(py, "holds_off_forks"))?.extract()?;
        if holds_off_forks {
            fork::watch(py)?;
        }
        Ok(Self { client: client.unbind(), deadline, holds_off_forks })
    }

    /// Returns the only format that Flask-Session reads from such a store, if there is only one.
    pub(crate) fn record_format(&self, py: Python<'_>) -> PyResult<Option<Format>> {
        let pickles: bool = self.client.getattr(py, intern!(py, "pickles"))?.extract(py)?;
        Ok(pickles.then_some(Format::Pickle))
    }

    /// Lets the client end what the app has begun and would be in the way of a write.
    pub(crate) fn settle(&self, py: Python<'_>) -> PyResult<()> {
        self.client.call_method0(py, intern!(py, "settle")).map(drop)
    }

    /// Removes up to `limit` records that have expired, and returns how many.
    pub(crate) fn purge(
        &self,
        py: Python<'_>,
        limit: usize,
    ) -> PyResult<Result<usize, StoreError>> {
        self.answered(py, || {
            Ok(Ok(self.client.call_method1(py, intern!(py, "purge"), (limit,))?.extract(py)?))
        })
    }

    /// Does what a machine says until it is done. What is no error of a store, such as the end of a
    /// greenlet, ends it at once.
    pub(crate) fn drive(
        &self,
        py: Python<'_>,
        machine: &mut impl Machine,
    ) -> PyResult<Result<(), EngineError>> {
        let mut deadline = None;
        loop {
            let mut answer = match machine.step() {
                Step::Done => return Ok(Ok(())),
                Step::Wait(most) => {
                    pause(py, most)?;
                    machine.waited();
                    continue;
                }
                Step::Ask(question) => {
                    deadline.get_or_insert_with(|| Instant::now() + self.deadline);
                    self.answered(py, || self.ask(py, question))?
                }
            };
            let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            match answer {
                Ok(_) => deadline = None,
                // What is certain is no matter of time.
                Err(StoreError::Unavailable(_)) if is_late => answer = Err(StoreError::Deadline),
                Err(_) => {}
            }
            if let Err(error) = machine.answer(answer) {
                return Ok(Err(error));
            }
        }
    }

    fn ask(&self, py: Python<'_>, question: Question<'_>) -> PyResult<Result<Answer, StoreError>> {
        let client = self.client.bind(py);
        let bytes = |payload| PyBytes::new(py, payload);
        Ok(Ok(match question {
            Question::Load { key, touch } => Answer::Loaded(self.load(py, key, touch)?),
            Question::Create { key, payload, ttl } => {
                let arguments = (key.as_str(), bytes(payload), ttl.as_secs_f64());
                let created = client.call_method1(intern!(py, "create"), arguments)?;
                Answer::Created(match created.extract()? {
                    true => Created::Created(Revision::default()),
                    false => Created::Exists,
                })
            }
            Question::Replace { key, current, payload, ttl } => {
                let current = bytes(&current.payload);
                let arguments = (key.as_str(), current, bytes(payload), ttl.as_secs_f64());
                let replaced = client.call_method1(intern!(py, "replace"), arguments)?;
                Answer::Replaced(match replaced.extract()? {
                    true => Replaced::Replaced(Revision::default()),
                    false => self.load(py, key, None)?.map_or(Replaced::Gone, Replaced::Conflict),
                })
            }
            Question::Delete { key } => {
                let deleted = client.call_method1(intern!(py, "delete"), (key.as_str(),))?;
                Answer::Deleted(match deleted.extract()? {
                    true => Deleted::Deleted,
                    false => Deleted::Gone,
                })
            }
            Question::Scan { .. } => {
                return Ok(Err(StoreError::Unsupported(
                    "list its sessions through the app's client: give HipFlask the store's address, or set \
                     SESSION_USER_INDEX",
                )));
            }
            // The machine asks for both steps of it.
            Question::Renew(_) => {
                return Ok(Err(StoreError::Unsupported("move a record in one step")));
            }
        }))
    }

    fn load(
        &self,
        py: Python<'_>,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> PyResult<Option<Record>> {
        let touch = touch.map(|it| (it.ttl.as_secs_f64(), it.when_below.as_secs_f64()));
        let loaded = self.client.call_method1(py, intern!(py, "load"), (key.as_str(), touch))?;
        let record: Option<(Option<Vec<u8>>, bool)> = loaded.extract(py)?;
        Ok(record.map(|(payload, touched)| {
            payload.map_or_else(Record::unreadable, Record::new).with_touched(touched)
        }))
    }

    /// Asks, and takes an exception for what it says of the store. No process is forked before the
    /// exception is gone, because it may be the last that holds a connection.
    fn answered<T>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce() -> PyResult<Result<T, StoreError>>,
    ) -> PyResult<Result<T, StoreError>> {
        let _no_fork = self.holds_off_forks.then(|| fork::hold_off_attached(py));
        let exception = match ask() {
            Ok(answer) => return Ok(answer),
            Err(exception) if exception.is_instance_of::<PyException>(py) => exception,
            Err(exception) => return Err(exception),
        };
        let words = self.client.call_method1(py, intern!(py, "words"), (exception.value(py),))?;
        let words: String = words.extract(py)?;
        static UNREACHABLE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        static REFUSED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let is = |class: &PyOnceLock<Py<PyType>>, name| {
            let class = class.import(py, "hipflask.clients.form", name)?;
            exception.value(py).is_instance(class)
        };
        Ok(Err(if is(&UNREACHABLE, "Unreachable")? {
            StoreError::unreachable(words)
        } else if is(&REFUSED, "Refused")? {
            StoreError::refused(words)
        } else {
            StoreError::unavailable(words)
        }))
    }
}

/// Waits a part of a time, by Python's own clock: under gevent the others go on.
fn pause(py: Python<'_>, most: Duration) -> PyResult<()> {
    let part: f64 =
        py.import(intern!(py, "random"))?.call_method0(intern!(py, "random"))?.extract()?;
    let wait = most.as_secs_f64() * part;
    py.import(intern!(py, "time"))?.call_method1(intern!(py, "sleep"), (wait,)).map(drop)
}
