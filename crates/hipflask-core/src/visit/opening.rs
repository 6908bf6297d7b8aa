//! Opening: from a cookie's value to the session, by way of the store if it lies there.

use std::sync::Arc;

use super::{
    Machine, Sessions, Step, Visit,
    checking::Checking,
    listing::Listing,
    reading::{Found, Reading},
    sessions::Whereabouts,
};
use crate::{
    UnixTime,
    engine::EngineError,
    interface::{self, CookieFacts},
    reason::Reason,
    revocation::RevocableSessions,
    session::{ReadOnly, Session},
    store::{Answer, RecordKey, StoreError},
    stored::{ListedAs, Offer, OnOutage, StoredSessions},
};

/// A session that is being opened.
#[derive(Clone, Debug)]
pub struct Opening {
    stage: Stage,
    /// The device that the request came from.
    device: Option<String>,
    /// It is only looked at: that leaves no trace, and relies on nothing that was looked up before.
    looks: bool,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "most openings are done at once, and cost no box")]
enum Stage {
    Checking(Box<Checking>),
    Done(Opened),
    /// It was found, and its use is noted.
    Listing(Box<(Opened, ListedAs, Listing)>),
    Reading(Box<Reading>),
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    visit: Visit,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// What the cookie had.
    Cookie(Session),
    /// What the record has, or nothing yet; if it is new, whether it is permanent.
    Record { permanent: bool },
}

impl Sessions {
    /// Opens the session of a cookie's value.
    ///
    /// Whatever is wrong, the session is new and the reason says why.
    #[doc(alias = "open_session")]
    pub fn open(&self, cookie: Option<&[u8]>, now: UnixTime) -> Opening {
        self.open_or_look(cookie, now, false)
    }

    pub(super) fn open_or_look(
        &self,
        cookie: Option<&[u8]>,
        now: UnixTime,
        looks: bool,
    ) -> Opening {
        let opening = match self {
            Self::Revocable(rules) => Opening::revocable(rules, cookie, now, looks),
            Self::Signed(interface) => Opening::signed(self.clone(), interface.open(cookie, now)),
            Self::Stored(rules) => Opening::stored(rules, cookie, now, looks),
        };
        Opening { looks, ..opening }
    }
}

impl Opening {
    const fn new(stage: Stage) -> Self {
        Self { stage, device: None, looks: false }
    }

    fn signed(sessions: Sessions, opened: interface::Opened) -> Self {
        let interface::Opened { session, reason, cookie } = opened;
        Self::new(Stage::Done(Opened::signed((Visit::new(sessions, reason, cookie), session))))
    }

    fn revocable(
        rules: &Arc<RevocableSessions>,
        cookie: Option<&[u8]>,
        now: UnixTime,
        looks: bool,
    ) -> Self {
        let opened = rules.cookies().open(cookie, now);
        Self::new(match Checking::new(rules, cookie, &opened, now) {
            None => return Self::signed(Sessions::Revocable(Arc::clone(rules)), opened),
            Some(checking) => Stage::of(if looks { checking.afresh(now) } else { checking }),
        })
    }

    fn stored(
        rules: &Arc<StoredSessions>,
        cookie: Option<&[u8]>,
        now: UnixTime,
        looks: bool,
    ) -> Self {
        let offer = rules.identify(cookie, now);
        let Ok(id) = &offer.id else {
            if let Some(moved) = cookie.and_then(|cookie| rules.open_earlier(cookie, now)) {
                return Self::signed(Sessions::Stored(Arc::clone(rules)), moved);
            }
            return Self::new(Stage::Done(Opened::of(rules, offer, None, now)));
        };
        let keys = (rules.key_of(id), rules.earlier_key_of(id));
        let touch = rules.touch().filter(|_| !looks);
        let reading = Reading::new(rules, offer, keys, touch, now);
        Self::new(Stage::Reading(Box::new(reading)))
    }

