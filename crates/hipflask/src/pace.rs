//! Deadlines that cost no timer each: one of a runtime ticks while something waits, and looks which
//! deadlines have passed.
//!
//! A timer that is nearer than all others wakes tokio's driver by a system call, and that of a request
//! always is.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    runtime::{Handle, Id},
    time::{Instant, sleep},
};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How much later than its deadline something may be given up.
const TICK: Duration = Duration::from_millis(25);

/// The runtimes in which a timer ticks.
static PACES: Mutex<Vec<(Id, Arc<Pace>)>> = Mutex::new(Vec::new());

/// What waits in one runtime.
#[derive(Default)]
struct Pace(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    places: Vec<Option<(Instant, Waker)>>,
    free: Vec<usize>,
}

/// A place among those that wait, which is free again when this is dropped.
struct Place {
    pace: Arc<Pace>,
    number: usize,
}

/// The timer's task. Dropped, as when the runtime ends, it leaves nothing behind.
struct Ticker {
    runtime: Id,
    pace: Arc<Pace>,
}

pin_project_lite::pin_project! {
    /// Waits for a future, and no longer than to a deadline: `None` then, at most [`TICK`] too late.
    pub(crate) struct Until<F> {
        #[pin]
        future: F,
        deadline: Instant,
        place: Option<Place>,
    }
}

/// Waits for a future as long as a deadline allows.
pub(crate) const fn until<F: Future>(deadline: Instant, future: F) -> Until<F> {
    Until { future, deadline, place: None }
}

impl<F: Future> Future for Until<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(context) {
            *this.place = None;
            return Poll::Ready(Some(output));
        }
        match this.place {
            // Whatever the time is, the next tick looks.
            None => *this.place = Some(Place::take(*this.deadline, context.waker().clone())),
            Some(_) if Instant::now() >= *this.deadline => {
                *this.place = None;
                return Poll::Ready(None);
            }
            Some(place) => place.wake_by(context.waker()),
        }
        Poll::Pending
    }
}

impl Place {
    fn take(deadline: Instant, waker: Waker) -> Self {
        let runtime = Handle::current();
        let id = runtime.id();
        let mut paces = lock(&PACES);
        let known = paces.iter().find(|(known, _)| *known == id).map(|(_, pace)| Arc::clone(pace));
        let is_new = known.is_none();
        let pace = known.unwrap_or_default();
        let number = pace.lock().add(deadline, waker);
        if is_new {
            paces.push((id, Arc::clone(&pace)));
        }
        drop(paces);
        if is_new {
            runtime.spawn(Ticker { runtime: id, pace: Arc::clone(&pace) }.run());
        }
        Self { pace, number }
    }

    fn wake_by(&self, waker: &Waker) {
        let mut waiting = self.pace.lock();
        let Some(Some((_, known))) = waiting.places.get_mut(self.number) else { return };
        if !known.will_wake(waker) {
            let old = mem::replace(known, waker.clone());
            drop(waiting);
            // A task may end with its last waker, and free places of its own.
            drop(old);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.pace.lock();
        let place = waiting.places.get_mut(self.number).and_then(Option::take);
        waiting.free.push(self.number);
        drop(waiting);
        drop(place);
    }
}

impl Ticker {
    async fn run(self) {
        while self.goes_on() {
            sleep(TICK).await;
            self.pace.due(Instant::now()).into_iter().for_each(Waker::wake);
        }
    }

    /// Reports whether something waits; if nothing does, what comes next starts another ticker.
    fn goes_on(&self) -> bool {
        let mut paces = lock(&PACES);
        let goes_on = !self.pace.lock().is_empty();
        if !goes_on {
            paces.retain(|(runtime, _)| *runtime != self.runtime);
        }
        goes_on
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        lock(&PACES).retain(|(_, pace)| !Arc::ptr_eq(pace, &self.pace));
    }
}

impl Pace {
    /// Returns whom to wake. They find the time themselves, and leave.
    fn due(&self, now: Instant) -> Vec<Waker> {
        let waiting = self.lock();
        let due = waiting.places.iter().flatten().filter(|(deadline, _)| *deadline <= now);
        due.map(|(_, waker)| waker.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.0)
    }
}

impl Waiting {
    fn add(&mut self, deadline: Instant, waker: Waker) -> usize {
        let number = self.free.pop().unwrap_or(self.places.len());
        match self.places.get_mut(number) {
            Some(place) => *place = Some((deadline, waker)),
            None => self.places.push(Some((deadline, waker))),
        }
        number
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, poll_fn, ready},
        pin::pin,
    };

    use tokio::{runtime::Builder, task::yield_now};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ticks() -> bool {
        let id = Handle::current().id();
        lock(&PACES).iter().any(|(runtime, _)| *runtime == id)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_is_given_up_a_tick_later_at_most() {
        for wait in [Duration::ZERO, TICK / 2, SECOND, 90 * SECOND] {
            let start = Instant::now();
            assert!(until(start + wait, pending::<()>()).await.is_none());
            // Timers count whole milliseconds.
            let late = start.elapsed() - wait;
            assert!(late <= TICK + Duration::from_millis(1), "{late:?} after {wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_time_is_returned_and_the_ticking_ends() {
        assert_eq!(until(Instant::now(), ready(7)).await, Some(7));
        assert!(!ticks(), "nothing has waited");
        let two = async { tokio::join!(sleep(SECOND), yield_now()) };
        assert!(until(Instant::now() + 2 * SECOND, two).await.is_some());
        assert!(ticks());
        sleep(2 * TICK).await;
        assert!(!ticks());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_again_when_its_future_is_dropped() {
        let other = pin!(until(Instant::now() + SECOND, pending::<()>()));
        for _ in 0..10 {
            let brief =
                tokio::time::timeout(TICK / 5, until(Instant::now() + SECOND, pending::<()>()));
            assert!(brief.await.is_err());
        }
        let id = Handle::current().id();
        let n_places = lock(&PACES)
            .iter()
            .filter(|(runtime, _)| *runtime == id)
            .map(|(_, pace)| pace.lock().places.len())
            .sum::<usize>();
        assert_eq!(n_places, 1);
        assert!(other.await.is_none());
        sleep(2 * TICK).await;
        assert!(!ticks());
    }

    #[tokio::test(start_paused = true)]
    async fn who_polled_last_is_woken() {
        let mut waits = pin!(until(Instant::now() + SECOND, pending::<()>()));
        let mut nobody = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut nobody).is_pending());
        assert!(poll_fn(|context| waits.as_mut().poll(context)).await.is_none());
    }

    #[test]
    fn each_runtime_has_its_own_pace_and_leaves_nothing() {
        let wait = || until(Instant::now() + TICK, pending::<()>());
        let runtimes = [
            Builder::new_current_thread().enable_time().build().unwrap(),
            Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap(),
        ];
        for runtime in &runtimes {
            assert!(runtime.block_on(wait()).is_none());
        }
        // The ticker of the first stands still, and the one of the second does not help it.
        let ids = runtimes.each_ref().map(|runtime| runtime.handle().id());
        assert!(runtimes[0].block_on(wait()).is_none());
        drop(runtimes);
        assert!(!lock(&PACES).iter().any(|(runtime, _)| ids.contains(runtime)));
    }
}
