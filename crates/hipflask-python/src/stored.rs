//! Sessions in a store: where the engine may have to wait. Other threads of Python run meanwhile.

use hipflask::{
    SaveError, SessionConfig, SessionInterface, UnixTime,
    config::Format,
    core::{
        engine::EngineError,
        interface::SaveAction,
        listing::device_of,
        session::{Fate, Session},
        stored::SessionId,
        visit::{Machine, Sessions, Step, Updating as Core},
    },
    store::{ConnectError, StoreKind},
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    client::Client,
    error, log,
    opened::{Opened, random},
    process::Processes,
    state::core_session,
    value::{self, Dialect, Reader},
};

/// The handle of a session, when it has logged in and was last seen, its device, in how many seconds it ends,
/// and its bytes.
pub(crate) type UserSession =
    (String, Option<f64>, Option<f64>, Option<String>, Option<f64>, usize);

pub(crate) struct Stored {
    sessions: Sessions,
    pub(crate) dialect: Dialect,
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

impl Road {
    /// Takes the address of a store, or a client that is one; and says its only format, if it has one.
    fn new(config: SessionConfig, store: Bound<'_, PyAny>) -> PyResult<(Self, Option<Format>)> {
        let py = store.py();
        if let Ok(address) = store.extract::<String>() {
            let format = StoreKind::of(&address).ok().and_then(StoreKind::record_format);
            Ok((Self::Native(Box::new(Processes::new(py, config, address)?)), format))
        } else {
            let client = Client::new(store, config.store_deadline())?;
            let format = client.record_format(py)?;
            Ok((Self::Client(client), format))
        }
    }
}

impl Stored {
    /// Takes the address of a store, or a client that is one.
    pub(crate) fn new(config: SessionConfig, store: Bound<'_, PyAny>) -> PyResult<Self> {
        let py = store.py();
        let rules = config.build_stored().map_err(|mistake| error::config(py, &mistake))?;
        let (road, format) = Road::new(config, store)?;
        let rules = rules.with_record_format(format);
        let rules = match &road {
            Road::Client(_) => rules.with_renewal_at_once(false),
            Road::Native(_) => rules,
        };
        let dialect = match rules.settings().format {
            Format::Json => Dialect::Json,
            Format::TaggedJson => Dialect::Tagged,
            _ => Dialect::Record,
        };
        Ok(Self { dialect, id_length: rules.settings().id_length, sessions: rules.into(), road })
    }

    /// Takes the store that keeps what of signed cookies is refused, in the same way.
    pub(crate) fn of_revocations(config: SessionConfig, store: Bound<'_, PyAny>) -> PyResult<Self> {
        let rules = config.build_revocable();
        let rules = rules.map_err(|mistake| error::config(store.py(), &mistake))?;
        let (road, format) = Road::new(config, store)?;
        let sessions = rules.with_record_format(format).into();
        Ok(Self { dialect: Dialect::Tagged, id_length: 0, sessions, road })
    }

