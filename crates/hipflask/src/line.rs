//! State that tasks and threads share, and the line in which they wait to use it one after the other.
//!
//! Who comes when is the core's [`Turns`]; this only locks, waits and wakes.

use std::{
    future::poll_fn,
    ops::{Deref, DerefMut},
    task::{Poll, Waker},
};

use hipflask_core::visit::{Turn, Turns};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Something that is used by one at a time.
pub(crate) struct Line<T>(Mutex<State<T>>);

struct State<T> {
    shared: T,
    turns: Turns,
    waiting: Vec<Waker>,
}

/// What is shared, for a moment.
pub(crate) struct Locked<'a, T>(MutexGuard<'a, State<T>>);

/// A place in the line. Whoever leaves, done or given up, makes way for the next.
#[must_use = "who drops the place leaves the line"]
pub(crate) struct Place<R: AsRef<Line<T>>, T> {
    line: R,
    turn: Turn,
    shared: std::marker::PhantomData<fn() -> T>,
}

/// The turn of whoever has waited in its place. It borrows the place, so that nobody goes on after having
/// left the line.
#[must_use = "keep it for as long as what is shared is used"]
pub(crate) struct OnTurn<'a>(std::marker::PhantomData<&'a ()>);

impl<T> Line<T> {
    pub(crate) fn new(shared: T) -> Self {
        let (turns, waiting) = Default::default();
        Self(Mutex::new(State { shared, turns, waiting }))
    }

    /// Whoever panicked cannot have left it half changed: each use is one step.
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        Locked(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Locked<'_, T> {
    pub(crate) fn turns(&mut self) -> &mut Turns {
        &mut self.0.turns
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.shared
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.shared
    }
}

impl<R: AsRef<Line<T>>, T> Place<R, T> {
    /// Takes a place as `choose` says.
    pub(crate) fn take<C>(line: R, choose: C) -> Option<Self>
    where
        C: FnOnce(&mut Turns) -> Option<Turn>,
    {
        let turn = choose(line.as_ref().lock().turns())?;
        Some(Self { line, turn, shared: std::marker::PhantomData })
    }

    /// Waits until nobody else is before this one.
    pub(crate) async fn wait(&self) -> OnTurn<'_> {
        poll_fn(|context| {
            let mut locked = self.line.as_ref().lock();
            if locked.turns().is_on(self.turn) {
                return Poll::Ready(());
            }
            let (waker, waiting) = (context.waker(), &mut locked.0.waiting);
            if !waiting.iter().any(|known| known.will_wake(waker)) {
                waiting.push(waker.clone());
            }
            Poll::Pending
        })
        .await;
        OnTurn(std::marker::PhantomData)
    }
}

impl<R: AsRef<Line<T>>, T> Drop for Place<R, T> {
    fn drop(&mut self) {
        let waiting = {
            let mut locked = self.line.as_ref().lock();
            locked.turns().leave(self.turn);
            std::mem::take(&mut locked.0.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}
