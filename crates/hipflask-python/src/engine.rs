//! Opens and saves the sessions of one app: Python's dicts and headers on one side, the core's
//! interface and a store on the other.
//!
//! Decides nothing itself.

use std::borrow::Cow;

use hipflask::{
    UnixTime,
    config::{CookieSessions, Digest},
    core::{
        cookie,
        engine::EngineError,
        interface::SaveAction,
        serializer::JsonStyle,
        session::Session,
        stored::SessionId,
        visit::{Machine, Sessions},
    },
};
use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyString},
};

use crate::{
    error,
    opened::{Opened, random},
    settings,
    state::core_session,
    stored::{Stored, UserSession},
    updating::{Updating, start_update},
    value::{self, Dialect, Reader},
    watching::Watching,
};

/// What opens and saves an app's sessions. Its settings never change: an app that changes its
/// configuration gets another one.
#[pyclass(frozen, module = "hipflask._native")]
pub(crate) struct Engine {
    interface: CookieSessions,
    signed: Sessions,
    #[pyo3(get)]
    fingerprints: Vec<String>,
    stored: Option<Stored>,
    /// What asks the store of revocations, if signed cookies can be revoked.
    revocable: Option<Stored>,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (keys, values, store = None, revocations = None))]
    fn new(
        py: Python<'_>,
        keys: Vec<Vec<u8>>,
        values: &Bound<'_, PyDict>,
        store: Option<Bound<'_, PyAny>>,
        revocations: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let config = settings::read(keys, values)?;
        let refuse = |mistake| error::config(py, &mistake);
        let interface = config.build().map_err(refuse)?;
        let needing = config.needing_a_store(revocations.is_some());
        for name in needing.into_iter().filter(|_| store.is_none()) {
            tracing::warn!(target: "hipflask", "{name} has no effect: set SESSION_TYPE or SESSION_STORE");
        }
        if let Some(text) = config.beyond_browsers() {
            tracing::warn!(target: "hipflask", "{text}");
        }
        if revocations.is_some() && store.is_some() {
            tracing::warn!(
                target: "hipflask",
                "SESSION_REVOCATIONS has no effect: sessions lie in a store, where they are ended"
            );
        }
        let revocable = revocations.filter(|_| store.is_none());
        let revocable =
            revocable.map(|it| Stored::of_revocations(config.clone(), it)).transpose()?;
        Ok(Self {
            revocable,
            signed: interface.clone().into(),
            interface,
            fingerprints: config.secret_key().fingerprints(),
            stored: store.map(|store| Stored::new(config, store)).transpose()?,
        })
    }

    /// The names of the digests that are accepted at a time, first the one that signs.
    fn digests(&self, now: f64) -> Vec<&'static str> {
        self.interface.digests(time(now)).map(Digest::name).collect()
    }

    /// Whether sessions lie in a store, and not in the cookie.
    #[getter]
    fn is_stored(&self) -> bool {
        self.stored.is_some()
    }

    /// Whether a store is asked at all.
    #[getter]
    fn asks(&self) -> bool {
        self.asked().is_some()
    }

    /// Whether a call waits for a store without Python knowing of it, so that greenlets would wait with it.
    #[getter]
    fn blocks(&self) -> bool {
        self.asked().is_some_and(Stored::blocks)
    }

    /// Whether the sessions of users are listed.
    #[getter]
    fn lists_users(&self) -> bool {
        self.stored.as_ref().is_some_and(Stored::lists_users)
    }

    /// Opens the session of a `Cookie` header and puts its content into `session`.
    #[pyo3(signature = (session, header, now, user_agent = None))]
    fn open(
        &self,
        session: &Bound<'_, PyDict>,
        header: Option<&Bound<'_, PyString>>,
        now: f64,
        user_agent: Option<&str>,
    ) -> PyResult<Opened> {
        let now = time(now);
        let header = header.map(bytes_of).transpose()?;
        let header = header.as_deref();
        let cookie = header.and_then(|header| cookie::find_joined(header, self.interface.name()));
        if let Some(stored) = self.asked() {
            return stored.open(session, cookie.as_deref(), user_agent, now);
        }
        let (opened, visit) = self.signed.open(cookie.as_deref(), now).finish().into_parts();
        value::fill_from(session, &opened)?;
        Opened::new(session, visit, 0)
    }

    /// Saves a session, and returns the `Set-Cookie` to send. `json` is the app's provider of JSON, which
    /// has a say in what a signed cookie holds.
    fn save(
        &self,
        session: &Bound<'_, PyDict>,
        opened: &Bound<'_, Opened>,
        now: f64,
        json: &Bound<'_, PyAny>,
    ) -> PyResult<Option<String>> {
        let (py, now) = (session.py(), time(now));
        let modified = session.getattr(intern!(py, "modified"))?.is_truthy()?;
        let action = match &self.stored {
            None if opened.borrow().is_read_only() => SaveAction::Keep,
            None if !modified && !self.is_refreshed(session)? => SaveAction::Keep,
            None => {
                let default = json.getattr(intern!(py, "default"))?;
                let reader = Reader { dialect: Dialect::Tagged, default: Some(&default) };
                let mut blank = Session::new();
                blank.set_json_style(JsonStyle {
                    sort_keys: json.getattr(intern!(py, "sort_keys"))?.is_truthy()?,
                    ensure_ascii: json.getattr(intern!(py, "ensure_ascii"))?.is_truthy()?,
                });
                let session = core_session(blank, &reader, session, modified, &[])?;
                if let Some(revocable) = &self.revocable {
                    revocable.close(opened, &session, now)?
                } else {
                    let entropy = random(py, self.interface.entropy_len(&session))?;
                    let saved = self.interface.save_with(&session, &entropy, now);
                    saved.map_err(|mistake| error::engine(py, mistake.into()))?.action
                }
            }
            Some(stored) => stored.save(session, opened, modified, now)?,
        };
        Ok(match action {
            SaveAction::Set(header) | SaveAction::Delete(header) => Some(header),
            _ => None,
        })
    }

    /// Starts to change one key of a session in its store; `None` if nobody else can have it.
    fn update(
        slf: &Bound<'_, Self>,
        session: &Bound<'_, PyDict>,
        opened: &Bound<'_, Opened>,
        key: &str,
        now: f64,
    ) -> PyResult<Option<Updating>> {
        start_update(slf, session, opened, key, now)
    }

    /// Watches the session of a cookie with this value.
    fn watch(slf: &Bound<'_, Self>, cookie: &str) -> PyResult<Watching> {
        Watching::of(slf, cookie.as_bytes())
    }

    /// Ends all sessions of a user.
    fn revoke_user(&self, py: Python<'_>, user: &str, now: f64) -> PyResult<()> {
        self.for_users()?.revoke_user(py, user, time(now))
    }

    /// Ends all sessions of a session's user but this one.
    fn revoke_others(&self, opened: &Bound<'_, Opened>, user: &str, now: f64) -> PyResult<()> {
        self.for_users()?.revoke_others(opened, user, time(now))
    }

    /// Returns the sessions of a user.
    fn sessions_of(&self, py: Python<'_>, user: &str, now: f64) -> PyResult<Vec<UserSession>> {
        self.for_users()?.sessions_of(py, user, time(now))
    }

    /// Ends one session of a user by its handle, and reports whether it was there.
    fn revoke_session_of(
        &self,
        py: Python<'_>,
        user: &str,
        handle: &str,
        now: f64,
    ) -> PyResult<bool> {
        self.for_users()?.revoke_session_of(py, user, handle, time(now))
    }

    /// Removes up to `limit` expired records, and returns how many; 0 where the store does so.
    fn purge(&self, py: Python<'_>, limit: usize) -> PyResult<usize> {
        self.asked().map_or(Ok(0), |stored| stored.purge(py, limit))
    }

    /// Ends the session of an id, and reports whether there was one.
    fn revoke(&self, py: Python<'_>, sid: &str) -> PyResult<bool> {
        let Some(stored) = &self.stored else {
            return Err(error::misuse(
                "a signed cookie cannot be revoked: change SECRET_KEY, or keep sessions in a store",
            ));
        };
        let Some(id) = SessionId::parse(sid.as_bytes()) else { return Ok(false) };
        stored.revoke(py, &id)
    }
}

