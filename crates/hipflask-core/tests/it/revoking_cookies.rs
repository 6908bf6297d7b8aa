//! Revoking signed cookies: what is refused, and what survives, in every order of the steps of two and
//! three requests, on one node and on two.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    engine::EngineError,
    interface::{CookieSessions, SaveAction},
    reason::Reason,
    revocation::{RevocableSessions, Settings},
    session::Session,
    signing::KeyRing,
    store::{Answer, Question, RecordKey, StoreError},
    value::Value,
    visit::{Closing, Machine, Opening, RevokingUser, Sessions, Step},
};

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{driver::cookie_of, explorer::memory::Memory};

const START: u64 = 1_763_692_800;

fn sessions(delay: u64) -> Sessions {
    let settings = Settings { delay: Duration::from_secs(delay), ..Settings::default() };
    Sessions::from(RevocableSessions::new(CookieSessions::new(&KeyRing::new("k")), settings))
}

fn at(second: u64) -> UnixTime {
    UnixTime::from_secs(START + second)
}

fn a_bit_after(second: u64) -> UnixTime {
    at(second).checked_add(Duration::from_millis(1)).unwrap()
}

fn drive(machine: &mut impl Machine, memory: &mut Memory) {
    loop {
        match machine.step() {
            Step::Ask(question) => {
                let (answer, _) = memory.answer(question);
                machine.answer(Ok(answer)).unwrap();
            }
            Step::Wait(_) => machine.waited(),
            Step::Done => return,
        }
    }
}

/// Opens a cookie; `None` and the reason if nobody is logged in.
fn opened(
    rules: &Sessions,
    memory: &mut Memory,
    cookie: &str,
    now: UnixTime,
) -> (Option<String>, Reason) {
    let mut opening = rules.open(Some(cookie.as_bytes()), now);
    drive(&mut opening, memory);
    let (session, visit) = opening.finish().into_parts();
    (session.get("_user_id").unwrap(), visit.reason())
}

/// Serves a whole request and returns its cookie.
fn serve(
    rules: &Sessions,
    memory: &mut Memory,
    cookie: Option<&str>,
    now: UnixTime,
    handler: impl FnOnce(&mut Session),
) -> SaveAction {
    let mut opening = rules.open(cookie.map(str::as_bytes), now);
    drive(&mut opening, memory);
    let (mut session, visit) = opening.finish().into_parts();
    handler(&mut session);
    let mut closing = visit.close(&session, &[], now).unwrap();
    drive(&mut closing, memory);
    closing.finish().unwrap().action
}

fn log_in(session: &mut Session) {
    session.insert("_user_id", "7").unwrap();
    session.set_permanent(true).unwrap();
}

fn revoke_user(rules: &Sessions, memory: &mut Memory, now: UnixTime) {
    drive(&mut rules.revoke_user("7", now).unwrap(), memory);
}

/// What one request does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Program {
    /// Ends all sessions of the user, without a session of its own.
    EndAll,
    /// Ends all sessions of the user but its own.
    EndOthers,
    /// Logs in anew, in another browser.
    LogIn,
    LogOut,
    /// As Flask's tutorials do it.
    PopUser,
    /// Only reads; a permanent session is signed anew all the same.
    Read,
    Renew,
    Write,
}

const ALL: [Program; 8] = [
    Program::EndAll,
    Program::EndOthers,
    Program::LogIn,
    Program::LogOut,
    Program::PopUser,
    Program::Read,
    Program::Renew,
    Program::Write,
];

#[derive(Clone)]
enum Stage {
    Start,
    Opening(Box<Opening>),
    Marking(Box<RevokingUser>, Option<Box<(Session, hipflask_core::visit::Visit)>>),
    Closing(Box<Closing>),
    Done,
}

#[derive(Clone)]
struct Request {
    program: Program,
    rules: &'static Sessions,
    stage: Stage,
    /// The steps at which it has begun to save, and was done.
    saves_at: usize,
    done_at: usize,
    /// It had the user when it was opened.
    had_user: bool,
    /// It was ended before it could end others.
    is_refused: bool,
    sent: Option<String>,
}

