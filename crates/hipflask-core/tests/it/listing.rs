//! The list of a user's sessions: in every order of the steps of two requests, and in random orders of
//! three whose answers get lost, no session is forgotten, and none lives that was ended.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    engine::EngineError,
    interface::SaveAction,
    listing::{self, OnUserLimit, handle_of},
    reason::Reason,
    record::{Coding, Format},
    serializer::Limits,
    session::Session,
    store::{Answer, Question, RecordKey, StoreError},
    stored::{Settings, StoredSessions},
    value::Value,
    visit::{Closing, Machine, Opening, RevokingSession, RevokingUser, Sessions, Step, Visit},
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    driver::{self, cookie_of},
    explorer::memory::Memory,
};

const START: u64 = 1_763_692_800;

fn at(second: u64) -> UnixTime {
    UnixTime::from_secs(START + second)
}

/// So late that each session's use is noted anew.
fn later() -> UnixTime {
    at(1_000)
}

fn sessions() -> Sessions {
    limited(None, OnUserLimit::EndOldest)
}

fn limited(most: Option<usize>, on_user_limit: OnUserLimit) -> Sessions {
    let listing = Some(listing::Settings { most, on_user_limit, ..listing::Settings::default() });
    Sessions::from(StoredSessions::new(Settings { listing, ..Settings::default() }))
}

/// A store, and whether it can be read through.
#[derive(Clone)]
struct Store {
    memory: Memory,
    scans: bool,
}

impl Store {
    fn new(scans: bool) -> Self {
        let coding = Coding::new(Format::MsgPack, Limits::default());
        Self { memory: Memory::new(false, coding), scans }
    }

    fn ask(&mut self, question: Question<'_>) -> Result<Answer, StoreError> {
        match question {
            Question::Scan { .. } if !self.scans => {
                Err(StoreError::Unsupported("list its sessions"))
            }
            question => Ok(self.memory.answer(question).0),
        }
    }

    fn drive(&mut self, machine: &mut impl Machine) -> Result<(), EngineError> {
        driver::drive(machine, |question| self.ask(question))
    }

    /// Serves a whole request and returns its cookie.
    fn serve(
        &mut self,
        rules: &Sessions,
        cookie: Option<&str>,
        entropy: u8,
        now: UnixTime,
        handler: impl FnOnce(&mut Session),
    ) -> Result<SaveAction, EngineError> {
        let mut opening =
            rules.open(cookie.map(str::as_bytes), now).with_device(Some("Firefox on Linux".into()));
        self.drive(&mut opening)?;
        let (mut session, visit) = opening.finish().into_parts();
        handler(&mut session);
        let entropy = vec![entropy; visit.entropy_len(&session)];
        let mut closing = visit.close(&session, &entropy, now)?;
        self.drive(&mut closing)?;
        Ok(closing.finish()?.action)
    }

    /// Reports whether a cookie has a user, at a node that has not seen it before.
    fn is_in(&self, cookie: &str, now: UnixTime) -> bool {
        let mut opening = sessions().open(Some(cookie.as_bytes()), now);
        self.clone().drive(&mut opening).unwrap();
        opening.finish().into_parts().0.contains("_user_id")
    }

    /// What is listed of the user, as cookies.
    fn listed(&self) -> Option<Vec<String>> {
        let mut listing = sessions().list("7", at(0)).unwrap();
        self.clone().drive(&mut listing).unwrap();
        let keys = listing.index()?.sessions().iter().map(|it| it.key().as_str());
        Some(keys.map(|key| key.trim_start_matches("session:").to_owned()).collect())
    }

    /// Where the list is.
    fn index(&self) -> RecordKey {
        let listing = sessions().list("7", at(0)).unwrap();
        let Question::Load { key, .. } = driver::question(&listing) else { panic!("a question") };
        key.clone()
    }

    fn lose_index(&mut self) {
        let index = self.index();
        self.memory.expire(&index);
    }

    fn damage_index(&mut self) {
        let index = self.index();
        self.memory.put(&index, &[("sessions".into(), Value::from("none"))].into_iter().collect());
    }
}