    pub(crate) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Whether the sessions of users are listed.
    pub(crate) fn lists_users(&self) -> bool {
        matches!(&self.sessions, Sessions::Stored(rules) if rules.settings().listing.is_some())
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

    /// Ends all sessions of a user.
    pub(crate) fn revoke_user(&self, py: Python<'_>, user: &str, now: UnixTime) -> PyResult<()> {
        if let Some(ended) = self.natively(py, async |it| it.revoke_user(user).await) {
            return ended;
        }
        let revoking = self.sessions.revoke_user(user, now);
        self.end(py, &mut revoking.ok_or_else(not_revocable)?)
    }

    /// Ends all sessions of a session's user but this one.
    pub(crate) fn revoke_others(
        &self,
        opened: &Bound<'_, Opened>,
        user: &str,
        now: UnixTime,
    ) -> PyResult<()> {
        let (py, visit) = (opened.py(), opened.borrow().visit.clone());
        let revoking = visit.revoke_others(user, now);
        self.end(py, &mut revoking.ok_or_else(not_revocable)?)
    }

    /// Returns the sessions of a user.
    pub(crate) fn sessions_of(
        &self,
        py: Python<'_>,
        user: &str,
        now: UnixTime,
    ) -> PyResult<Vec<UserSession>> {
        let seconds = |time: UnixTime| time.since(UnixTime::default()).as_secs_f64();
        let of = |it: hipflask::UserSession| {
            let (logged_in, seen) = (it.authenticated_at(), it.last_seen());
            let expires_in = it.expires_in().map(|left| left.as_secs_f64());
            let device = it.device().map(str::to_owned);
            (it.handle(), logged_in.map(seconds), seen.map(seconds), device, expires_in, it.len())
        };
        let found = match self.natively(py, async |it| it.sessions_of(user).await) {
            Some(found) => found?,
            None => {
                let mut listing = self.sessions.sessions_of(user, now).ok_or_else(not_listable)?;
                self.end(py, &mut listing)?;
                listing.into_sessions()
            }
        };
        Ok(found.into_iter().map(of).collect())
    }

    /// Ends one session of a user by its handle, and reports whether it was there.
    pub(crate) fn revoke_session_of(
        &self,
        py: Python<'_>,
        user: &str,
        handle: &str,
        now: UnixTime,
    ) -> PyResult<bool> {
        if let Some(ended) = self.natively(py, async |it| it.revoke_session_of(user, handle).await)
        {
            return ended;
        }
        let revoking = self.sessions.revoke_session_of(user, handle, now);
        let mut revoking = revoking.ok_or_else(not_listable)?;
        self.end(py, &mut revoking)?;
        Ok(revoking.was_there())
    }

    fn end(&self, py: Python<'_>, machine: &mut (impl Machine + Send)) -> PyResult<()> {
        self.drive(py, machine)?.map_err(|failure| error::engine(py, failure))
    }

    /// Does something with our own connections to a store of sessions, if we have them: their rules know
    /// the store, and what they have seen lately is forgotten there.
    fn natively<T: Send>(
        &self,
        py: Python<'_>,
        work: impl AsyncFnOnce(&SessionInterface) -> hipflask::Result<T> + Send,
    ) -> Option<PyResult<T>> {
        let (Road::Native(processes), Sessions::Stored(_)) = (&self.road, &self.sessions) else {
            return None;
        };
        let done = processes.run(py, work);
        Some(done.and_then(|done| done.map_err(|failure| error::method(py, &failure))))
    }

    pub(crate) fn drive(
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
        user_agent: Option<&str>,
        now: UnixTime,
    ) -> PyResult<Opened> {
        let py = dict.py();
        // Visitors without a session do not reach the store.
        let device = user_agent.and_then(device_of);
        let mut opening = self.sessions.open(cookie, now).with_device(device);
        let opened = match &self.road {
            _ if matches!(opening.step(), Step::Done) => Ok(opening.finish()),
            Road::Client(client) => {
                let driven = client.drive(py, &mut opening)?;
                log::during(|| SessionInterface::end_opening(opening, driven))
            }
            Road::Native(processes) => {
                let open = async |interface: &SessionInterface| match &self.sessions {
                    Sessions::Stored(_) => interface.open_at(cookie, user_agent, now).await,
                    _ => {
                        let mut opening = opening.clone();
                        let driven = interface.drive(&mut opening).await;
                        SessionInterface::end_opening(opening, driven)
                    }
                };
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
        {
            let opened = opened.borrow();
            if opened.is_read_only() || !modified && !opened.visit.is_due(now) {
                return Ok(SaveAction::Keep);
            }
        }
        let reader = Reader::new(self.dialect);
        let grown = opened.borrow().grown(session)?;
        let session = core_session(Session::new_stored(false), &reader, session, modified, &grown)?;
        self.close(opened, &session, now)
    }

    /// Saves a session as the app has left it.
    pub(crate) fn close(
        &self,
        opened: &Bound<'_, Opened>,
        session: &Session,
        now: UnixTime,
    ) -> PyResult<SaveAction> {
        let py = opened.py();
        let mut opened = opened.borrow_mut();
        if opened.entropy.is_none() {
            opened.entropy = Some(random(py, opened.visit.entropy_len(session))?);
        }
        let (visit, entropy) = (opened.visit.clone(), opened.entropy.take().unwrap_or_default());
        drop(opened);
        let saved = match &self.road {
            Road::Client(client) => {
                let closing = visit.close(session, &entropy, now);
                let mut closing = closing.map_err(|failure| error::save(py, &failure.into()))?;
                client.settle(py)?;
                let driven = client.drive(py, &mut closing)?;
                log::during(|| SessionInterface::end_saving(closing, driven))
            }
            Road::Native(processes) => {
                let saving = async |interface: &SessionInterface| {
                    let closing = visit.close(session, &entropy, now);
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

fn not_listable() -> PyErr {
    error::misuse("signed cookies cannot be listed: nobody knows how many there are")
}

fn not_revocable() -> PyErr {
    error::misuse("signed cookies cannot be revoked: set SESSION_REVOCATIONS")
}
