//! Opening: from a cookie's value to the session, by way of the store if it lies there.

use std::sync::Arc;

use super::{
    Machine, Sessions, Step, Visit, checking::Checking, listing::Listing, sessions::Whereabouts,
};
use crate::{
    UnixTime,
    engine::{EngineError, Losses},
    interface::{self, CookieFacts},
    reason::Reason,
    revocation::RevocableSessions,
    session::{ReadOnly, Session},
    store::{Answer, Question, Record, RecordKey, StoreError},
    stored::{ListedAs, Offer, OnOutage, StoredSessions},
};

/// A session that is being opened.
#[derive(Clone, Debug)]
pub struct Opening {
    stage: Stage,
    /// The device that the request came from.
    device: Option<String>,
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

#[derive(Clone, Debug)]
struct Reading {
    rules: Arc<StoredSessions>,
    offer: Offer,
    /// Where the record is looked for now.
    key: RecordKey,
    /// Where it is looked for next. Between two looks another request may move it.
    next: Vec<RecordKey>,
    retired: Option<(RecordKey, Record)>,
    losses: Losses,
    now: UnixTime,
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
        match self {
            Self::Revocable(rules) => Opening::revocable(rules, cookie, now),
            Self::Signed(interface) => Opening::signed(self.clone(), interface.open(cookie, now)),
            Self::Stored(rules) => Opening::stored(rules, cookie, now),
        }
    }
}

impl Opening {
    const fn new(stage: Stage) -> Self {
        Self { stage, device: None }
    }

    fn signed(sessions: Sessions, opened: interface::Opened) -> Self {
        let interface::Opened { session, reason, cookie } = opened;
        Self::new(Stage::Done(Opened::signed((Visit::new(sessions, reason, cookie), session))))
    }

    fn revocable(rules: &Arc<RevocableSessions>, cookie: Option<&[u8]>, now: UnixTime) -> Self {
        let opened = rules.cookies().open(cookie, now);
        Self::new(match Checking::new(rules, cookie, &opened, now) {
            None => return Self::signed(Sessions::Revocable(Arc::clone(rules)), opened),
            Some(checking) => Stage::of(checking),
        })
    }

    fn stored(rules: &Arc<StoredSessions>, cookie: Option<&[u8]>, now: UnixTime) -> Self {
        let offer = rules.identify(cookie, now);
        let Ok(id) = &offer.id else {
            if let Some(moved) = cookie.and_then(|cookie| rules.open_earlier(cookie, now)) {
                return Self::signed(Sessions::Stored(Arc::clone(rules)), moved);
            }
            return Self::new(Stage::Done(Opened::of(rules, offer, None, now)));
        };
        let key = rules.key_of(id);
        let next = rules.earlier_key_of(id).map(|earlier| vec![key.clone(), earlier]);
        let (next, losses) = (next.unwrap_or_default(), Losses::default());
        let retired = None;
        let rules = Arc::clone(rules);
        let reading = Reading { rules, offer, key, next, retired, losses, now };
        Self::new(Stage::Reading(Box::new(reading)))
    }

    /// Says from which device the request came, for the list of its user's sessions:
    /// [`device_of`](crate::listing::device_of).
    #[must_use]
    pub fn with_device(self, device: Option<String>) -> Self {
        Self { device, ..self }
    }

    /// Returns the session. Before the end it is what a request gets whose store does not answer.
    pub fn finish(self) -> Opened {
        let mut opened = match self.stage {
            Stage::Checking(checking) => return Opened::signed(checking.unavailable(None)),
            Stage::Done(opened) => opened,
            Stage::Listing(listing) => unavailable(&listing.0.visit, None),
            Stage::Reading(reading) => reading.unavailable(None),
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
        let see = |listed: &ListedAs| Listing::see(rules, listed, self.device.as_deref(), now);
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
            Stage::Reading(reading) => {
                Step::Ask(Question::Load { key: &reading.key, touch: reading.rules.touch() })
            }
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
                let (opened, now) = (reading.answer(answer)?, reading.now);
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

impl Reading {
    fn answer(
        &mut self,
        answer: Result<Answer, StoreError>,
    ) -> Result<Option<Opened>, EngineError> {
        match answer {
            Ok(Answer::Loaded(record)) => Ok(self.take(record)),
            Ok(_) => Ok(None),
            Err(error) => match self.losses.note(error) {
                Ok(()) => Ok(None),
                Err(error) if self.rules.settings().on_outage == OnOutage::Anonymous => {
                    Ok(Some(self.unavailable(Some(error))))
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Takes what lies under a key; `None` if it may lie under another one.
    fn take(&mut self, record: Option<Record>) -> Option<Opened> {
        self.losses.settle();
        let is_live = record.as_ref().is_some_and(|record| !record.is_retired());
        let found = record.map(|record| (self.key.clone(), record));
        // A record that was retired where it lay first may have moved to where it was looked for.
        let is_last = match (&found, self.next.len()) {
            (_, 0) => true,
            (Some(_), 2) => true,
            (None, 1) => true,
            _ => is_live,
        };
        if is_last {
            let found = found.or(self.retired.take());
            return Some(Opened::of(&self.rules, self.offer.clone(), found, self.now));
        }
        self.retired = found;
        self.key = self.next.pop()?;
        None
    }

    fn unavailable(&self, failure: Option<EngineError>) -> Opened {
        let sessions = Sessions::Stored(Arc::clone(&self.rules));
        unavailable(&Visit::new(sessions, Reason::StoreUnavailable, self.offer.cookie), failure)
    }
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

    fn of(
        rules: &Arc<StoredSessions>,
        offer: Offer,
        found: Option<(RecordKey, Record)>,
        now: UnixTime,
    ) -> Self {
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
        let mut session = match (self.content, self.visit.content()) {
            (Content::Cookie(session), _) => session,
            (Content::Record { .. }, Some(content)) => Session::from_stored(content.clone()),
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
