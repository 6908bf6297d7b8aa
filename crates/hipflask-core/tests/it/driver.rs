//! Drives a machine over a store that a test makes up; like every driver it decides nothing.

use hipflask_core::{
    engine::EngineError,
    interface::SaveAction,
    store::{Answer, Question, StoreError},
    visit::{Machine, Step},
};

/// Drives a machine to its end.
pub(crate) fn drive(
    machine: &mut impl Machine,
    mut ask: impl FnMut(Question<'_>) -> Result<Answer, StoreError>,
) -> Result<(), EngineError> {
    loop {
        match machine.step() {
            Step::Ask(question) => {
                let answer = ask(question);
                machine.answer(answer)?;
            }
            Step::Done => return Ok(()),
            Step::Wait(_) => machine.waited(),
        }
    }
}

/// What a machine asks now, with no wait before it.
#[track_caller]
pub(crate) fn question(machine: &impl Machine) -> Question<'_> {
    match machine.step() {
        Step::Ask(question) => question,
        other => panic!("nothing is asked: {other:?}"),
    }
}

/// No answer has come, and the store may have done what it was asked.
pub(crate) fn lost() -> Result<Answer, StoreError> {
    Err(StoreError::unavailable("the connection broke"))
}

/// The store could not even be asked.
pub(crate) fn unreachable() -> Result<Answer, StoreError> {
    Err(StoreError::unreachable("connection refused"))
}

/// Returns the value of the cookie that is sent, if one is.
pub(crate) fn cookie_of(action: &SaveAction) -> Option<String> {
    matches!(action, SaveAction::Set(_)).then(|| action.value().unwrap().to_owned())
}