fn record_of(cookie: &str) -> RecordKey {
    RecordKey::new(format!("session:{cookie}"))
}

fn log_in(session: &mut Session) {
    session.insert("_user_id", "7").unwrap();
}

/// What one request does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Program {
    /// Ends all sessions of the user, without a session of its own.
    EndAll,
    /// Ends the first session by its handle, without a session of its own.
    EndFirst,
    /// Ends all sessions of the user but the first.
    EndOthers,
    /// Logs in anew, in another browser.
    LogIn,
    /// Logs in with the id that an anonymous session had, as Flask's tutorials do it.
    LogInHere,
    LogOut,
    PopUser,
    Read,
    Renew,
    Write,
}

const ALL: [Program; 10] = [
    Program::EndAll,
    Program::EndFirst,
    Program::EndOthers,
    Program::LogIn,
    Program::LogInHere,
    Program::LogOut,
    Program::PopUser,
    Program::Read,
    Program::Renew,
    Program::Write,
];

/// What is with the list at first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum List {
    Intact,
    Missing,
    Damaged,
}

#[derive(Clone)]
enum Stage {
    Start,
    Opening(Box<Opening>),
    Revoking(Box<RevokingUser>, Option<Box<(Session, Visit)>>),
    Ending(Box<RevokingSession>),
    Closing(Box<Closing>),
    Done,
    /// It has ended with an error.
    Failed,
}

#[derive(Clone)]
struct Request {
    program: Program,
    rules: &'static Sessions,
    number: u8,
    stage: Stage,
    /// The turns at which it has begun, has begun to save or revoke, and was done.
    starts_at: usize,
    done_at: usize,
    /// It has opened a session of the user, or ended one.
    had_user: bool,
    sent: Option<String>,
}

struct Cookies {
    first: String,
    second: String,
    anonymous: String,
}

impl Request {
    fn step(&self) -> Option<Step<'_>> {
        match &self.stage {
            Stage::Start | Stage::Done | Stage::Failed => None,
            Stage::Opening(machine) => Some(machine.step()),
            Stage::Revoking(machine, _) => Some(machine.step()),
            Stage::Ending(machine) => Some(machine.step()),
            Stage::Closing(machine) => Some(machine.step()),
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Failed)
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) {
        let answered = match &mut self.stage {
            Stage::Start | Stage::Done | Stage::Failed => panic!("nothing was asked"),
            Stage::Opening(machine) => machine.answer(answer),
            Stage::Revoking(machine, _) => machine.answer(answer),
            Stage::Ending(machine) => machine.answer(answer),
            Stage::Closing(machine) => machine.answer(answer),
        };
        if answered.is_err() {
            self.stage = Stage::Failed;
        }
    }

    /// Goes on to the next question.
    fn go_on(&mut self, cookies: &Cookies, turn: usize) {
        loop {
            while matches!(self.step(), Some(Step::Wait(_))) {
                match &mut self.stage {
                    Stage::Opening(machine) => machine.waited(),
                    Stage::Revoking(machine, _) => machine.waited(),
                    Stage::Ending(machine) => machine.waited(),
                    Stage::Closing(machine) => machine.waited(),
                    _ => {}
                }
            }
            if matches!(self.step(), Some(Step::Ask(_))) {
                return;
            }
            self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Done => return,
                Stage::Failed => {
                    self.stage = Stage::Failed;
                    return;
                }
                Stage::Start => {
                    self.starts_at = turn;
                    let cookie = match self.program {
                        Program::EndAll => {
                            let revoking = self.rules.revoke_user("7", later()).unwrap();
                            self.stage = Stage::Revoking(Box::new(revoking), None);
                            continue;
                        }
                        Program::EndFirst => {
                            let handle = handle_of(&record_of(&cookies.first));
                            let revoking = self.rules.revoke_session_of("7", &handle, later());
                            self.stage = Stage::Ending(Box::new(revoking.unwrap()));
                            continue;
                        }
                        Program::LogIn => None,
                        Program::LogInHere => Some(cookies.anonymous.as_bytes()),
                        _ => Some(cookies.first.as_bytes()),
                    };
                    Stage::Opening(Box::new(self.rules.open(cookie, later())))
                }
                Stage::Opening(opening) => {
                    let (mut session, visit) = opening.finish().into_parts();
                    self.had_user = session.contains("_user_id");
                    self.run(&mut session);
                    if self.program == Program::EndOthers && self.had_user {
                        let revoking = visit.revoke_others("7", later()).unwrap();
                        Stage::Revoking(Box::new(revoking), Some(Box::new((session, visit))))
                    } else {
                        self.close(&session, visit)
                    }
                }
                Stage::Revoking(_, Some(parts)) => self.close(&parts.0, parts.1),
                Stage::Ending(revoking) => {
                    self.had_user = revoking.was_there();
                    self.done_at = turn;
                    Stage::Done
                }
                Stage::Revoking(_, None) => {
                    self.done_at = turn;
                    Stage::Done
                }
                Stage::Closing(closing) => {
                    self.sent = cookie_of(&closing.finish().unwrap().action);
                    self.done_at = turn;
                    Stage::Done
                }
            };
        }
    }

    fn close(&mut self, session: &Session, visit: Visit) -> Stage {
        let entropy = vec![self.number; visit.entropy_len(session)];
        match visit.close(session, &entropy, later()) {
            Ok(closing) => Stage::Closing(Box::new(closing)),
            Err(_) => Stage::Failed,
        }
    }

    fn run(&self, session: &mut Session) {
        match self.program {
            Program::EndAll | Program::EndFirst | Program::EndOthers | Program::Read => {}
            Program::LogIn | Program::LogInHere => log_in(session),
            Program::LogOut => session.destroy().unwrap(),
            Program::PopUser => drop(session.remove("_user_id").unwrap()),
            Program::Renew => session.renew().unwrap(),
            Program::Write => session.insert("written", 1).unwrap(),
        }
    }
}

