//! Revoking one session of a user, by the name that a page has shown of it.

use super::{
    Machine, Sessions, Step, listing::Listing, listing_user::ListingUser, revoking::Revoking,
};
use crate::{
    UnixTime,
    engine::EngineError,
    store::{Answer, RecordKey, StoreError},
};

/// One session of a user, being found, ended and taken from the list, as a state machine.
///
/// ```
/// use hipflask_core::{
///     UnixTime, store::{Answer, Page}, stored::{Settings, StoredSessions}, visit::{Machine, Sessions, Step},
/// };
///
/// let sessions = Sessions::from(StoredSessions::new(Settings::default()));
/// let now = UnixTime::from_secs(1_763_692_800);
/// let mut revoking = sessions.revoke_session_of("7", "0d5cdb1a", now).unwrap();
/// revoking.answer(Ok(Answer::Scanned(Page::default())))?;
/// assert!(matches!(revoking.step(), Step::Done) && !revoking.was_there());
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RevokingSession {
    sessions: Sessions,
    user: String,
    handle: String,
    stage: Stage,
    was_there: bool,
    now: UnixTime,
}

#[derive(Clone, Debug)]
enum Stage {
    Finding(Box<ListingUser>),
    Ending(Revoking, RecordKey),
    Unlisting(Box<Listing>),
    Done,
}

impl Sessions {
    /// Ends the session of a user that has this [handle](crate::listing::UserSession::handle); `None`
    /// where sessions lie in cookies.
    pub fn revoke_session_of(
        &self,
        user: &str,
        handle: &str,
        now: UnixTime,
    ) -> Option<RevokingSession> {
        let finding = Box::new(self.sessions_of(user, now)?);
        Some(RevokingSession {
            sessions: self.clone(),
            user: user.to_owned(),
            handle: handle.to_owned(),
            stage: Stage::Finding(finding),
            was_there: false,
            now,
        })
    }
}

impl RevokingSession {
    /// Reports whether the user had such a session, or may have had it: where an answer was lost, nobody
    /// knows.
    pub const fn was_there(&self) -> bool {
        self.was_there
    }

    fn go_on(&mut self) {
        self.stage = match &self.stage {
            Stage::Finding(finding) if matches!(finding.step(), Step::Done) => {
                let mut found = finding.found().iter();
                found.find(|it| it.handle() == self.handle).map_or(Stage::Done, |it| {
                    Stage::Ending(Revoking::of_records(vec![it.key().clone()]), it.key().clone())
                })
            }
            Stage::Ending(revoking, key) if revoking.is_done() => {
                self.was_there = revoking.was_there();
                let unlisting = self.sessions.unlist(&self.user, key.clone(), self.now);
                unlisting.map_or(Stage::Done, |listing| Stage::Unlisting(Box::new(listing)))
            }
            Stage::Unlisting(listing) if listing.is_done() => Stage::Done,
            _ => return,
        };
    }
}

impl Machine for RevokingSession {
    fn step(&self) -> Step<'_> {
        match &self.stage {
            Stage::Finding(finding) => finding.step(),
            Stage::Ending(revoking, _) => revoking.step(),
            Stage::Unlisting(listing) => listing.step(),
            Stage::Done => Step::Done,
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match &mut self.stage {
            Stage::Finding(finding) => finding.answer(answer)?,
            Stage::Ending(revoking, _) => revoking.answer(answer)?,
            // It has ended; what is listed wrongly is mended another time.
            Stage::Unlisting(listing) => {
                if listing.answer(answer).is_err() {
                    self.stage = Stage::Done;
                }
            }
            Stage::Done => {}
        }
        self.go_on();
        Ok(())
    }

    fn waited(&mut self) {
        match &mut self.stage {
            Stage::Finding(finding) => finding.waited(),
            Stage::Unlisting(listing) => listing.waited(),
            Stage::Ending(..) | Stage::Done => {}
        }
    }
}