impl Request {
    fn step(&self) -> Option<Step<'_>> {
        match &self.stage {
            Stage::Start | Stage::Done => None,
            Stage::Opening(machine) => Some(machine.step()),
            Stage::Marking(machine, _) => Some(machine.step()),
            Stage::Closing(machine) => Some(machine.step()),
        }
    }

    fn question(&self) -> Option<Question<'_>> {
        match self.step()? {
            Step::Ask(question) => Some(question),
            step => panic!("went on to {step:?}"),
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) {
        match &mut self.stage {
            Stage::Start | Stage::Done => panic!("nothing was asked"),
            Stage::Opening(machine) => machine.answer(answer).unwrap(),
            Stage::Marking(machine, _) => match machine.answer(answer) {
                Err(EngineError::Gone) => self.is_refused = true,
                answered => answered.unwrap(),
            },
            Stage::Closing(machine) => machine.answer(answer).unwrap(),
        }
    }

    /// Goes on to the next question.
    fn go_on(&mut self, cookie: &str, now: UnixTime, turn: usize) {
        loop {
            while matches!(self.step(), Some(Step::Wait(_))) {
                match &mut self.stage {
                    Stage::Marking(machine, _) => machine.waited(),
                    Stage::Closing(machine) => machine.waited(),
                    _ => {}
                }
            }
            if matches!(self.step(), Some(Step::Ask(_))) && !self.is_refused {
                return;
            }
            self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Done => return,
                Stage::Start if self.program == Program::EndAll => {
                    let marking = self.rules.revoke_user("7", now).unwrap();
                    self.saves_at = turn;
                    Stage::Marking(Box::new(marking), None)
                }
                Stage::Start => {
                    let cookie = (self.program != Program::LogIn).then_some(cookie.as_bytes());
                    Stage::Opening(Box::new(self.rules.open(cookie, now)))
                }
                Stage::Opening(opening) => {
                    let (mut session, visit) = opening.finish().into_parts();
                    self.had_user = session.contains("_user_id");
                    self.run(&mut session);
                    let marking = visit.revoke_others("7", now);
                    match marking.filter(|_| self.program == Program::EndOthers) {
                        Some(marking) => {
                            Stage::Marking(Box::new(marking), Some(Box::new((session, visit))))
                        }
                        None => self.close(&session, visit, now, turn),
                    }
                }
                Stage::Marking(_, Some(parts)) => {
                    self.is_refused = false;
                    self.close(&parts.0, parts.1, now, turn)
                }
                Stage::Marking(_, None) => {
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

    fn close(
        &mut self,
        session: &Session,
        visit: hipflask_core::visit::Visit,
        now: UnixTime,
        turn: usize,
    ) -> Stage {
        self.saves_at = turn;
        Stage::Closing(Box::new(visit.close(session, &[], now).unwrap()))
    }

    fn run(&self, session: &mut Session) {
        match self.program {
            Program::EndAll | Program::EndOthers | Program::Read => {}
            Program::LogIn => log_in(session),
            Program::LogOut => session.destroy().unwrap(),
            Program::PopUser => drop(session.remove("_user_id").unwrap()),
            Program::Renew => session.renew().unwrap(),
            Program::Write => session.insert("written", 1).unwrap(),
        }
    }
}

/// When the clock goes on.
#[derive(Clone, Copy, Debug)]
enum Clock {
    Always,
    Once(usize),
    Never,
}

impl Clock {
    fn at(self, turn: usize) -> UnixTime {
        let turn_ms = u64::try_from(turn).unwrap();
        let second = match self {
            Self::Always => turn_ms,
            Self::Once(when) => u64::from(turn >= when),
            Self::Never => 0,
        };
        at(10 + second).checked_add(Duration::from_millis(turn_ms)).unwrap()
    }
}

#[derive(Clone)]
struct World {
    memory: Memory,
    requests: Vec<Request>,
    turn: usize,
}

impl World {
    /// Lets one request go on, up to its next question; `None` if it is done.
    fn step(&self, number: usize, cookie: &str, clock: Clock) -> Option<Self> {
        let mut next = self.clone();
        next.turn += 1;
        let (now, turn, request) = (clock.at(next.turn), next.turn, &mut next.requests[number]);
        if matches!(request.stage, Stage::Done) {
            return None;
        }
        let answer = request.question().map(|question| next.memory.answer(question).0);
        answer.into_iter().for_each(|answer| request.answer(Ok(answer)));
        request.go_on(cookie, now, turn);
        Some(next)
    }
}

/// Runs every order of the steps, and checks each end.
fn explore(world: &World, cookie: &str, clock: Clock) -> usize {
    let next = (0..world.requests.len()).filter_map(|number| world.step(number, cookie, clock));
    let n: usize = next.map(|next| explore(&next, cookie, clock)).sum();
    if n == 0 {
        check(world, cookie, clock);
    }
    n.max(1)
}

fn check(world: &World, first: &str, clock: Clock) {
    let mut memory = world.memory.clone();
    let now = clock.at(world.turn);
    let programs: Vec<_> = world.requests.iter().map(|it| it.program).collect();
    let mut is_in = |cookie: &str| opened(&sessions(0), &mut memory, cookie, now).0.is_some();
    let ends = |it: &&Request| {
        let ends_it = matches!(it.program, Program::LogOut | Program::PopUser) && it.had_user;
        ends_it || it.program == Program::EndAll
    };
    let enders: Vec<_> = world.requests.iter().filter(ends).collect();
    let keepers: Vec<_> = world
        .requests
        .iter()
        .filter(|it| it.program == Program::EndOthers && it.had_user)
        .collect();
    if !enders.is_empty() {
        assert!(!is_in(first), "{programs:?} at {clock:?}: the first cookie is valid");
    }
    for request in &world.requests {
        let Some(cookie) = &request.sent else { continue };
        let case = || format!("{programs:?} at {clock:?}: {:?}", request.program);
        if request.program == Program::LogIn {
            // A log-in ends by what comes later, and by nothing that came before.
            let user_enders = enders.iter().copied().filter(|it| it.program == Program::EndAll);
            let all: Vec<_> = user_enders.chain(keepers.iter().copied()).collect();
            if all.iter().all(|it| it.done_at < request.saves_at) {
                assert!(is_in(cookie), "{}: is logged out", case());
            }
            if all.iter().any(|it| it.saves_at > request.done_at && it.program == Program::EndAll) {
                assert!(!is_in(cookie), "{}: is still logged in", case());
            }
        } else if !enders.is_empty() {
            assert!(!is_in(cookie), "{}: has come back", case());
        } else if keepers.len() == 1 && request.program == Program::EndOthers {
            assert!(is_in(cookie), "{}: has ended itself", case());
        }
    }
}

/// A user who has logged in, and what is asked for then.
fn world(programs: &[Program], delay: u64) -> (World, String) {
    let mut memory = Memory::default();
    let rules: &'static Sessions = Box::leak(Box::new(sessions(delay)));
    let first = serve(rules, &mut memory, None, at(5), log_in);
    let request = |program: &Program| Request {
        program: *program,
        rules,
        stage: Stage::Start,
        saves_at: 0,
        done_at: 0,
        had_user: false,
        is_refused: false,
        sent: None,
    };
    let requests = programs.iter().map(request).collect();
    (World { memory, requests, turn: 0 }, cookie_of(&first).unwrap())
}

#[test]
fn two_requests_in_every_order_and_at_every_second() {
    let once = (1..12).step_by(3).map(Clock::Once);
    let clocks: Vec<_> = [Clock::Never, Clock::Always].into_iter().chain(once).collect();
    let mut n = 0;
    for (first, one) in ALL.iter().enumerate() {
        for other in &ALL[first..] {
            for clock in &clocks {
                let (world, cookie) = world(&[*one, *other], 0);
                n += explore(&world, &cookie, *clock);
            }
        }
    }
    eprintln!("2 requests: {n} orders");
}

proptest! {
    #[test]
    fn three_requests_in_random_order(
        programs in vec(select(&ALL), 3),
        order in vec(0..3_usize, 40),
        tick in 1..20_usize,
    ) {
        let (mut world, cookie) = world(&programs, 0);
        for number in order.into_iter().chain((0..3).cycle().take(90)) {
            world = world.step(number, &cookie, Clock::Once(tick)).unwrap_or(world);
        }
        prop_assert!(world.requests.iter().all(|it| matches!(it.stage, Stage::Done)), "still busy");
        check(&world, &cookie, Clock::Once(tick));
    }
}

#[test]
fn replayed_cookie_is_refused_after_log_out_and_flask_s_own_too() {
    // Flask has written it, with `{"user_id": 7}`, and knows of no mark.
    let (rules, mut memory) = (sessions(0), Memory::default());
    let plain = Sessions::from(CookieSessions::new(&KeyRing::new("k")));
    let set = |session: &mut Session| session.insert("user_id", 7).unwrap();
    let cookie = cookie_of(&serve(&plain, &mut memory, None, at(0), set)).unwrap();
    let other = cookie_of(&serve(&plain, &mut memory, None, at(1), set)).unwrap();
    let has_user = |memory: &mut Memory, cookie: &str| {
        let mut opening = rules.open(Some(cookie.as_bytes()), at(9));
        drive(&mut opening, memory);
        opening.finish().into_parts().0.contains("user_id")
    };
    assert!(has_user(&mut memory, &cookie) && has_user(&mut memory, &other));
    let action = serve(&rules, &mut memory, Some(&cookie), at(5), |it| it.destroy().unwrap());
    assert!(matches!(action, SaveAction::Delete(_)), "{action:?}");
    assert!(!has_user(&mut memory, &cookie), "logged out");
    assert!(has_user(&mut memory, &other), "another browser of the same user stays");
    revoke_user(&rules, &mut memory, at(6));
    assert!(!has_user(&mut memory, &other), "all sessions of the user");
}

#[test]
fn log_in_in_the_second_of_a_revocation_survives_and_its_predecessor_does_not() {
    let (rules, mut memory) = (sessions(0), Memory::default());
    let before = cookie_of(&serve(&rules, &mut memory, None, at(0), log_in)).unwrap();
    revoke_user(&rules, &mut memory, at(0));
    // Both are signed in one second with one content but for when the user has logged in.
    let after = cookie_of(&serve(&rules, &mut memory, None, a_bit_after(0), log_in)).unwrap();
    assert_eq!(opened(&rules, &mut memory, &before, at(0)), (None, Reason::Revoked));
    assert_eq!(opened(&rules, &mut memory, &after, at(0)).0.as_deref(), Some("7"));
    revoke_user(&rules, &mut memory, at(0));
    assert_eq!(opened(&rules, &mut memory, &after, at(0)), (None, Reason::Revoked));
}

#[test]
fn damaged_mark_refuses_until_the_next_log_in() {
    let (rules, mut memory) = (sessions(0), Memory::default());
    let cookie = cookie_of(&serve(&rules, &mut memory, None, at(0), log_in)).unwrap();
    let mut marking = rules.revoke_user("7", at(0)).unwrap();
    let Step::Ask(Question::Load { key, .. }) = marking.step() else { panic!("a question") };
    let key: RecordKey = key.clone();
    drive(&mut marking, &mut memory);
    memory.put(&key, &[("before".into(), Value::from("nonsense"))].into_iter().collect());
    assert_eq!(opened(&rules, &mut memory, &cookie, at(2)).1, Reason::Revoked);
    let next = cookie_of(&serve(&rules, &mut memory, None, at(3), log_in)).unwrap();
    assert_eq!(opened(&rules, &mut memory, &next, at(4)).0.as_deref(), Some("7"));
}

#[test]
fn another_node_notices_within_the_delay_and_never_signs_anew() {
    let (here, there, mut memory) = (sessions(5), sessions(5), Memory::default());
    let cookie = cookie_of(&serve(&here, &mut memory, None, at(0), log_in)).unwrap();
    assert!(opened(&there, &mut memory, &cookie, at(1)).0.is_some());
    revoke_user(&here, &mut memory, at(2));
    assert_eq!(opened(&here, &mut memory, &cookie, at(2)).1, Reason::Revoked, "at once here");
    assert!(opened(&there, &mut memory, &cookie, at(5)).0.is_some(), "within the delay");
    let action = serve(&there, &mut memory, Some(&cookie), at(5), |_| {});
    assert!(matches!(action, SaveAction::Delete(_)), "{action:?}");
    assert_eq!(opened(&there, &mut memory, &cookie, at(6)).1, Reason::Revoked, "after the delay");
}

#[test]
fn store_that_does_not_answer_lets_nobody_in() {
    let rules = sessions(0);
    let mut memory = Memory::default();
    let cookie = cookie_of(&serve(&rules, &mut memory, None, at(0), log_in)).unwrap();
    let mut opening = rules.open(Some(cookie.as_bytes()), at(1));
    let lost = || Err(StoreError::unavailable("the connection broke"));
    let mut result = Ok(());
    while result.is_ok() && matches!(opening.step(), Step::Ask(_)) {
        result = opening.answer(lost());
    }
    assert!(result.is_err());
    let (session, visit) = opening.finish().into_parts();
    assert!(session.is_empty() && session.check_writable().is_err());
    assert_eq!(visit.reason(), Reason::StoreUnavailable);
}