#[derive(Clone)]
struct World {
    store: Store,
    list: List,
    requests: Vec<Request>,
    turn: usize,
}

impl World {
    /// Lets one request go on, up to its next question; `None` if it is done.
    fn step(&self, number: usize, cookies: &Cookies, is_lost: bool) -> Option<Self> {
        let mut next = self.clone();
        next.turn += 1;
        let request = &mut next.requests[number];
        if request.is_done() {
            return None;
        }
        if let Some(Step::Ask(question)) = request.step() {
            let answer = next.store.ask(question);
            let lost = || Err(StoreError::unavailable("the connection broke"));
            request.answer(if is_lost { lost() } else { answer });
        }
        request.go_on(cookies, next.turn);
        Some(next)
    }

    fn explore(&self, cookies: &Cookies) -> usize {
        let next = (0..self.requests.len()).filter_map(|number| self.step(number, cookies, false));
        let n: usize = next.map(|next| next.explore(cookies)).sum();
        if n == 0 {
            self.check(cookies);
        }
        n.max(1)
    }

    fn check(&self, cookies: &Cookies) {
        let programs: Vec<_> = self.requests.iter().map(|it| it.program).collect();
        let case = format!("{programs:?}, {:?} list, scans: {}", self.list, self.store.scans);
        let is_in = |cookie: &str| self.store.is_in(cookie, later());
        let done = || self.requests.iter().filter(|it| matches!(it.stage, Stage::Done));
        let of = |program| done().filter(move |it| it.program == program);
        let ends_first = |it: &Request| {
            let ends = matches!(it.program, Program::EndFirst | Program::LogOut | Program::PopUser);
            it.program == Program::EndAll || (ends && it.had_user)
        };
        let ends_first = done().any(ends_first);
        let ends_second =
            of(Program::EndAll).next().is_some() || of(Program::EndOthers).any(|it| it.had_user);
        assert!(!(ends_first && is_in(&cookies.first)), "{case}: the first lives");
        assert!(!(ends_second && is_in(&cookies.second)), "{case}: the second lives");
        let may_end = self
            .requests
            .iter()
            .any(|it| matches!(it.program, Program::EndAll | Program::EndOthers));
        assert!(may_end || is_in(&cookies.second), "{case}: the second is logged out");
        let is_found = self.list == List::Intact || self.store.scans;
        let stays =
            |it: &Request| matches!(it.program, Program::EndFirst | Program::Read | Program::Write);
        if is_found && self.requests.iter().all(stays) {
            let mut ends = done().filter(|it| it.program == Program::EndFirst);
            assert!(ends.all(|_| !is_in(&cookies.first)), "{case}: the first was not found");
        }
        let listed = self.store.listed().unwrap_or_default();
        for request in done() {
            let Some(cookie) = &request.sent else { continue };
            let is_log_in = matches!(request.program, Program::LogIn | Program::LogInHere);
            let case = format!("{case}: {:?}", request.program);
            if is_log_in {
                // It ends by what comes later, and by nothing that came before.
                let enders = || {
                    self.requests
                        .iter()
                        .filter(|it| matches!(it.program, Program::EndAll | Program::EndOthers))
                };
                let before = |it: &Request| it.done_at > 0 && it.done_at < request.starts_at;
                if enders().all(before) {
                    assert!(is_in(cookie), "{case} is logged out");
                }
                let after = |it: &Request| it.starts_at > request.done_at;
                if of(Program::EndAll).any(after) {
                    assert!(!is_in(cookie), "{case} is still logged in");
                }
            } else if of(Program::EndAll).next().is_some() {
                // A log-out beside a renewal ends only what the browser had before.
                assert!(!is_in(cookie), "{case} has come back");
            }
            let is_opened = is_log_in || matches!(request.program, Program::Renew);
            if is_opened && is_in(cookie) {
                assert!(listed.contains(cookie), "{case} is not listed");
            }
        }
        if self.list == List::Intact {
            for cookie in [&cookies.first, &cookies.second] {
                assert!(!is_in(cookie) || listed.contains(cookie), "{case}: was forgotten");
            }
        }
    }
}

