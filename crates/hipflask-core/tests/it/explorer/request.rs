//! One request over the real machine: each question that it asks its store is a point where others may
//! come in between. Nothing is decided here.

use std::hash::{DefaultHasher, Hash, Hasher};

use hipflask_core::{
    UnixTime,
    engine::{EngineError, Outcome},
    interface::SaveAction,
    session::{Fate, Session},
    store::{Answer, Question, Replaced, StoreError},
    value::{Dict, Value},
    visit::{Closing, Machine, Opening, Sessions, Step, Turn, Turns, Updating, Visit},
};

use super::program::Program;

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);

/// When a task of the request counts up, beside what its handler does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Counting {
    /// It starts when the handler has done its part.
    After,
    /// It is done before the handler goes on.
    Before,
    /// It is under way when the handler does its part and ends.
    Beside,
    Never,
}

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) program: Program,
    pub(crate) counting: Counting,
    pub(crate) number: usize,
    turns: Turns,
    stage: Stage,
    opened: Option<(Session, Visit)>,
    has_run: bool,
    /// When its load was answered, and with what.
    pub(crate) loaded: Option<(usize, Option<Dict>)>,
    /// When its change was there first, as far as the store knows.
    pub(crate) first_committed: Option<usize>,
    /// When its change was there last.
    pub(crate) committed: Option<usize>,
    pub(crate) attempts: u32,
    pub(crate) counted: Counted,
    pub(crate) end: Option<End>,
    /// An answer to it was lost.
    pub(crate) has_lost: bool,
    /// Stands for all that it was told, and so for all that it is.
    history: u64,
}

/// What became of counting up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Counted {
    /// The task was told that it is not known.
    InDoubt,
    /// Nobody else has the session, so it is saved with the rest.
    Local,
    No,
    /// The task was told that the session has ended.
    Refused,
    Yes,
}

/// How a request came out.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// There was nothing to do.
    Idle,
    Saved(Outcome),
    Error(EngineError),
}

#[derive(Clone)]
enum Stage {
    Closing(Box<Closing>),
    Done,
    Opening(Box<Opening>),
    Updating(Box<Updating>, Turn),
}

impl Request {
    pub(crate) fn new(
        sessions: &'static Sessions,
        (program, counting): (Program, Counting),
        number: usize,
        cookie: Option<&[u8]>,
    ) -> Self {
        let mut request = Self {
            program,
            counting,
            number,
            turns: Turns::default(),
            stage: Stage::Opening(Box::new(sessions.open(cookie, NOW))),
            opened: None,
            has_run: false,
            loaded: None,
            first_committed: None,
            committed: None,
            attempts: 0,
            counted: Counted::No,
            end: None,
            has_lost: false,
            history: 0,
        };
        request.go_on(0);
        request
    }

