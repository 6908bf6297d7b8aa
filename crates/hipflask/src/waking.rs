//! Which sessions are watched in this process, and who wakes those who watch: whoever changes a record
//! on which it depends whether the session lives.
//!
//! Where nothing is watched, a request pays one look at a number.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use hipflask_core::{
    reason::Reason,
    store::{Question, RecordKey},
    visit::Watch,
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// Tells why a session has ended, once it has.
pub(crate) type End = watch::Receiver<Option<Reason>>;

type ByKey = HashMap<RecordKey, Vec<Arc<Watched>>>;

/// What is watched in this process.
#[derive(Default)]
pub(crate) struct Watches {
    by_key: Mutex<ByKey>,
    n_keys: AtomicUsize,
}

/// A session that is watched, by one or more.
pub(crate) struct Watched {
    watch: Watch,
    keys: Vec<RecordKey>,
    woken: Notify,
    end: watch::Sender<Option<Reason>>,
}

impl Watches {
    /// Takes part in what others watch already, or starts to watch: then the caller is to look.
    pub(crate) fn join(&self, watch: &Watch, keys: Vec<RecordKey>) -> (End, Option<Arc<Watched>>) {
        let mut by_key = self.lock();
        let others = keys.first().and_then(|key| by_key.get(key)).into_iter().flatten();
        if let Some(other) = others.into_iter().find(|other| other.watch.is_like(watch)) {
            return (other.end.subscribe(), None);
        }
        let (end, ends) = watch::channel(None);
        let watched = Arc::new(Watched { watch: watch.clone(), keys, woken: Notify::new(), end });
        for key in &watched.keys {
            by_key.entry(key.clone()).or_default().push(Arc::clone(&watched));
        }
        self.n_keys.store(by_key.len(), Ordering::Release);
        (ends, Some(watched))
    }

    /// Wakes those who watch a session that a question may have ended, once it was asked: also if its
    /// answer was lost, or nobody waits for it any more.
    pub(crate) const fn wake_after<'a>(&'a self, question: &'a Question<'a>) -> impl Drop {
        WakeAfter(self, question)
    }

    fn wake(&self, question: &Question<'_>) {
        if self.n_keys.load(Ordering::Acquire) == 0 {
            return;
        }
        let by_key = self.lock();
        let concerned = question.changes().and_then(|key| by_key.get(key));
        concerned.into_iter().flatten().for_each(|watched| watched.woken.notify_one());
    }

    /// Ends watching, and reports whether it has: not if somebody has joined meanwhile.
    pub(crate) fn leave(&self, watched: &Arc<Watched>, reason: Option<Reason>) -> bool {
        let mut by_key = self.lock();
        if reason.is_none() && watched.end.receiver_count() > 0 {
            return false;
        }
        for key in &watched.keys {
            let Entry::Occupied(mut all) = by_key.entry(key.clone()) else { continue };
            all.get_mut().retain(|other| !Arc::ptr_eq(other, watched));
            if all.get().is_empty() {
                all.remove();
            }
        }
        self.n_keys.store(by_key.len(), Ordering::Release);
        // The first reason counts.
        watched.end.send_if_modified(|end| {
            let is_first = end.is_none();
            *end = end.or(reason);
            is_first
        });
        true
    }

    fn lock(&self) -> MutexGuard<'_, ByKey> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct WakeAfter<'a>(&'a Watches, &'a Question<'a>);

impl Drop for WakeAfter<'_> {
    fn drop(&mut self) {
        self.0.wake(self.1);
    }
}

impl Watched {
    /// Reports whether somebody still watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.end.receiver_count() > 0
    }

    /// Waits until it is time to look again, or until nobody watches any more.
    pub(crate) async fn wait(&self, pause: Duration) {
        let (mut woken, mut left) = (pin!(self.woken.notified()), pin!(self.end.closed()));
        let either = poll_fn(|context| {
            let is_over = woken.as_mut().poll(context).is_ready();
            if is_over || left.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            Poll::Pending
        });
        let _ = timeout(pause, either).await;
    }
}