/// A user with two sessions, an anonymous visitor, and what is asked for then.
fn world(programs: &[Program], list: List, scans: bool) -> (World, Cookies) {
    let mut store = Store::new(scans);
    let mut serve = |entropy: u8, handler: fn(&mut Session)| {
        cookie_of(&store.serve(&sessions(), None, entropy, at(0), handler).unwrap()).unwrap()
    };
    let cookies = Cookies {
        first: serve(101, log_in),
        second: serve(102, log_in),
        anonymous: serve(103, |session| session.insert("seen", 1).unwrap()),
    };
    match list {
        List::Intact => {}
        List::Missing => store.lose_index(),
        List::Damaged => store.damage_index(),
    }
    let requests = (1_u8..).zip(programs).map(|(number, program)| Request {
        program: *program,
        // Each on a node of its own, which has seen nothing yet.
        rules: Box::leak(Box::new(sessions())),
        number,
        stage: Stage::Start,
        starts_at: 0,
        done_at: 0,
        had_user: false,
        sent: None,
    });
    (World { requests: requests.collect(), store, list, turn: 0 }, cookies)
}

#[test]
fn two_requests_in_every_order() {
    let mut n = 0;
    for (first, one) in ALL.iter().enumerate() {
        for other in &ALL[first..] {
            // Two that end others, and read all records for it, have hundreds of thousands of orders.
            let is_short = *one == Program::EndAll && *other > Program::EndOthers;
            for list in [List::Intact, List::Missing, List::Damaged] {
                let scans = is_short && list == List::Intact;
                for scans in [false, true].into_iter().take(1 + usize::from(scans)) {
                    let (world, cookies) = world(&[*one, *other], list, scans);
                    n += world.explore(&cookies);
                }
            }
        }
    }
    eprintln!("2 requests: {n} orders");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn three_requests_in_random_order_whose_answers_get_lost(
        programs in vec(select(&ALL), 3),
        list in select(&[List::Intact, List::Missing, List::Damaged]),
        scans in any::<bool>(),
        order in vec((0..3_usize, (0..8_u8).prop_map(|it| it == 0)), 40),
    ) {
        let (mut world, cookies) = world(&programs, list, scans);
        let rest = (0..3).cycle().take(150).map(|number| (number, false));
        for (number, is_lost) in order.into_iter().chain(rest) {
            world = world.step(number, &cookies, is_lost).unwrap_or(world);
        }
        prop_assert!(world.requests.iter().all(Request::is_done), "still busy");
        world.check(&cookies);
    }
}