    /// Says from which device the request came, for the list of its user's sessions:
    /// [`device_of`](crate::listing::device_of).
    #[must_use]
    pub fn with_device(self, device: Option<String>) -> Self {
        Self { device, ..self }
    }

    /// Returns the records on which it depends whether there is a session, before they were asked for.
    pub(super) fn keys(&self) -> Vec<RecordKey> {
        match &self.stage {
            Stage::Checking(checking) => checking.keys().cloned().collect(),
            Stage::Reading(reading) => reading.keys().cloned().collect(),
            Stage::Done(_) | Stage::Listing(_) => Vec::new(),
        }
    }

    /// Returns the session. Before the end it is what a request gets whose store does not answer.
    pub fn finish(self) -> Opened {
        let mut opened = match self.stage {
            Stage::Checking(checking) => return Opened::signed(checking.unavailable(None)),
            Stage::Done(opened) => opened,
            Stage::Listing(listing) => unavailable(&listing.0.visit, None),
            Stage::Reading(reading) => unavailable_for(&reading, None),
        };
        if self.device.is_some()
            && let Some(whereabouts) = &mut opened.visit.whereabouts
        {
            whereabouts.device = self.device;
        }
        opened
    }

    /// Takes what was opened, and has its use noted.
    fn list(&self, opened: Opened, now: UnixTime) -> Stage {
        let Sessions::Stored(rules) = &opened.visit.sessions else { return Stage::Done(opened) };
        let listed = opened.visit.whereabouts.as_ref().and_then(|it| it.listed.clone());
        let see = |listed: &ListedAs| match self.looks {
            true => Some(Listing::look(rules, listed, now)),
            false => Listing::see(rules, listed, self.device.as_deref(), now),
        };
        match listed.and_then(|listed| see(&listed).map(|listing| (listed, listing))) {
            Some((listed, listing)) => Stage::Listing(Box::new((opened, listed, listing))),
            None => Stage::Done(opened),
        }
    }
}

impl Machine for Opening {
    fn step(&self) -> Step<'_> {
        match &self.stage {
            Stage::Checking(checking) => checking.question().map_or(Step::Done, Step::Ask),
            Stage::Done(_) => Step::Done,
            Stage::Listing(listing) => listing.2.step(),
            Stage::Reading(reading) => Step::Ask(reading.question()),
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        let next = match &mut self.stage {
            Stage::Checking(checking) => {
                checking.answer(answer)?.map(|opened| Stage::Done(Opened::signed(opened)))
            }
            Stage::Done(_) => None,
            Stage::Listing(listing) => {
                let (opened, _, listing) = &mut **listing;
                let answered = listing.answer(answer);
                seen(opened, listing, answered)?.map(Stage::Done)
            }
            Stage::Reading(reading) => {
                let now = reading.now;
                let opened = match reading.answer(answer) {
                    Ok(found) => found
                        .map(|found| Opened::of(&reading.rules, reading.offer.clone(), found, now)),
                    Err(error) if reading.rules.settings().on_outage == OnOutage::Anonymous => {
                        Some(unavailable_for(reading, Some(error)))
                    }
                    Err(error) => return Err(error),
                };
                opened.map(|opened| self.list(opened, now))
            }
        };
        if let Some(next) = next {
            self.stage = next;
        }
        Ok(())
    }

    fn waited(&mut self) {
        if let Stage::Listing(listing) = &mut self.stage {
            listing.2.waited();
        }
    }
}

/// Goes on with a session whose use was to be noted.
fn seen(
    opened: &Opened,
    listing: &Listing,
    answered: Result<(), EngineError>,
) -> Result<Option<Opened>, EngineError> {
    let visit = &opened.visit;
    match answered {
        Ok(()) if !listing.is_done() => Ok(None),
        Ok(()) if listing.is_refused() => {
            let visit = Visit::new(visit.sessions.clone(), Reason::Revoked, visit.cookie);
            Ok(Some(Opened { visit, content: opened.content.clone() }))
        }
        // It is known that it was not ended. That it is used is noted another time.
        Ok(()) => Ok(Some(opened.clone())),
        Err(_) if listing.index().is_some() => Ok(Some(opened.clone())),
        Err(error) if is_anonymous(&visit.sessions) => Ok(Some(unavailable(visit, Some(error)))),
        Err(error) => Err(error),
    }
}

