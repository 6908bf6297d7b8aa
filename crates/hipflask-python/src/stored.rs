//! Sessions in a store: where the engine may have to wait. Other threads of Python run meanwhile.

use std::time::Duration;

use hipflask::{
    Reason,
    backend::Backend,
    config::{Format, ServerSide},
    core::{
        engine::Changes,
        interface::SaveAction,
        record,
        server_side::{Lookup, Offer},
        session::Session,
    },
    store::ConnectError,
    value::Value,
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    error,
    opened::Opened,
    process::Processes,
    state::core_session,
    value::{self, Dialect, Frozen, Reader},
};

pub(crate) struct Stored {
    pub(crate) interface: ServerSide,
    pub(crate) processes: Processes,
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
            self.look_up(py, offer, now)?
        };
        let (reason, cookie) = (lookup.reason(), lookup.cookie);
        let held = lookup.held.ok();
        match &held {
            Some(held) => value::fill(dict, held.snapshot().content())?,
            None if self.interface.settings().permanent => dict.set_item("_permanent", true)?,
            None => {}
        }
        Ok(Opened {
            frozen: Frozen::of(dict),
            reason,
            cookie,
            held,
            is_read_only: reason == Reason::StoreUnavailable,
            id_length: self.interface.settings().id_length,
            begun: Vec::new(),
            entropy: None,
        })
    }

    fn look_up(&self, py: Python<'_>, offer: Offer, now: Duration) -> PyResult<Lookup> {
        let unavailable = Lookup::unavailable(&offer);
        let find = async |backend: &Backend| backend.find(offer, now).await;
        match self.processes.try_run(py, find)? {
            Ok(found) => found.map_err(|failure| error::unavailable(py, &failure)),
            Err(ConnectError::Refused(_)) if self.processes.are_anonymous_on_outage() => {
                Ok(unavailable)
            }
            Err(failure) => Err(error::connect(py, &failure)),
        }
    }

    pub(crate) fn save(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Bound<'_, Opened>,
        modified: bool,
        now: Duration,
    ) -> PyResult<SaveAction> {
        let py = session.py();
        let mut opened = opened.borrow_mut();
        let is_due = opened.held.as_ref().is_some_and(|held| self.interface.is_due(held, now));
        if opened.is_read_only || !modified && !is_due {
            return Ok(SaveAction::Keep);
        }
        let reader = Reader::new(self.dialect());
        let grown = opened.grown(session)?;
        let session = core_session(Session::new_stored(false), &reader, session, modified, &grown)?;
        let (reason, held, entropy) = (opened.reason, opened.held.take(), opened.entropy.take());
        drop(opened);
        let saving =
            async |backend: &Backend| backend.save(&session, reason, held, entropy, now).await;
        let saved = self.processes.run(py, saving)?;
        Ok(saved.map_err(|failure| error::save(py, &failure))?.action)
    }

    /// Reports whether the store had, when it was last asked, what the session has under a key. What
    /// cannot be stored is in no store.
    pub(crate) fn has(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Opened,
        key: &str,
    ) -> PyResult<bool> {
        let Some(held) = &opened.held else { return Ok(false) };
        let settings = self.interface.settings();
        let stored = |value: Option<Value>| {
            let content = value.into_iter().map(|value| (key.into(), value)).collect();
            record::as_stored(&content, settings.format, settings.limits)
        };
        let object = session.get_item(key)?;
        let mine = object.map(|object| Reader::new(self.dialect()).value(&object)).transpose();
        let theirs = held.snapshot().content().get(key).cloned();
        Ok(mine.is_ok_and(|mine| stored(mine) == stored(theirs)))
    }

    /// Sets one key in the store, unless the store has something else than what is held; and brings
    /// what other requests have written into the session.
    pub(crate) fn try_update(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Bound<'_, Opened>,
        key: &str,
        value: &Bound<'_, PyAny>,
        attempt: u32,
        now: Duration,
    ) -> PyResult<bool> {
        let py = session.py();
        let reader = Reader::new(self.dialect());
        let (mine, value) = (reader.dict(session)?, reader.value(value)?);
        let grown = opened.borrow().grown(session)?;
        let held = opened.borrow_mut().held.take();
        let mut held = held.ok_or_else(|| error::misuse("the store does not have the session"))?;
        let base = held.snapshot().content().clone();
        let updated = self
            .processes
            .run(py, async |backend| backend.try_update(&mut held, key, value, attempt, now).await);
        let changes = Changes::new(&base, &mine).with_grown(&grown);
        value::bring(session, &mine, &changes.rebase(held.snapshot().content()))?;
        let mut opened = opened.borrow_mut();
        opened.held = Some(held);
        opened.freeze(session);
        updated?.map_err(|error| error::method(py, &error))
    }
}