#[test]
fn concurrent_log_ins_are_all_listed_and_log_outs_are_not() {
    let (rules, mut store) = (sessions(), Store::new(true));
    let serve = |store: &mut Store, cookie: Option<&str>, entropy, handler: fn(&mut Session)| {
        store.serve(&rules, cookie, entropy, at(0), handler).unwrap()
    };
    let one = cookie_of(&serve(&mut store, None, 1, log_in)).unwrap();
    let two = cookie_of(&serve(&mut store, None, 2, log_in)).unwrap();
    assert_eq!(store.listed().unwrap(), [one.clone(), two.clone()]);
    let renew = |session: &mut Session| session.renew().unwrap();
    let renewed = cookie_of(&serve(&mut store, Some(&one), 3, renew)).unwrap();
    assert_eq!(store.listed().unwrap(), [two.clone(), renewed.clone()]);
    serve(&mut store, Some(&two), 0, |session| session.destroy().unwrap());
    assert_eq!(store.listed().unwrap(), std::slice::from_ref(&renewed));
    serve(&mut store, Some(&renewed), 0, |session| drop(session.remove("_user_id").unwrap()));
    assert_eq!(store.listed().unwrap(), [""; 0]);
}

#[test]
fn session_that_has_ended_by_itself_leaves_the_list_but_no_log_in_under_way() {
    let (rules, mut store) = (sessions(), Store::new(false));
    let cookie = cookie_of(&store.serve(&rules, None, 1, at(0), log_in).unwrap()).unwrap();
    store.memory.expire(&record_of(&cookie));
    for (second, listed) in [(59, vec![cookie]), (60, vec![])] {
        let mut reading = rules.sessions_of("7", at(second)).unwrap();
        store.drive(&mut reading).unwrap();
        assert!(reading.into_sessions().is_empty());
        assert_eq!(store.listed().unwrap(), listed);
    }
}

#[test]
fn list_heals_when_a_session_is_used() {
    for harm in [Store::lose_index, Store::damage_index] {
        let (rules, mut store) = (sessions(), Store::new(false));
        let cookie = cookie_of(&store.serve(&rules, None, 1, at(0), log_in).unwrap()).unwrap();
        harm(&mut store);
        assert_eq!(store.listed(), None);
        store.serve(&sessions(), Some(&cookie), 0, at(9), |_| {}).unwrap();
        assert_eq!(store.listed().unwrap(), [cookie]);
    }
}

#[test]
fn use_is_noted_now_and_then() {
    let (rules, mut store) = (sessions(), Store::new(true));
    let cookie = cookie_of(&store.serve(&rules, None, 1, at(0), log_in).unwrap()).unwrap();
    let mut seen = |second: u64| {
        let mut n_asked = 0;
        let mut opening = rules.open(Some(cookie.as_bytes()), at(second));
        driver::drive(&mut opening, |question| {
            n_asked += 1;
            store.ask(question)
        })
        .unwrap();
        let mut listing = rules.list("7", at(second)).unwrap();
        store.drive(&mut listing).unwrap();
        let session = listing.index().unwrap().sessions()[0].clone();
        assert_eq!(session.created(), at(0));
        assert_eq!(session.device(), Some("Firefox on Linux"));
        (n_asked, session.seen().as_secs() - START)
    };
    assert_eq!(seen(10), (2, 0), "the record, and the list for the first time");
    assert_eq!(seen(20), (1, 0), "the record alone");
    assert_eq!(seen(309), (1, 0));
    assert_eq!(seen(310), (3, 310), "the list, which is written");
    assert_eq!(seen(320), (1, 310));
}

