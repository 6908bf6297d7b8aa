//! Where an extractor finds the session of the request that is being handled.
//!
//! Each layer that a request passes has a slot. The slots of the task that is being polled lie on a
//! stack of the thread, the innermost last; between polls they rest in the response future.

use std::{borrow::Cow, cell::RefCell, sync::Arc};

use hipflask_core::{cookie, store::StoreError};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use tokio::sync::OnceCell;

use super::layer::Shared;
use crate::session::Session;

/// One layer's part in one request.
pub(super) struct Slot {
    pub(super) shared: Arc<Shared>,
    /// The session, once it was asked for.
    session: Option<Access>,
}

/// A session that was asked for.
#[derive(Clone)]
pub(crate) enum Access {
    /// It is there.
    Open(Session),
    /// Its store has to be asked first.
    Stored(Arc<Loading>),
}

/// A session that lies in a store. Whoever asks while it is loaded waits for the same answer.
pub(crate) struct Loading {
    shared: Arc<Shared>,
    cookie: Option<Vec<u8>>,
    session: OnceCell<Session>,
}

impl Access {
    /// Returns the session, after asking the store if it has to be.
    pub(crate) async fn session(self) -> Result<Session, Arc<StoreError>> {
        match self {
            Self::Open(session) => Ok(session),
            Self::Stored(loading) => {
                let load = || Session::load(&loading.shared, loading.cookie.as_deref());
                loading.session.get_or_try_init(load).await.cloned()
            }
        }
    }

    fn opened(&self) -> Option<&Session> {
        match self {
            Self::Open(session) => Some(session),
            Self::Stored(loading) => loading.session.get(),
        }
    }
}

thread_local! {
    static STACK: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with a slot on top of the stack and gives the slot back afterwards.
pub(super) fn scope<R>(slot: Slot, work: impl FnOnce() -> R) -> (Option<Slot>, R) {
    STACK.with_borrow_mut(|stack| stack.push(slot));
    let mut entered = Entered { panicking: true };
    let result = work();
    entered.panicking = false;
    (pop(), result)
}

/// Takes the slot off the stack also when the work under it panics.
struct Entered {
    panicking: bool,
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.panicking {
            drop(pop());
        }
    }
}

fn pop() -> Option<Slot> {
    STACK.with_borrow_mut(Vec::pop)
}

/// Closes the session however the request ends: by an error, a panic or a client that went away.
impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(session) = self.take_session() {
            session.close(|_| ());
        }
    }
}

impl Slot {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, session: None }
    }

    /// Opens the session although nobody has asked for it.
    pub(super) fn open_untouched(&mut self, headers: &HeaderMap) {
        let cookie = find_cookie(&self.shared, headers);
        let session = Session::open(&self.shared, cookie.as_deref(), false);
        self.session = Some(Access::Open(session));
    }

    /// Takes the session out, if somebody has asked for it and has got it.
    pub(super) fn take_session(&mut self) -> Option<Session> {
        self.session.take()?.opened().cloned()
    }

    /// Returns the session, which is opened if nobody has asked for it yet.
    fn access(&mut self, headers: &HeaderMap) -> Access {
        if let Some(access) = &self.session {
            if let Some(session) = access.opened() {
                session.note_access();
            }
            return access.clone();
        }
        let access = if self.shared.backend.is_some() {
            let cookie = find_cookie(&self.shared, headers).map(Cow::into_owned);
            let shared = Arc::clone(&self.shared);
            Access::Stored(Arc::new(Loading { shared, cookie, session: OnceCell::new() }))
        } else {
            let cookie = find_cookie(&self.shared, headers);
            Access::Open(Session::open(&self.shared, cookie.as_deref(), true))
        };
        self.session.insert(access).clone()
    }
}

/// Reports whether a layer around the current task has a cookie of this name.
pub(super) fn is_named(name: &str) -> bool {
    STACK.with_borrow(|stack| stack.iter().any(|slot| slot.shared.interface.name() == name))
}

/// Returns the session of the innermost layer around the current task. This is the access.
pub(crate) fn innermost(headers: &HeaderMap) -> Option<Access> {
    STACK.with_borrow_mut(|stack| Some(stack.last_mut()?.access(headers)))
}

/// Returns the session of the innermost layer whose cookie has this name. This is the access.
pub(crate) fn named(name: &str, headers: &HeaderMap) -> Option<Access> {
    STACK.with_borrow_mut(|stack| {
        let mut slots = stack.iter_mut().rev();
        Some(slots.find(|slot| slot.shared.interface.name() == name)?.access(headers))
    })
}

/// Returns the value of the layer's cookie.
fn find_cookie<'a>(shared: &Shared, headers: &'a HeaderMap) -> Option<Cow<'a, [u8]>> {
    let lines = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
    cookie::find_in(lines, shared.interface.name())
}