    /// What it asks next; `None` at the end.
    pub(crate) fn question(&self) -> Option<Question<'_>> {
        let step = match &self.stage {
            Stage::Closing(closing) => closing.step(),
            Stage::Done => return None,
            Stage::Opening(opening) => opening.step(),
            Stage::Updating(updating, _) => updating.step(),
        };
        match step {
            Step::Ask(question) => Some(question),
            Step::Done | Step::Wait(_) => panic!("went on to {step:?}"),
        }
    }

    /// Reports whether it is saving.
    pub(crate) const fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing(_))
    }

    /// Returns what stands for all that it was told.
    pub(crate) const fn history(&self) -> u64 {
        self.history
    }

    fn note(&mut self, answer: &Result<Answer, StoreError>) {
        let mut hasher = DefaultHasher::new();
        self.history.hash(&mut hasher);
        match answer {
            Err(_) => self.has_lost = true,
            Ok(answer) => {
                // A record's content is not in the text.
                let record = match answer {
                    Answer::Loaded(record) => record.as_ref(),
                    Answer::Replaced(Replaced::Conflict(record)) => Some(record),
                    _ => None,
                };
                record.map(|record| record.payload.as_slice()).hash(&mut hasher);
                format!("{answer:?}").hash(&mut hasher);
            }
        }
        self.history = hasher.finish();
    }

    /// Goes on with an answer, up to the next question.
    pub(crate) fn answer(&mut self, answer: Result<Answer, StoreError>, turn: usize) {
        self.note(&answer);
        let result = match &mut self.stage {
            Stage::Closing(closing) => closing.answer(answer),
            Stage::Done => panic!("nothing was asked"),
            Stage::Opening(opening) => opening.answer(answer),
            Stage::Updating(updating, _) => updating.answer(answer),
        };
        match (result, &self.stage) {
            (Ok(()), _) => self.go_on(turn),
            (Err(error), Stage::Updating(..)) => {
                self.counted = match error {
                    EngineError::Gone => Counted::Refused,
                    EngineError::InDoubt(_) => Counted::InDoubt,
                    error => panic!("counting ended with {error}"),
                };
                self.leave_update(turn);
                self.proceed(turn);
            }
            (Err(error), _) => {
                self.end = Some(End::Error(error));
                self.stage = Stage::Done;
            }
        }
    }

    fn go_on(&mut self, turn: usize) {
        match &mut self.stage {
            Stage::Done => {}
            Stage::Opening(opening) => {
                if matches!(opening.step(), Step::Done) {
                    let (session, visit) = opening.clone().finish().into_parts();
                    self.loaded = Some((turn, visit.content().cloned()));
                    self.opened = Some((session, visit));
                    self.proceed(turn);
                }
            }
            Stage::Updating(updating, _) => {
                self.attempts = self.attempts.max(updating.attempts());
                while matches!(updating.step(), Step::Wait(_)) {
                    updating.waited();
                }
                if let Some(current) = updating.current() {
                    let value = one_more(current);
                    updating.apply(value).unwrap();
                } else if matches!(updating.step(), Step::Done) {
                    self.counted = Counted::Yes;
                    self.leave_update(turn);
                    self.proceed(turn);
                }
            }
            Stage::Closing(closing) => {
                self.attempts = self.attempts.max(closing.attempts());
                while matches!(closing.step(), Step::Wait(_)) {
                    closing.waited();
                }
                if matches!(closing.step(), Step::Done) {
                    self.end();
                }
            }
        }
    }

    /// Does what comes next now that the store is not being asked.
    fn proceed(&mut self, turn: usize) {
        let counts_first = matches!(self.counting, Counting::Before | Counting::Beside);
        if counts_first && self.counted == Counted::No && self.start_update(turn) {
            if self.counting == Counting::Beside {
                self.run();
            }
            return;
        }
        self.run();
        if self.counting == Counting::After
            && self.counted == Counted::No
            && self.start_update(turn)
        {
            return;
        }
        self.close(turn);
    }

    /// The handler's part.
    fn run(&mut self) {
        if !std::mem::replace(&mut self.has_run, true) {
            let (session, _) = self.opened.as_mut().unwrap();
            self.program.run(session, self.number).unwrap();
        }
    }

    fn start_update(&mut self, turn: usize) -> bool {
        let (session, visit) = self.opened.as_mut().unwrap();
        let place = self.turns.enter().expect("saving has not begun");
        assert!(self.turns.is_on(place));
        let seen = session.value("n");
        let fate: Fate = session.fate();
        let Some(updating) = visit.update(fate, "n", seen.as_ref(), NOW) else {
            session.set("n", one_more(seen.as_ref())).unwrap();
            self.counted = Counted::Local;
            self.turns.leave(place);
            return false;
        };
        self.stage = Stage::Updating(Box::new(updating), place);
        self.go_on(turn);
        true
    }

    fn leave_update(&mut self, turn: usize) {
        // However it has ended, it has seen what others have written.
        self.loaded.as_mut().unwrap().0 = turn;
        if let Stage::Updating(updating, place) = std::mem::replace(&mut self.stage, Stage::Done) {
            let (session, visit) = self.opened.as_mut().unwrap();
            updating.finish(session, visit);
            self.turns.leave(place);
        }
    }

    fn close(&mut self, turn: usize) {
        let place = self.turns.close().expect("it closes once");
        assert!(self.turns.is_on(place), "an update is under way");
        let (session, visit) = self.opened.take().unwrap();
        let entropy = [u8::try_from(self.number).unwrap(); 32];
        let entropy = &entropy[..visit.entropy_len(&session)];
        match visit.close(&session, entropy, NOW) {
            Ok(closing) => self.stage = Stage::Closing(Box::new(closing)),
            Err(error) => self.end = Some(End::Error(error)),
        }
        self.go_on(turn);
    }

    fn end(&mut self) {
        let Stage::Closing(closing) = std::mem::replace(&mut self.stage, Stage::Done) else {
            return;
        };
        let outcome = closing.outcome();
        let saved = closing.finish().unwrap();
        let is_set = matches!(saved.action, SaveAction::Set(_));
        assert!(
            !is_set || matches!(outcome, Some(Outcome::Saved | Outcome::Unchanged)),
            "{outcome:?}"
        );
        self.end = Some(outcome.map_or(End::Idle, End::Saved));
    }
}

fn one_more(n: Option<&Value>) -> Value {
    Value::from(n.and_then(Value::as_i64).unwrap_or(0) + 1)
}
