//! What must be true when all requests are done, whatever their order was.

use std::rc::Rc;

use hipflask_core::{
    engine::Outcome,
    value::{Dict, Value},
};

use super::{
    World,
    program::{self, Program},
    request::{End, Request},
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
}

pub(crate) fn check(world: &World) -> Result<(), Violation> {
    let old = world.memory.contents().filter(|content| content.contains("secret")).count();
    // A log-out that overlaps with a renewal, and comes second, does not reach the new id.
    let is_said = world.requests.iter().any(|it| is(it, Outcome::Ended)) && !world.is_renewed;
    let ended = world.is_ended || is_said;
    if old > 1 || ended && old > 0 || is_cleared_item_back(world) {
        return Err(Violation::Resurrection);
    }
    for request in &world.requests {
        check_request(world, request)?;
    }
    let is_over = ended || world.requests.iter().any(|it| it.program == Program::ClearAndSet);
    if old == 1 && !is_over { check_count(world) } else { Ok(()) }
}

fn check_request(world: &World, request: &Request) -> Result<(), Violation> {
    // Each other request can be in the way with each thing that it writes.
    let most = 2 * world.requests.len();
    if request.attempts as usize > most {
        return Err(Violation::Error);
    }
    let mut contents = world.memory.contents();
    let (program, number) = (request.program, request.number);
    match request.end.as_ref().expect("the request is done") {
        End::Error(_) => Err(Violation::Error),
        End::Saved(Outcome::Gone | Outcome::RenewedElsewhere) | End::UpdateRefused => {
            let is_traced = contents.any(|it| program.is_traced_in(it, number));
            if is_traced { Err(Violation::Resurrection) } else { Ok(()) }
        }
        End::Saved(Outcome::Saved) if !is_excused(world, request) => {
            let is_there = match program {
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
    if has_opened(request) && world.is_ended && request.program != Program::DestroyAndSet {
        return true;
    }
    let later = |other: &&Rc<Request>| {
        other.committed > request.committed && matches!(other.end, Some(End::Saved(_)))
    };
    world.requests.iter().filter(later).any(|other| {
        let has_seen = other.loaded.as_ref().map(|(turn, _)| *turn) > request.committed;
        match other.program {
            // To remove a dict and to set a key in it is to change the same key.
            Program::ClearAndSet => has_seen || request.program == Program::Nested,
            Program::TakeFlashes => has_seen && request.program == Program::Flash,
            _ => false,
        }
    })
}

/// Every increment of the session counts.
fn check_count(world: &World) -> Result<(), Violation> {
    let increments = world.requests.iter().filter(|request| {
        request.program == Program::Increment && request.committed.is_some() && has_opened(request)
    });
    let expected = Value::from(increments.count());
    let content = world.memory.contents().find(|content| content.contains("secret"));
    let actual = content.and_then(|content| content.get("n")).cloned();
    if actual.unwrap_or(Value::from(0)) == expected { Ok(()) } else { Err(Violation::LostWrite) }
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
    request.end == Some(End::Saved(outcome))
}
