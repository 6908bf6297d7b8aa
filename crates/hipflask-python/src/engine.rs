//! Opens and saves the sessions of one app: Python's dicts and headers on one side, the core's
//! interface and a store on the other.
//!
//! Decides nothing itself. Where the store is asked, other threads of Python run meanwhile.

use std::{borrow::Cow, time::Duration};

use hipflask::{
    Error, SaveFailure,
    config::{Interface, ServerSide},
    core::{
        cookie,
        interface::{SaveAction, Saved},
        server_side::{Found, SessionId},
        session::Session,
    },
    value::Value,
};
use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyString},
};

use crate::{
    error,
    opened::Opened,
    process::Processes,
    settings::Settings,
    value::{self, Dialect, Reader},
};

/// What opens and saves an app's sessions. Its settings never change: an app that changes its
/// configuration gets another one.
#[pyclass(frozen, module = "hipflask._native")]
pub(crate) struct Engine {
    interface: Interface,
    refresh_each_request: bool,
    #[pyo3(get)]
    fingerprints: Vec<String>,
    stored: Option<Stored>,
}

struct Stored {
    interface: ServerSide,
    processes: Processes,
}

/// What the class `Session` says of a session besides its content.
#[derive(FromPyObject)]
struct State {
    modified: bool,
    accessed: bool,
    #[pyo3(attribute("_cleared"))]
    cleared: bool,
    #[pyo3(attribute("_renewed"))]
    renewed: bool,
    #[pyo3(attribute("_ended"))]
    ended: bool,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (keys, values, store = None))]
    fn new(
        py: Python<'_>,
        keys: Vec<Vec<u8>>,
        values: &Bound<'_, PyDict>,
        store: Option<String>,
    ) -> PyResult<Self> {
        let Settings { config, refresh_each_request } = Settings::read(keys, values)?;
        let refuse = |mistake| error::config(py, &mistake);
        let ring = config.secret_key().ring();
        let fingerprints = std::iter::once(ring.current()).chain(ring.fallbacks());
        Ok(Self {
            interface: config.build().map_err(refuse)?,
            refresh_each_request,
            fingerprints: fingerprints.map(|key| key.fingerprint()).collect(),
            stored: match store {
                None => None,
                Some(address) => Some(Stored {
                    interface: config.build_server_side().map_err(refuse)?,
                    processes: Processes::new(config, address),
                }),
            },
        })
    }

    /// Whether sessions lie in a store, and not in the cookie.
    #[getter]
    fn is_stored(&self) -> bool {
        self.stored.is_some()
    }

    /// Opens the session of a `Cookie` header and puts its content into `session`.
    fn open(
        &self,
        session: &Bound<'_, PyDict>,
        header: Option<&Bound<'_, PyString>>,
        now: f64,
    ) -> PyResult<Opened> {
        let now = time(now);
        let header = header.map(bytes_of).transpose()?;
        let header = header.as_deref();
        let cookie = header.and_then(|header| cookie::find(header, self.interface.name()));
        let opened = match &self.stored {
            None => {
                let opened = self.interface.open(cookie.as_deref(), now);
                Opened {
                    content: opened.session.to_dict(),
                    reason: opened.reason,
                    cookie: opened.cookie,
                    held: None,
                    is_read_only: false,
                    id_length: 0,
                    entropy: None,
                }
            }
            Some(stored) => stored.open(session.py(), cookie.as_deref(), now)?,
        };
        value::fill(session, opened.base())?;
        Ok(opened)
    }

    /// Saves a session. Returns the `Set-Cookie` to send, and whether the response varies by cookie.
    fn save(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Bound<'_, Opened>,
        now: f64,
        default: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Option<String>, bool)> {
        let (py, now) = (session.py(), time(now));
        let state: State = session.extract()?;
        let saved = match &self.stored {
            None if !state.modified && !self.is_refreshed(session)? => Saved::keep(state.accessed),
            None => {
                let reader = Reader { dialect: Dialect::Tagged, default };
                let session = core_session(Session::new(), &reader, session, &state)?;
                let saved = self.interface.save(&session, now);
                saved.map_err(|mistake| error::save(py, &SaveFailure::from(mistake)))?
            }
            Some(stored) => stored.save(session, opened, &state, now)?,
        };
        let header = match saved.action {
            SaveAction::Set(header) | SaveAction::Delete(header) => Some(header),
            _ => None,
        };
        Ok((header, saved.vary))
    }

    /// Changes one key of a stored session atomically; `None` if it is not in the store yet.
    fn update<'py>(
        &self,
        session: &Bound<'py, PyDict>,
        opened: &Bound<'py, Opened>,
        key: &str,
        function: &Bound<'py, PyAny>,
        now: f64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(stored) = &self.stored else { return Ok(None) };
        stored.update(session, opened, key, function, time(now))
    }

    /// Ends the session of an id, and reports whether there was one.
    fn revoke(&self, py: Python<'_>, sid: &str) -> PyResult<bool> {
        let Some(stored) = &self.stored else {
            return Err(error::misuse(
                "a signed cookie cannot be revoked: change SECRET_KEY, or keep sessions in a store",
            ));
        };
        let Some(id) = SessionId::parse(sid.as_bytes()) else { return Ok(false) };
        let revoked = stored.processes.run(py, async |backend| backend.revoke(&id).await)?;
        revoked.map_err(|failure| error::unavailable(py, &failure.to_string()))
    }
}