impl Engine {
    /// Returns what asks a store, if anything does.
    fn asked(&self) -> Option<&Stored> {
        self.stored.as_ref().or(self.revocable.as_ref())
    }

    /// Returns the rules of all sessions.
    pub(crate) fn sessions(&self) -> &Sessions {
        self.asked().map_or(&self.signed, Stored::sessions)
    }

    /// Asks the store what a machine asks, if there is a store.
    pub(crate) fn drive(
        &self,
        py: Python<'_>,
        machine: &mut (impl Machine + Send),
    ) -> PyResult<Result<(), EngineError>> {
        self.asked().map_or(Ok(Ok(())), |stored| stored.drive(py, machine))
    }

    fn for_users(&self) -> PyResult<&Stored> {
        self.asked().ok_or_else(|| {
            error::misuse(
                "signed cookies cannot be revoked: set SESSION_REVOCATIONS to the address of a store, or \
                 keep sessions in a store",
            )
        })
    }

    /// Returns what has to do with the store.
    pub(crate) fn stored(&self) -> PyResult<&Stored> {
        self.stored.as_ref().ok_or_else(|| error::misuse("a signed cookie is in no store"))
    }

    /// Reports whether a session that nobody has changed is sent again.
    fn is_refreshed(&self, session: &Bound<'_, PyDict>) -> PyResult<bool> {
        if !self.interface.refreshes_each_request() {
            return Ok(false);
        }
        let permanent = session.get_item(intern!(session.py(), "_permanent"))?;
        permanent.map_or(Ok(false), |permanent| permanent.is_truthy())
    }
}

/// Returns a time since 1970; one before it counts as 1970.
pub(crate) fn time(seconds: f64) -> UnixTime {
    UnixTime::from_secs_f64(seconds)
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