#[test]
fn one_more_than_allowed_ends_the_one_that_was_not_used_for_the_longest_time() {
    let (rules, mut store) = (limited(Some(2), OnUserLimit::EndOldest), Store::new(true));
    let log_in_at = |store: &mut Store, second, entropy| {
        let action = store.serve(&rules, None, entropy, at(second), log_in).unwrap();
        cookie_of(&action).unwrap()
    };
    let one = log_in_at(&mut store, 0, 1);
    let two = log_in_at(&mut store, 1, 2);
    store.serve(&sessions(), Some(&one), 0, at(400), |_| {}).unwrap();
    let three = log_in_at(&mut store, 500, 3);
    assert!(!store.is_in(&two, at(500)));
    assert!(store.is_in(&one, at(500)) && store.is_in(&three, at(500)));
    assert_eq!(store.listed().unwrap(), [one, three]);
}

#[test]
fn one_more_than_allowed_is_refused_where_that_is_asked_for() {
    let (rules, mut store) = (limited(Some(1), OnUserLimit::Refuse), Store::new(true));
    let one = cookie_of(&store.serve(&rules, None, 1, at(0), log_in).unwrap()).unwrap();
    let error = store.serve(&rules, None, 2, at(1), log_in).unwrap_err();
    assert!(matches!(error, EngineError::TooManySessions), "{error:?}");
    assert_eq!(store.listed().unwrap(), std::slice::from_ref(&one));
    store.serve(&rules, Some(&one), 3, at(2), |session| session.renew().unwrap()).unwrap();
}

#[test]
fn what_was_not_listed_is_refused_where_a_store_cannot_be_read_through() {
    // Flask-Session has written it, and lists nothing.
    let plain = Sessions::from(StoredSessions::new(Settings::default()));
    let mut store = Store::new(false);
    let cookie = cookie_of(&store.serve(&plain, None, 1, at(0), log_in).unwrap()).unwrap();
    assert!(store.is_in(&cookie, at(1)));
    store.drive(&mut sessions().revoke_user("7", at(2)).unwrap()).unwrap();
    let mut opening = sessions().open(Some(cookie.as_bytes()), at(3));
    store.drive(&mut opening).unwrap();
    let opened = opening.finish();
    assert_eq!(opened.visit().reason(), Reason::Revoked);
    assert!(!opened.into_parts().0.contains("_user_id"));
}

#[test]
fn list_that_cannot_be_read_fails_the_request_and_one_that_cannot_be_written_does_not() {
    let mut store = Store::new(true);
    let cookie = cookie_of(&store.serve(&sessions(), None, 1, at(0), log_in).unwrap()).unwrap();
    for (n_answers, is_served) in [(1, false), (2, true)] {
        let mut opening = sessions().open(Some(cookie.as_bytes()), later());
        let mut n_asked = 0;
        let driven = driver::drive(&mut opening, |question| {
            n_asked += 1;
            if n_asked > n_answers { driver::unreachable() } else { store.ask(question) }
        });
        assert_eq!(driven.is_ok(), is_served, "{driven:?}");
        assert_eq!(opening.finish().into_parts().0.contains("_user_id"), is_served);
    }
    assert_eq!(Duration::from_secs(300), listing::Settings::default().seen_every);
}

#[test]
fn session_that_an_update_has_given_a_user_is_listed_at_the_end() {
    let (rules, mut store) = (sessions(), Store::new(true));
    let set = |session: &mut Session| session.insert("seen", 1).unwrap();
    let cookie = cookie_of(&store.serve(&rules, None, 1, at(0), set).unwrap()).unwrap();
    let mut opening = rules.open(Some(cookie.as_bytes()), at(1));
    store.drive(&mut opening).unwrap();
    let (mut session, mut visit) = opening.finish().into_parts();
    let mut updating = visit.update(session.fate(), "_user_id", None, at(1)).unwrap();
    updating.apply("7".into()).unwrap();
    store.drive(&mut updating).unwrap();
    updating.finish(&mut session, &mut visit);
    assert_eq!(store.listed(), None);
    store.drive(&mut visit.close(&session, &[], at(1)).unwrap()).unwrap();
    assert_eq!(store.listed().unwrap(), [cookie]);
}
