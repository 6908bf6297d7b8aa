//! Where an extractor finds the session of the request that is being handled.
//!
//! Each layer that a request passes has a slot. The slots of the task that is being polled lie on a
//! stack of the thread, the innermost last; between polls they rest in the response future.

use std::{cell::RefCell, sync::Arc};

use http::HeaderMap;

use super::layer::Shared;
use crate::session::Session;

/// One layer's part in one request.
pub(super) struct Slot {
    pub(super) shared: Arc<Shared>,
    /// The session, once it was asked for.
    pub(super) session: Option<Session>,
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
        if let Some(session) = &self.session {
            session.close(|_| ());
        }
    }
}

impl Slot {
    /// Opens the session although nobody has asked for it.
    pub(super) fn open_untouched(&mut self, headers: &HeaderMap) {
        self.session = Some(Session::open(&self.shared, headers, false));
    }

    /// Returns the session, which is opened if nobody has asked for it yet.
    fn access(&mut self, headers: &HeaderMap) -> Session {
        if let Some(session) = &self.session {
            session.note_access();
            return session.clone();
        }
        self.session.insert(Session::open(&self.shared, headers, true)).clone()
    }
}

/// Reports whether a layer around the current task has a cookie of this name.
pub(super) fn is_named(name: &str) -> bool {
    STACK.with_borrow(|stack| stack.iter().any(|slot| slot.shared.interface.name() == name))
}

/// Returns the session of the innermost layer around the current task. This is the access.
pub(crate) fn innermost(headers: &HeaderMap) -> Option<Session> {
    STACK.with_borrow_mut(|stack| Some(stack.last_mut()?.access(headers)))
}

/// Returns the session of the innermost layer whose cookie has this name. This is the access.
pub(crate) fn named(name: &str, headers: &HeaderMap) -> Option<Session> {
    STACK.with_borrow_mut(|stack| {
        let mut slots = stack.iter_mut().rev();
        Some(slots.find(|slot| slot.shared.interface.name() == name)?.access(headers))
    })
}
