//! One request's session: opened by whoever asks first, and saved once, at the end.

use std::{borrow::Cow, sync::Arc};

use hipflask_core::{
    UnixTime, cookie,
    engine::EngineError,
    interface::CookieFacts,
    listing::device_of,
    reason::Reason,
    session::{ReadOnly, Session as Core},
    visit::{Closing, Machine, Opened, Opening, Step, Turns, Visit},
};
use http::HeaderValue;
use tracing::Span;

use crate::{
    SaveError, SessionInterface,
    line::{self, Line, Locked},
    report,
    saving::{Finish, Finished, Saving},
    spans,
    watch::{SessionWatch, Start},
};

/// The session of one request, asked for or not. Clones are the same, and go wherever the request goes.
#[derive(Clone)]
pub struct RequestSession(Arc<Inner>);

struct Inner {
    interface: SessionInterface,
    /// The `Cookie` lines of the request.
    cookies: Cookies,
    /// The same request's session of the layer outside of this one.
    outer: Option<RequestSession>,
    line: Line<State>,
}

/// How often tasks that have the session get to run before it is saved.
const YIELDS: u32 = 16;

pub(crate) type Place = line::Place<RequestSession, State>;

/// The lines of a header: mostly one, which needs no list.
pub(crate) struct Cookies {
    first: Option<HeaderValue>,
    others: Vec<HeaderValue>,
}

impl FromIterator<HeaderValue> for Cookies {
    fn from_iter<I: IntoIterator<Item = HeaderValue>>(lines: I) -> Self {
        let mut lines = lines.into_iter();
        Self { first: lines.next(), others: lines.collect() }
    }
}

pub(crate) struct State {
    stage: Stage,
    /// Empty until it was opened.
    pub(crate) session: Core,
    /// What is known beside the content, from when it was opened until it is saved.
    pub(crate) visit: Option<Visit>,
    pub(crate) reason: Reason,
    pub(crate) cookie: Option<CookieFacts>,
    /// Where the request came from, if the sessions of users are listed.
    device: Option<String>,
    /// Tells those who watch the session after this request what it is then, if somebody does.
    watched: Option<Start>,
    /// The request is done with it, saved or not.
    is_done: bool,
}

enum Stage {
    Failed(EngineError),
    Open,
    Unopened,
}

impl RequestSession {
    pub(crate) fn new(interface: SessionInterface, cookies: Cookies, outer: Option<Self>) -> Self {
        let state = State {
            stage: Stage::Unopened,
            session: Core::new(),
            visit: None,
            reason: Reason::NoCookie,
            cookie: None,
            device: None,
            watched: None,
            is_done: false,
        };
        Self(Arc::new(Inner { interface, cookies, outer, line: Line::new(state) }))
    }

    /// Takes the request's `User-Agent`, if the sessions of users are listed.
    pub(crate) fn set_user_agent(&self, user_agent: &[u8]) {
        if self.interface().lists_users() {
            self.lock().device = device_of(&String::from_utf8_lossy(user_agent));
        }
    }

    pub(crate) fn interface(&self) -> &SessionInterface {
        &self.0.interface
    }

