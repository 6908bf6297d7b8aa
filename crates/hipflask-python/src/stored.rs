//! Sessions in a store: where the engine may have to wait. Other threads of Python run meanwhile.

use hipflask::{
    SaveError, SessionConfig, SessionInterface, UnixTime,
    config::Format,
    core::{
        engine::{Changes, EngineError},
        interface::SaveAction,
        session::{Fate, Session},
        stored::SessionId,
        visit::{Machine, Sessions, Step, Updating as Core},
    },
    store::{ConnectError, Record, StoreKind},
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    client::Client,
    engine::{Engine, time},
    error, log,
    opened::Opened,
    process::Processes,
    state::core_session,
    value::{self, Dialect, Reader},
};

pub(crate) struct Stored {
    sessions: Sessions,
    dialect: Dialect,
    id_length: usize,
    road: Road,
}

/// Who asks the store.
enum Road {
    /// The app's own client, by the calls of Python.
    Client(Client),
    /// Our own connections, while other threads of Python run.
    Native(Box<Processes>),
}

impl Stored {
    /// Takes the address of a store, or a client that is one.
    pub(crate) fn new(config: SessionConfig, store: Bound<'_, PyAny>) -> PyResult<Self> {
        let py = store.py();
        let rules = config.build_stored().map_err(|mistake| error::config(py, &mistake))?;
        let (rules, road) = if let Ok(address) = store.extract::<String>() {
            let format = StoreKind::of(&address).ok().and_then(StoreKind::record_format);
            let rules = rules.with_record_format(format);
            (rules, Road::Native(Box::new(Processes::new(py, config, address)?)))
        } else {
            let client = Client::new(store, config.store_deadline())?;
            let format = client.record_format(py)?;
            let rules = rules.with_record_format(format).with_renewal_at_once(false);
            (rules, Road::Client(client))
        };
        let is_json = rules.settings().format == Format::Json;
        Ok(Self {
            dialect: if is_json { Dialect::Json } else { Dialect::Record },
            id_length: rules.settings().id_length,
            sessions: rules.into(),
            road,
        })
    }

    /// Whether a call waits for a store without Python knowing of it.
    pub(crate) const fn blocks(&self) -> bool {
        matches!(self.road, Road::Native(_))
    }

    /// Removes up to `limit` expired sessions, and returns how many; 0 where the store does so.
    pub(crate) fn purge(&self, py: Python<'_>, limit: usize) -> PyResult<usize> {
        let purged = match &self.road {
            Road::Client(client) => client.purge(py, limit)?,
            Road::Native(processes) => {
                processes.run(py, async |interface| interface.purge(limit).await)?
            }
        };
        purged.map_err(|failure| error::unavailable(py, &failure))
    }

    /// Ends the session of an id, and reports whether there was one.
    pub(crate) fn revoke(&self, py: Python<'_>, id: &SessionId) -> PyResult<bool> {
        let revoking = self.sessions.revoke(id);
        let mut revoking =
            revoking.ok_or_else(|| error::misuse("a signed cookie is in no store"))?;
        self.drive(py, &mut revoking)?.map_err(|failure| error::engine(py, failure))?;
        Ok(revoking.was_there())
    }

    fn drive(
        &self,
        py: Python<'_>,
        machine: &mut (impl Machine + Send),
    ) -> PyResult<Result<(), EngineError>> {
        match &self.road {
            Road::Client(client) => client.drive(py, machine),
            Road::Native(processes) => {
                processes.run(py, async |interface| interface.drive(machine).await)
            }
        }
    }

    pub(crate) fn open(
        &self,
        dict: &Bound<'_, PyDict>,
        cookie: Option<&[u8]>,
        now: UnixTime,
    ) -> PyResult<Opened> {
        let py = dict.py();
        // Visitors without a session do not reach the store.
        let mut opening = self.sessions.open(cookie, now);
        let opened = match &self.road {
            _ if matches!(opening.step(), Step::Done) => Ok(opening.finish()),
            Road::Client(client) => {
                let driven = client.drive(py, &mut opening)?;
                log::during(|| SessionInterface::end_opening(opening, driven))
            }
            Road::Native(processes) => {
                let open =
                    async |interface: &SessionInterface| interface.open_at(cookie, now).await;
                match processes.try_run(py, open)? {
                    Err(ConnectError::Refused(_)) if processes.are_anonymous_on_outage() => {
                        Ok(opening.finish())
                    }
                    Err(failure) => return Err(error::connect(py, &failure)),
                    Ok(opened) => opened,
                }
            }
        };
        let opened = opened.map_err(|failure| error::engine(py, failure))?;
        let visit = if let Some(content) = opened.visit().content() {
            value::fill(dict, content)?;
            opened.into_visit()
        } else {
            let (session, visit) = opened.into_parts();
            value::fill_from(dict, &session)?;
            visit
        };
        Opened::new(dict, visit, self.id_length)
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
        if opened.is_read_only() || !modified && !opened.visit.is_due(now) {
            return Ok(SaveAction::Keep);
        }
        let reader = Reader::new(self.dialect);
        let grown = opened.grown(session)?;
        let session = core_session(Session::new_stored(false), &reader, session, modified, &grown)?;
        if opened.entropy.is_none() && opened.visit.entropy_len(&session) > 0 {
            opened.draw_id(py)?;
        }
        let (visit, entropy) = (opened.visit.clone(), opened.entropy.take().unwrap_or_default());
        drop(opened);
        let saved = match &self.road {
            Road::Client(client) => {
                let closing = visit.close(&session, &entropy, now);
                let mut closing = closing.map_err(|failure| error::save(py, &failure.into()))?;
                client.settle(py)?;
                let driven = client.drive(py, &mut closing)?;
                log::during(|| SessionInterface::end_saving(closing, driven))
            }
            Road::Native(processes) => {
                let saving = async |interface: &SessionInterface| {
                    let closing = visit.close(&session, &entropy, now);
                    interface.save(closing.map_err(SaveError::from)?).await
                };
                processes.run(py, saving)?
            }
        };
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
        let object = session.get_item(key)?;
        let seen = object.map(|object| Reader::new(self.dialect).value(&object)).transpose();
        // What cannot be stored is in no store.
        let Ok(seen) = seen else { return Ok(None) };
        let ended: bool = session.getattr("_ended")?.extract()?;
        let fate = if ended { Fate::Ended } else { Fate::Kept };
        Ok(opened.visit.update(fate, key, seen.as_ref(), now))
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
        let value = Reader::new(stored.dialect).value(value)?;
        let driven = match self.core.apply(value) {
            Ok(()) => stored.drive(py, &mut self.core)?,
            Err(failure) => Err(failure),
        };
        driven.map_err(|failure| error::engine(py, failure))?;
        Ok(self.core.current().is_none())
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