impl Engine {
    /// Reports whether a session that nobody has changed is sent again.
    fn is_refreshed(&self, session: &Bound<'_, PyDict>) -> PyResult<bool> {
        if !self.refresh_each_request {
            return Ok(false);
        }
        let permanent = session.get_item(intern!(session.py(), "_permanent"))?;
        permanent.map_or(Ok(false), |permanent| permanent.is_truthy())
    }
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
    fn open(&self, py: Python<'_>, cookie: Option<&[u8]>, now: Duration) -> PyResult<Opened> {
        let offer = self.interface.identify(cookie);
        // Visitors without a session do not reach the store.
        let found = if offer.id.is_err() {
            self.interface.open(offer, None, now)
        } else {
            let loaded = self.processes.run(py, async |backend| backend.load(cookie, now).await)?;
            loaded.map_err(|failure| error::unavailable(py, &failure.to_string()))?
        };
        let Found { session, reason, cookie, held, .. } = found;
        Ok(Opened {
            content: if held.is_some() { Default::default() } else { session.to_dict() },
            reason,
            cookie,
            held,
            is_read_only: session.read_only().is_some(),
            id_length: self.interface.settings().id_length,
            entropy: None,
        })
    }

    fn save(
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
        let session = core_session(Session::new_stored(false), &RECORD, session, state)?;
        let (reason, held, entropy) = (opened.reason, opened.held.take(), opened.entropy.take());
        drop(opened);
        let saving =
            async |backend: &_| save_in(backend, &session, reason, held, entropy, now).await;
        self.processes.run(py, saving)?.map_err(|failure| error::save(py, &failure))
    }

    fn update<'py>(
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
        let change = |old: Option<Value>| {
            Python::attach(|py| {
                let old = old.map(|old| value::to_python(py, &old)).transpose()?;
                Ok(RECORD.value(&function.bind(py).call1((old,))?)?)
            })
        };
        let held_ref = &mut held;
        let updated = self.processes.run(py, async move |backend| {
            backend.update::<UpdateError>(held_ref, key, change, now).await
        });
        // Also what other requests have changed is here now.
        let mut core = Session::new_stored(false);
        let brought = RECORD.dict(session).and_then(|content| {
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
        value::fill(session, &core.to_dict())?;
        value::to_python(py, &value).map(Some)
    }
}

const RECORD: Reader<'static, 'static> = Reader { dialect: Dialect::Record, default: None };

async fn save_in(
    backend: &hipflask::backend::Backend,
    session: &Session,
    reason: hipflask::Reason,
    held: Option<hipflask::core::server_side::Held>,
    entropy: Option<Vec<u8>>,
    now: Duration,
) -> Result<Saved, SaveFailure> {
    backend.save(session, reason, held, entropy, now).await
}

/// Builds the core's session from the app's.
fn core_session<'py>(
    mut core: Session,
    reader: &Reader<'_, 'py>,
    session: &Bound<'py, PyDict>,
    state: &State,
) -> PyResult<Session> {
    let content = Value::Dict(reader.dict(session)?);
    let all = match (state.ended, state.cleared) {
        (true, _) => core.destroy(),
        (false, true) => core.clear(),
        (false, false) => Ok(()),
    };
    let all = all.and_then(|()| core.set_all(content));
    let all = all.and_then(|()| if state.renewed { core.renew() } else { Ok(()) });
    all.map_err(|error| error::method(session.py(), &error.into()))?;
    core.set_modified(state.modified);
    core.set_accessed(state.accessed);
    Ok(core)
}

/// Returns a time since 1970; one before it counts as 1970.
fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Returns the bytes of a header, which WSGI hands over as Latin-1.
fn bytes_of<'a>(header: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, [u8]>> {
    match value::utf8(header) {
        Some(Cow::Borrowed(text)) if text.is_ascii() => Ok(Cow::Borrowed(text.as_bytes())),
        _ => {
            let bytes = header.call_method1("encode", ("latin-1", "replace"))?;
            Ok(Cow::Owned(bytes.extract()?))
        }
    }
}
