//! The line in which tasks of a request wait, in thousands of orders of threads.

use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Wake, Waker},
};

use hipflask_core::visit::Turns;
use shuttle::{check_random, future::block_on, sync::Arc, thread};

use crate::line::{Line, Place};

const TRIES: usize = 2000;

#[derive(Default)]
struct Shared {
    /// What each has found and left: a use is two steps, between which others may run.
    count: u32,
    is_used: bool,
    is_saved: bool,
}

#[derive(Clone)]
struct Request(Arc<Line<Shared>>);

impl AsRef<Line<Shared>> for Request {
    fn as_ref(&self) -> &Line<Shared> {
        &self.0
    }
}

impl Request {
    fn new() -> Self {
        Self(Arc::new(Line::new(Shared::default())))
    }

    /// Uses what is shared as if a store were asked in between.
    fn use_it(&self, work: impl FnOnce(&mut Shared)) {
        let before = {
            let mut shared = self.0.lock();
            assert!(!std::mem::replace(&mut shared.is_used, true), "two at a time");
            shared.count
        };
        thread::yield_now();
        let mut shared = self.0.lock();
        assert_eq!(shared.count, before);
        shared.is_used = false;
        work(&mut shared);
    }

    fn update(&self) -> bool {
        let Some(place) = Place::take(self.clone(), Turns::enter) else { return false };
        let _turn = block_on(place.wait());
        self.use_it(|shared| {
            assert!(!shared.is_saved, "an update after saving");
            shared.count += 1;
        });
        true
    }

    fn save(&self) -> u32 {
        let place = Place::take(self.clone(), Turns::close).unwrap();
        let _turn = block_on(place.wait());
        self.use_it(|shared| shared.is_saved = true);
        self.0.lock().count
    }
}

#[test]
fn updates_and_saving_take_turns_and_none_comes_after_saving() {
    check_random(
        || {
            let request = Request::new();
            let update = || {
                let request = request.clone();
                thread::spawn(move || request.update())
            };
            let updates: Vec<_> = std::iter::repeat_with(update).take(3).collect();
            let saved = request.save();
            let updated = updates.into_iter().map(|update| update.join().unwrap());
            let updated = updated.filter(|is_updated| *is_updated).count();
            assert_eq!(usize::try_from(saved).unwrap(), updated);
        },
        TRIES,
    );
}

#[test]
fn whoever_gives_up_makes_way() {
    check_random(
        || {
            let request = Request::new();
            let leaving = request.clone();
            let left = thread::spawn(move || {
                let place = Place::take(leaving, Turns::enter);
                thread::yield_now();
                drop(place);
            });
            request.update();
            left.join().unwrap();
        },
        TRIES,
    );
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn whoever_asks_again_is_woken_once() {
    check_random(
        || {
            let request = Request::new();
            let first = Place::take(request.clone(), Turns::enter).unwrap();
            let second = Place::take(request, Turns::enter).unwrap();
            let count = std::sync::Arc::new(Count(AtomicUsize::new(0)));
            let waker = Waker::from(std::sync::Arc::clone(&count));
            let mut waiting = pin!(second.wait());
            for _ in 0..3 {
                assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            drop(first);
            assert_eq!(count.0.load(Ordering::Relaxed), 1);
            assert!(waiting.poll(&mut Context::from_waker(&waker)).is_ready());
        },
        1,
    );
}
