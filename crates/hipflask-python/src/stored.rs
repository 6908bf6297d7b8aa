//! Sessions in a store: where the engine may have to wait. Other threads of Python run meanwhile.

use hipflask::{
    SaveFailure, SessionInterface, UnixTime,
    config::{Format, ServerSide},
    core::{
        engine::{Changes, EngineError},
        interface::SaveAction,
        record,
        session::{Fate, Session},
        visit::{Machine, Sessions, Step, Updating as Core},
    },
    store::{ConnectError, Record},
    value::Value,
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    engine::{Engine, time},
    error,
    opened::Opened,
    process::Processes,
    state::core_session,
    value::{self, Dialect, Reader},
};

pub(crate) struct Stored {
    pub(crate) rules: ServerSide,
    /// The same, for what needs no store.
    pub(crate) sessions: Sessions,
    pub(crate) processes: Processes,
}

impl Stored {
    fn dialect(&self) -> Dialect {
        let is_json = self.rules.settings().format == Format::Json;
        if is_json { Dialect::Json } else { Dialect::Record }
    }

    pub(crate) fn open(
        &self,
        dict: &Bound<'_, PyDict>,
        cookie: Option<&[u8]>,
        now: UnixTime,
    ) -> PyResult<Opened> {
        let py = dict.py();
        // Visitors without a session do not reach the store.
        let opening = self.sessions.open(cookie, now);
        let opened = if matches!(opening.step(), Step::Done) {
            opening.finish()
        } else {
            let open = async |interface: &SessionInterface| interface.open_at(cookie, now).await;
            match self.processes.try_run(py, open)? {
                Ok(opened) => opened.map_err(|failure| error::engine(py, failure))?,
                Err(ConnectError::Refused(_)) if self.processes.are_anonymous_on_outage() => {
                    opening.finish()
                }
                Err(failure) => return Err(error::connect(py, &failure)),
            }
        };
        let visit = if let Some(content) = opened.visit().content() {
            value::fill(dict, content)?;
            opened.into_visit()
        } else {
            let (session, visit) = opened.into_parts();
            value::fill_from(dict, &session)?;
            visit
        };
        Ok(Opened::new(dict, visit, self.rules.settings().id_length))
    }

    pub(crate) fn save(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Bound<'_, Opened>,
        modified: bool,
        now: UnixTime,
    ) -> PyResult<SaveAction> {
        let py = session.py();
        let mut opened = opened.borrow_mut();
        let is_due = opened.visit.held().is_some_and(|held| self.rules.is_due(held, now));
        if opened.is_read_only() || !modified && !is_due {
            return Ok(SaveAction::Keep);
        }
        let reader = Reader::new(self.dialect());
        let grown = opened.grown(session)?;
        let session = core_session(Session::new_stored(false), &reader, session, modified, &grown)?;
        if opened.entropy.is_none() && self.sessions.entropy_len(&session, &opened.visit) > 0 {
            opened.draw_id(py)?;
        }
        let (visit, entropy) = (opened.visit.clone(), opened.entropy.take().unwrap_or_default());
        drop(opened);
        let saving = async |interface: &SessionInterface| {
            let closing = interface.sessions().close(&session, visit, &entropy, now);
            interface.save(closing.map_err(SaveFailure::from)?).await
        };
        let saved = self.processes.run(py, saving)?;
        Ok(saved.map_err(|failure| error::save(py, &failure))?.action)
    }

    /// Starts to change one key, if the store has, as far as is known, what the session has under it:
    /// only then can somebody else change it.
    pub(crate) fn update(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Opened,
        key: &str,
        now: UnixTime,
    ) -> PyResult<Option<Core>> {
        let Some(content) = opened.visit.content() else { return Ok(None) };
        let settings = self.rules.settings();
        let stored = |value: Option<Value>| {
            let content = value.into_iter().map(|value| (key.into(), value)).collect();
            record::as_stored(&content, settings.format, settings.limits)
        };
        let object = session.get_item(key)?;
        let mine = object.map(|object| Reader::new(self.dialect()).value(&object)).transpose();
        let theirs = content.get(key);
        // What cannot be stored is in no store.
        if !mine.is_ok_and(|mine| stored(mine) == stored(theirs.cloned())) {
            return Ok(None);
        }
        let ended: bool = session.getattr("_ended")?.extract()?;
        let fate = if ended { Fate::Ended } else { Fate::Kept };
        // The rules of this very store, which knows its format.
        let update = async |interface: &SessionInterface| {
            interface.sessions().update(&opened.visit, fate, key, theirs, now)
        };
        self.processes.run(session.py(), update)
    }
}

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
        let engine = self.engine.get();
        let stored = engine.stored()?;
        let value = Reader::new(stored.dialect()).value(value)?;
        let core = &mut self.core;
        let work = async |interface: &SessionInterface| {
            core.apply(value)?;
            interface.drive(core).await
        };
        let driven: Result<(), EngineError> = stored.processes.run(py, work)?;
        driven.map_err(|failure| error::engine(py, failure))?;
        Ok(self.core.current().is_none())
    }

    /// Brings what the store has now into the session.
    fn finish(&self, session: &Bound<'_, PyDict>, opened: &Bound<'_, Opened>) -> PyResult<()> {
        let reader = Reader::new(self.engine.get().stored()?.dialect());
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