    /// Returns the request's session of the innermost layer whose cookie has this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Self> {
        let mut each = std::iter::successors(Some(self), |request| request.0.outer.as_ref());
        each.find(|request| request.interface().cookie_name() == name)
    }

    /// Opens the session; `accessed` if that is because a handler asks for it.
    pub(crate) async fn open(&self, accessed: bool) -> Result<(), EngineError> {
        match self.try_open(accessed)? {
            // Boxed, because the future of every handler that asks for its session holds this one.
            Some(opening) => Box::pin(self.open_in_turn(accessed, opening)).await,
            None => Ok(()),
        }
    }

    /// Opens the session once those are done who were before, if they have not opened it.
    async fn open_in_turn(
        &self,
        accessed: bool,
        (opening, span, place): (Opening, Span, Place),
    ) -> Result<(), EngineError> {
        let _turn = place.wait().await;
        // Whoever was first in the line has opened it.
        if let Some(opened) = self.lock().opened(accessed) {
            return opened;
        }
        match self.interface().carry_on(opening, span).await {
            Ok(opened) => self.lock().open(opened, accessed, self.interface()),
            Err(error) => {
                self.lock().stage = Stage::Failed(error.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Opens the session if that takes no waiting, or else takes a place in the line.
    fn try_open(&self, accessed: bool) -> Result<Option<(Opening, Span, Place)>, EngineError> {
        let mut locked = self.lock();
        if let Some(opened) = locked.opened(accessed) {
            return opened.map(|()| None);
        }
        let interface = self.interface();
        let span = spans::opening();
        let open = || interface.live().sessions.open(self.cookie().as_deref(), interface.now());
        let opening = span.in_scope(open).with_device(locked.device.take());
        if matches!(opening.step(), Step::Done) {
            let opened = SessionInterface::opened(opening, Ok(()), &span)?;
            locked.open(opened, accessed, interface);
            return Ok(None);
        }
        drop(locked);
        let place = Place::take(self.clone(), |turns| Some(turns.enter_to_read()));
        Ok(place.map(|place| (opening, span, place)))
    }

    /// Opens the session of a signed cookie although nobody has asked for it.
    pub(crate) fn open_untouched(&self) {
        // What would have to wait for a store is left alone.
        let _ = self.try_open(false);
    }

    /// Takes a place in the line; `None` once the session is being saved.
    pub(crate) fn enter(&self) -> Option<Place> {
        Place::take(self.clone(), Turns::enter)
    }

    /// Saves the session for the last time.
    pub(crate) fn close(&self) -> Finish {
        // Whoever else has the session may change it now, or be about to in a task that has not run yet.
        if Arc::strong_count(&self.0) > 1 {
            let session = self.clone();
            return Finish::Wait(Saving::new(async move {
                for _ in 0..YIELDS {
                    tokio::task::yield_now().await;
                }
                let Some(place) = Place::take(session.clone(), Turns::close) else {
                    return Ok(None);
                };
                // What changes the session for longer than a store may take is not waited for.
                let _turn =
                    tokio::time::timeout(session.interface().deadline(), place.wait()).await;
                let closing = session.lock().start_to_close(session.interface().now());
                session.carry_out(closing).await
            }));
        }
        let mut locked = self.lock();
        locked.turns().seal();
        match locked.start_to_close(self.interface().now()) {
            Ok(Some((closing, span))) if !matches!(closing.step(), Step::Done) => {
                let (session, closing) = (self.clone(), Ok(Some((closing, span))));
                Finish::Wait(Saving::new(async move { session.carry_out(closing).await }))
            }
            closing => {
                let finished = match closing {
                    Ok(Some((closing, span))) => {
                        SessionInterface::saved(closing, Ok(()), &span).map(Some)
                    }
                    Ok(None) => Ok(None),
                    Err(failure) => Err(failure),
                };
                self.finished(&mut locked, &finished);
                Finish::Done(finished)
            }
        }
    }

    async fn carry_out(&self, closing: Result<Option<(Closing, Span)>, SaveError>) -> Finished {
        let finished = match closing {
            Ok(Some((closing, span))) => self.interface().save_in(closing, span).await.map(Some),
            Ok(None) => Ok(None),
            Err(failure) => Err(failure),
        };
        self.finished(&mut self.lock(), &finished);
        finished
    }

    /// Watches the session from when this request is done.
    pub(crate) fn watch(&self) -> SessionWatch {
        let mut locked = self.lock();
        let watch = locked.watched.get_or_insert_with(Start::new).watch();
        if locked.is_done {
            self.finished(&mut locked, &Ok(None));
        }
        watch
    }

    /// Tells those who watch what the request has left of its session.
    fn finished(&self, locked: &mut Locked<'_, State>, finished: &Finished) {
        locked.is_done = true;
        let Some(watched) = locked.watched.take() else { return };
        let saved = finished.as_ref().ok().and_then(Option::as_ref);
        let sessions = &self.interface().live().sessions;
        let cookie = self.cookie();
        let watch = sessions.watch(&locked.session, locked.reason, cookie.as_deref(), saved);
        watched.follow(self.interface(), watch);
    }

    /// Closes the session without saving it.
    pub(crate) fn abandon(&self) {
        let mut locked = self.lock();
        locked.turns().seal();
        locked.session.set_read_only(ReadOnly::ResponseStarted);
        self.finished(&mut locked, &Ok(None));
    }

    /// Changes the session if it was opened, and can be changed.
    #[cfg(feature = "axum")]
    pub(crate) fn if_open<R>(&self, change: impl FnOnce(&mut Core) -> R) -> Option<R> {
        let mut locked = self.lock();
        let can_change =
            matches!(locked.stage, Stage::Open) && locked.session.read_only().is_none();
        can_change.then(|| change(&mut locked.session))
    }

    /// Puts an empty session into the place of one that was opened, for a sender who may not have it. The
    /// browser keeps its cookie, and the store its record.
    #[cfg(feature = "dbsc")]
    pub(crate) fn withhold(&self, reason: Reason) {
        let live = self.interface().live();
        let (session, visit) =
            live.sessions.open(None, self.interface().now()).finish().into_parts();
        let state = &mut *self.lock();
        if matches!(state.stage, Stage::Open) {
            spans::count_opened(reason, state.cookie);
            report::opened(reason, state.cookie, &live.fingerprints);
            (state.session, state.visit, state.reason) = (session, Some(visit), reason);
        }
    }

    pub(crate) fn lock(&self) -> Locked<'_, State> {
        self.0.line.lock()
    }

    /// Returns the value of the session's cookie.
    fn cookie(&self) -> Option<Cow<'_, [u8]>> {
        let Cookies { first, others } = &self.0.cookies;
        let lines = first.iter().chain(others).map(HeaderValue::as_bytes);
        cookie::find_in(lines, self.interface().cookie_name())
    }
}

impl AsRef<Line<State>> for RequestSession {
    fn as_ref(&self) -> &Line<State> {
        &self.0.line
    }
}

impl std::fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RequestSession").field(&self.interface().cookie_name()).finish()
    }
}

impl State {
    /// Notes the access, if the session was opened, or says why it could not be.
    fn opened(&mut self, accessed: bool) -> Option<Result<(), EngineError>> {
        match &self.stage {
            Stage::Failed(error) => Some(Err(error.clone())),
            Stage::Open => {
                if accessed {
                    self.session.set_accessed(true);
                }
                Some(Ok(()))
            }
            Stage::Unopened => None,
        }
    }

    fn start_to_close(&mut self, now: UnixTime) -> Result<Option<(Closing, Span)>, SaveError> {
        let session = &mut self.session;
        session.set_read_only(ReadOnly::ResponseStarted);
        let Some(visit) = self.visit.take() else { return Ok(None) };
        spans::close(visit, session, now).map(Some)
    }
}

impl Locked<'_, State> {
    fn open(&mut self, opened: Opened, accessed: bool, interface: &SessionInterface) {
        let (mut session, visit) = opened.into_parts();
        session.set_accessed(accessed);
        if self.turns().is_closed() {
            session.set_read_only(ReadOnly::ResponseStarted);
        }
        (self.reason, self.cookie) = (visit.reason(), visit.cookie());
        report::opened(self.reason, self.cookie, &interface.live().fingerprints);
        (self.session, self.visit, self.stage) = (session, Some(visit), Stage::Open);
    }
}
