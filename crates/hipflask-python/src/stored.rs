//! Sessions in a store: where the engine may have to wait. Other threads of Python run meanwhile.

use std::time::Duration;

use hipflask::{
    Error, Reason,
    backend::Backend,
    config::{Format, ServerSide},
    core::{interface::Saved, session::Session},
    value::Value,
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    error,
    opened::Opened,
    process::Processes,
    state::{State, core_session},
    value::{self, Dialect, Frozen, Reader},
};

pub(crate) struct Stored {
    pub(crate) interface: ServerSide,
    pub(crate) processes: Processes,
}

/// What went wrong while a session was updated.
enum UpdateError {
    Python(PyErr),
    Session(Error),
}

impl From<Error> for UpdateError {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl From<PyErr> for UpdateError {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl Stored {
    fn dialect(&self) -> Dialect {
        let is_json = self.interface.settings().format == Format::Json;
        if is_json { Dialect::Json } else { Dialect::Record }
    }

    pub(crate) fn open(
        &self,
        dict: &Bound<'_, PyDict>,
        cookie: Option<&[u8]>,
        now: Duration,
    ) -> PyResult<Opened> {
        let py = dict.py();
        let offer = self.interface.identify(cookie);
        // Visitors without a session do not reach the store.
        let lookup = if offer.id.is_err() {
            self.interface.find(offer, None, now)
        } else {
            let found = self.processes.run(py, async |backend| backend.find(cookie, now).await)?;
            found.map_err(|failure| error::unavailable(py, &failure.to_string()))?
        };
        let (reason, cookie) = (lookup.reason(), lookup.cookie);
        let held = lookup.held.ok();
        match &held {
            Some(held) => value::fill(dict, held.snapshot().content())?,
            None if self.interface.settings().permanent => dict.set_item("_permanent", true)?,
            None => {}
        }
        Ok(Opened {
            frozen: Frozen::of(dict)?,
            reason,
            cookie,
            held,
            is_read_only: reason == Reason::StoreUnavailable,
            id_length: self.interface.settings().id_length,
            entropy: None,
        })
    }

    pub(crate) fn save(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Bound<'_, Opened>,
        state: &State,
        now: Duration,
    ) -> PyResult<Saved> {
        let py = session.py();
        let mut opened = opened.borrow_mut();
        let is_due = opened.held.as_ref().is_some_and(|held| self.interface.is_due(held, now));
        if opened.is_read_only || !state.modified && !is_due {
            return Ok(Saved::keep(state.accessed));
        }
        let reader = reader_of(self.dialect());
        let session = core_session(Session::new_stored(false), &reader, session, state)?;
        let (reason, held, entropy) = (opened.reason, opened.held.take(), opened.entropy.take());
        drop(opened);
        let saving =
            async |backend: &Backend| backend.save(&session, reason, held, entropy, now).await;
        self.processes.run(py, saving)?.map_err(|failure| error::save(py, &failure))
    }

    pub(crate) fn update<'py>(
        &self,
        session: &Bound<'py, PyDict>,
        opened: &Bound<'py, Opened>,
        key: &str,
        function: &Bound<'py, PyAny>,
        now: Duration,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = session.py();
        let Some(mut held) = opened.borrow_mut().held.take() else { return Ok(None) };
        let base = held.snapshot().content().clone();
        let function = function.clone().unbind();
        let dialect = self.dialect();
        let change = |old: Option<Value>| {
            Python::attach(|py| {
                let old = old.map(|old| value::to_python(py, &old)).transpose()?;
                Ok(reader_of(dialect).value(&function.bind(py).call1((old,))?)?)
            })
        };
        let held_ref = &mut held;
        let updated = self.processes.run(py, async move |backend| {
            backend.update::<UpdateError>(held_ref, key, change, now).await
        });
        // Also what other requests have changed is here now.
        let mut core = Session::new_stored(false);
        let brought = reader_of(dialect).dict(session).and_then(|content| {
            let all = core.set_all(Value::Dict(content));
            all.map_err(|error| error::method(py, &error.into()))?;
            let current = held.bring_up_to_date(&mut core, &base);
            current.map_err(|conflict| error::misuse(&conflict.to_string()))
        });
        opened.borrow_mut().held = Some(held);
        brought?;
        let value = updated?.map_err(|error| match error {
            UpdateError::Python(error) => error,
            UpdateError::Session(error) => error::method(py, &error),
        })?;
        session.clear();
        value::fill_from(session, &core)?;
        opened.borrow_mut().frozen = Frozen::of(session)?;
        value::to_python(py, &value).map(Some)
    }
}

pub(crate) const fn reader_of(dialect: Dialect) -> Reader<'static, 'static> {
    Reader { dialect, default: None }
}
