//! What must be true when all requests are done, whatever their order was.

use std::rc::Rc;

use hipflask_core::{
    engine::{EngineError, Outcome},
    value::{Dict, Value},
};

use super::{
    World,
    program::{self, Program},
    request::{Counted, End, Request},
};

/// What went wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Violation {
    /// A request has failed, or tried too often.
    Error,
    /// What a request has saved is not there.
    LostWrite,
    /// What has ended is there again, or what is said to be dropped was written.
    Resurrection,
    /// One session has become two.
    Split,
    /// What a request has saved once is there twice.
    WrittenTwice,
}

pub(crate) fn check(world: &World) -> Result<(), Violation> {
    let old = world.memory.contents().filter(|content| content.contains("secret")).count();
    // A log-out that overlaps with a renewal, and comes second, does not reach the new id.
    let is_said = world.requests.iter().any(|it| is(it, Outcome::Ended)) && !world.is_renewed;
    let ended = world.is_ended || is_said;
    if old > 1 && !may_be_two(world) {
        return Err(Violation::Split);
    }
    if ended && old > 0 || !may_be_two(world) && is_cleared_item_back(world) {
        return Err(Violation::Resurrection);
    }
    for request in &world.requests {
        check_request(world, request)?;
    }
    let is_over = ended || world.requests.iter().any(|it| it.program == Program::ClearAndSet);
    if old == 1 && !is_over { check_count(world) } else { Ok(()) }
}

/// Where renewal takes two steps, and the answer to the second is lost, nobody knows whose it was.
fn may_be_two(world: &World) -> bool {
    let renewals = world.requests.iter().filter(|it| it.program.renews()).count();
    world.renews_in_two_steps && renewals > 1 && world.requests.iter().any(|it| it.has_lost)
}

fn check_request(world: &World, request: &Request) -> Result<(), Violation> {
    // Each other request can be in the way with each thing that it writes.
    let most = 3 * world.requests.len();
    if request.attempts as usize > most {
        return Err(Violation::Error);
    }
    let mut contents = world.memory.contents();
    let (program, number) = (request.program, request.number);
    if world.memory.contents().any(|it| program.traces_in(it, number) > 1) {
        return Err(Violation::WrittenTwice);
    }
    match request.end.as_ref().expect("the request is done") {
        // Then it may be there or not, which the visitor is told.
        End::Error(EngineError::InDoubt(_)) => Ok(()),
        End::Error(_) => Err(Violation::Error),
        // What was written before the answer was lost may live on where the session was renewed to.
        End::Saved(Outcome::Gone) if request.has_lost && world.is_renewed => Ok(()),
        End::Saved(Outcome::Gone | Outcome::RenewedElsewhere) => {
            let is_traced = contents.any(|it| program.is_traced_in(it, number));
            if is_traced { Err(Violation::Resurrection) } else { Ok(()) }
        }
        End::Saved(Outcome::Saved) if !is_excused(world, request) => {
            let is_there = match program {
                // Who has found no session has removed nothing from it.
                Program::Remove if !has_opened(request) || may_be_two(world) => true,
                Program::Remove => contents
                    .filter(|content| content.contains("secret"))
                    .all(|content| program.is_in(content, number)),
                _ => contents.any(|content| program.is_in(content, number)),
            };
            if is_there { Ok(()) } else { Err(Violation::LostWrite) }
        }
        End::Saved(_) | End::Idle => Ok(()),
    }
}

/// Whether what a request has saved may be gone: with its session, or because a later request has
/// seen and removed it.
fn is_excused(world: &World, request: &Request) -> bool {
    // A renewal that does not know whether it was done, and finds the old id ended, ends the session.
    let is_undone = |it: &Rc<Request>| it.program.renews() && it.has_lost && is(it, Outcome::Gone);
    let is_ended = world.is_ended || world.requests.iter().any(is_undone);
    if has_opened(request) && is_ended && request.program != Program::DestroyAndSet {
        return true;
    }
    let later = |other: &&Rc<Request>| {
        let may_be_saved =
            matches!(other.end, Some(End::Saved(_) | End::Error(EngineError::InDoubt(_))));
        other.committed > request.committed && may_be_saved
    };
    // Who was told nothing, and finds what it had found before, writes once more.
    let visible = if request.has_lost { request.first_committed } else { request.committed };
    world.requests.iter().filter(later).any(|other| {
        let has_seen = other.loaded.as_ref().map(|(turn, _)| *turn) > visible;
        match other.program {
            // To remove a dict and to set a key in it is to change the same key.
            Program::ClearAndSet => has_seen || request.program == Program::Nested,
            Program::TakeFlashes => has_seen && request.program == Program::Flash,
            _ => false,
        }
    })
}

/// Each time that was counted up counts once; where that is in doubt, at most once.
fn check_count(world: &World) -> Result<(), Violation> {
    let counted = |as_: Counted| {
        world.requests.iter().filter(|it| it.counted == as_ && has_opened(it)).count()
    };
    let content = world.memory.contents().find(|content| content.contains("secret"));
    let n = content.and_then(|content| content.get("n")).and_then(Value::as_i64).unwrap_or(0);
    let n = usize::try_from(n).unwrap();
    let least = counted(Counted::Yes);
    match n {
        _ if n < least => Err(Violation::LostWrite),
        _ if n > least + counted(Counted::InDoubt) => Err(Violation::WrittenTwice),
        _ => Ok(()),
    }
}

/// Whether an item that was there from the start has come back after it was removed.
fn is_cleared_item_back(world: &World) -> bool {
    let is_cleared = |it: &Rc<Request>| {
        it.program == Program::ClearAndSet && is(it, Outcome::Saved) && has_opened(it)
    };
    let first = Value::from("first");
    let has_item = |content: &Dict| program::items(content.get("list")).contains(&first);
    world.requests.iter().any(is_cleared) && world.memory.contents().any(has_item)
}

/// Whether it has got the session that was there.
fn has_opened(request: &Request) -> bool {
    request.loaded.as_ref().is_some_and(|(_, content)| content.is_some())
}

fn is(request: &Request, outcome: Outcome) -> bool {
    matches!(request.end, Some(End::Saved(actual)) if actual == outcome)
}