fn is_anonymous(sessions: &Sessions) -> bool {
    let Sessions::Stored(rules) = sessions else { return false };
    rules.settings().on_outage == OnOutage::Anonymous
}

/// What a request gets whose store does not answer.
fn unavailable(visit: &Visit, failure: Option<EngineError>) -> Opened {
    let Visit { sessions, cookie, .. } = visit;
    let permanent = match sessions {
        Sessions::Stored(rules) => rules.settings().permanent,
        Sessions::Revocable(_) | Sessions::Signed(_) => false,
    };
    let visit = Visit::new(sessions.clone(), Reason::StoreUnavailable, *cookie);
    let visit = Visit { failure: failure.map(Arc::new), ..visit };
    Opened { visit, content: Content::Record { permanent } }
}

fn unavailable_for(reading: &Reading, failure: Option<EngineError>) -> Opened {
    let sessions = Sessions::Stored(Arc::clone(&reading.rules));
    unavailable(&Visit::new(sessions, Reason::StoreUnavailable, reading.offer.cookie), failure)
}

impl Stage {
    fn of(checking: Checking) -> Self {
        match checking.done() {
            Some(opened) => Self::Done(Opened::signed(opened)),
            None => Self::Checking(Box::new(checking)),
        }
    }
}

impl Opened {
    fn signed((visit, session): (Visit, Session)) -> Self {
        Self { visit, content: Content::Cookie(session) }
    }

    fn of(rules: &Arc<StoredSessions>, offer: Offer, found: Found, now: UnixTime) -> Self {
        let cookie = offer.cookie;
        let mut fault = None;
        let (reason, held) = match rules.read(offer, found, now, &mut fault) {
            Err(reason) => (reason, None),
            Ok(held) => (reason_of(cookie), Some(Box::new(held))),
        };
        let permanent = rules.settings().permanent;
        let fault = fault.map(Box::new);
        let sessions = Sessions::Stored(Arc::clone(rules));
        let whereabouts = rules.settings().listing.is_some().then(|| {
            let listed = held
                .as_ref()
                .and_then(|held| rules.listed_as(held.snapshot().content(), held.snapshot().key()));
            Box::new(Whereabouts { device: None, listed })
        });
        let visit = Visit { held, fault, whereabouts, ..Visit::new(sessions, reason, cookie) };
        Self { visit, content: Content::Record { permanent } }
    }

    /// Returns what is known of the session beside its content.
    pub const fn visit(&self) -> &Visit {
        &self.visit
    }

    /// Returns only what is known beside the content, which the store's record has, or nobody.
    pub fn into_visit(self) -> Visit {
        self.visit
    }

    /// Returns the session and what is known of it beside its content.
    pub fn into_parts(self) -> (Session, Visit) {
        let mut session = match (self.content, &self.visit.held) {
            (Content::Cookie(session), _) => session,
            (Content::Record { .. }, Some(held)) => {
                Session::from_stored(held.snapshot().shared_content())
            }
            (Content::Record { permanent }, None) => Session::new_stored(permanent),
        };
        if self.visit.reason == Reason::StoreUnavailable {
            session.set_read_only(ReadOnly::StoreUnavailable);
        }
        if self.visit.is_outdated() {
            session.set_modified(true);
        }
        (session, self.visit)
    }
}

const fn reason_of(cookie: Option<CookieFacts>) -> Reason {
    match cookie {
        Some(CookieFacts { key: Some(0), .. }) => Reason::Verified,
        Some(CookieFacts { key: Some(_), .. }) => Reason::VerifiedByFallbackKey,
        _ => Reason::Found,
    }
}
