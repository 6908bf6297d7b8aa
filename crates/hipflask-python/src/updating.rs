//! One key of a session that is being changed in its store, between Python's function and the store.

use hipflask::{
    core::{
        engine::{Changes, EngineError},
        visit::Updating as Core,
    },
    store::Record,
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    engine::{Engine, time},
    error,
    opened::Opened,
    value::{self, Reader},
};

/// One key of a session that is being changed in its store.
#[pyclass(module = "hipflask._native")]
pub(crate) struct Updating {
    core: Core,
    /// What this request has seen of the record.
    seen: Record,
    engine: Py<Engine>,
}

impl Updating {
    pub(crate) fn new(core: Core, engine: Py<Engine>) -> Self {
        let seen = core.held().snapshot().record().clone();
        Self { core, seen, engine }
    }

    fn carry_out(&mut self, py: Python<'_>, begun: Result<(), EngineError>) -> PyResult<bool> {
        let driven = match begun {
            Ok(()) => self.engine.get().stored()?.drive(py, &mut self.core)?,
            Err(failure) => Err(failure),
        };
        driven.map_err(|failure| error::engine(py, failure))?;
        Ok(self.core.current().is_none())
    }
}

#[pymethods]
impl Updating {
    /// What the store has under the key, as far as is known: a copy, or `None`.
    #[getter]
    fn current<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = self.core.current().flatten();
        value.map(|value| value::to_python(py, value)).transpose()
    }

    /// Sets the key in the store, and says whether that was done: if not, another request was in the
    /// way, and there is another current value.
    fn apply(
        &mut self,
        py: Python<'_>,
        opened: &Bound<'_, Opened>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        // The function may have changed the session in the store itself.
        let held = opened.borrow().visit.held().cloned();
        if let Some(held) = held.filter(|held| *held.snapshot().record() != self.seen) {
            self.seen = held.snapshot().record().clone();
            if !self.core.take_up(&held) {
                return Ok(false);
            }
        }
        let value = Reader::new(self.engine.get().stored()?.dialect).value(value)?;
        let begun = self.core.apply(value);
        self.carry_out(py, begun)
    }

    /// Removes the key from the store, and says whether that was done, as `apply` does; what is not there
    /// need not be removed.
    fn remove(&mut self, py: Python<'_>) -> PyResult<bool> {
        if self.core.current() == Some(None) {
            return Ok(true);
        }
        let begun = self.core.remove();
        self.carry_out(py, begun)
    }

    /// Brings what the store has now into the session.
    fn finish(&self, session: &Bound<'_, PyDict>, opened: &Bound<'_, Opened>) -> PyResult<()> {
        let reader = Reader::new(self.engine.get().stored()?.dialect);
        let mine = reader.dict(session)?;
        let mut opened = opened.borrow_mut();
        let grown = opened.grown(session)?;
        let held = self.core.clone().into_held();
        // A session that was ended meanwhile has no part in what others have written.
        let ended: bool = session.getattr("_ended")?.extract()?;
        if let Some(base) = opened.visit.content().filter(|_| !ended) {
            let changes = Changes::new(base, &mine).with_grown(&grown);
            value::bring(session, &mine, &changes.rebase(held.snapshot().content()))?;
        }
        opened.visit.hold(held);
        opened.freeze(session);
        Ok(())
    }
}

/// Starts to change one key of a session in its store; `None` if nobody else can have it.
pub(crate) fn start_update(
    engine: &Bound<'_, Engine>,
    session: &Bound<'_, PyDict>,
    opened: &Bound<'_, Opened>,
    key: &str,
    now: f64,
) -> PyResult<Option<Updating>> {
    let Ok(stored) = engine.get().stored() else { return Ok(None) };
    let core = stored.update(session, &opened.borrow(), key, time(now))?;
    Ok(core.map(|core| Updating::new(core, engine.clone().unbind())))
}
