//! One request as a state machine over the real interface and engine: each question that it asks
//! its store is a point where others may come in between.

use std::{rc::Rc, time::Duration};

use hipflask_core::{
    engine::{Answer, EngineError, Outcome, Saving, Snapshot, Step},
    interface::SaveAction,
    reason::Reason,
    record::{self, Format},
    serializer::Limits,
    server_side::{Found, Offer, Plan, ServerSide, SessionId},
    store::{Created, Deleted, Record, RecordKey, Replaced},
    value::{Dict, Value},
};

use super::{memory::Ask, program::Program};

const NOW: Duration = Duration::from_secs(1_763_692_800);

/// How requests meet their store.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) interface: Rc<ServerSide>,
    /// The store renews in two steps, as `renew_in_two_steps` does.
    pub(crate) renews_in_two_steps: bool,
}

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) program: Program,
    pub(crate) number: usize,
    setting: Setting,
    stage: Stage,
    /// When its load was answered, and with what.
    pub(crate) loaded: Option<(usize, Option<Dict>)>,
    /// When its change was there.
    pub(crate) committed: Option<usize>,
    pub(crate) attempts: u32,
    pub(crate) end: Option<End>,
}

/// How a request came out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// There was nothing to do.
    Idle,
    Saved(Outcome),
    /// The update loop has told the handler that there is no session any more.
    UpdateRefused,
    Error(EngineError),
}

/// What an answer has done to the session that all requests have opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    Ended,
    Nothing,
    /// It was read, with content.
    Opened,
    Renewed,
}

#[derive(Clone)]
enum Stage {
    Done,
    Load { offer: Offer, keys: Vec<RecordKey>, retired: Option<(RecordKey, Record)> },
    Save(Box<Plan>, TwoSteps),
    Update(Box<Found>),
}

/// Where the renewal in two steps is.
#[derive(Clone)]
enum TwoSteps {
    Create,
    Retire,
    Undo(Replaced),
}

impl Request {
    pub(crate) fn new(
        setting: Setting,
        program: Program,
        number: usize,
        id: Option<&SessionId>,
    ) -> Self {
        let offer = setting.interface.identify(id.map(|id| id.as_str().as_bytes()));
        let mut keys = Vec::new();
        if let Ok(id) = &offer.id {
            keys.push(setting.interface.key_of(id));
            if let Some(earlier) = setting.interface.earlier_key_of(id) {
                // Between the first two it may be moved.
                keys.extend([earlier, keys[0].clone()]);
            }
        }
        keys.reverse();
        let mut request = Self {
            program,
            number,
            setting,
            stage: Stage::Done,
            loaded: None,
            committed: None,
            attempts: 0,
            end: None,
        };
        if keys.is_empty() {
            request.open(offer, None, 0);
        } else {
            request.stage = Stage::Load { offer, keys, retired: None };
        }
        request
    }

    /// What it asks next; `None` at the end.
    pub(crate) fn ask(&self) -> Option<Ask> {
        Some(match &self.stage {
            Stage::Done => return None,
            Stage::Load { keys, .. } => Ask::Load { key: keys.last()?.clone() },
            Stage::Save(plan, two_steps) => self.ask_to_save(active(plan), two_steps)?,
            Stage::Update(found) => {
                let snapshot = found.held.as_ref()?.snapshot();
                let payload = record::encode(&incremented(snapshot.content()), Format::MsgPack);
                Ask::Replace {
                    key: snapshot.key().clone(),
                    current: snapshot.record().clone(),
                    payload: payload.unwrap(),
                }
            }
        })
    }

    /// Whether what it asks next is about a key that nobody else knows, so that it makes no
    /// difference when that happens.
    pub(crate) fn asks_alone(&self) -> bool {
        let is_undone = matches!(self.stage, Stage::Save(_, TwoSteps::Undo(_)));
        is_undone || matches!(self.ask(), Some(Ask::Create { .. }))
    }

    fn ask_to_save(&self, saving: &Saving, two_steps: &TwoSteps) -> Option<Ask> {
        Some(match saving.step() {
            Step::Done(_) => return None,
            Step::Create { key, payload, .. } => {
                Ask::Create { key: key.clone(), payload: payload.to_vec() }
            }
            Step::Delete { key } => Ask::Delete { key: key.clone() },
            Step::Load { key } => Ask::Load { key: key.clone() },
            Step::Replace { key, current, payload, .. } => Ask::Replace {
                key: key.clone(),
                current: current.clone(),
                payload: payload.to_vec(),
            },
            Step::Renew(renewal) => {
                let (old, current) = (renewal.old.clone(), renewal.current.clone());
                let (new, payload) = (renewal.new.clone(), renewal.payload.to_vec());
                let retired = renewal.retired.to_vec();
                match two_steps {
                    _ if !self.setting.renews_in_two_steps => {
                        Ask::Renew { old, current, retired, new, payload }
                    }
                    TwoSteps::Create => Ask::Create { key: new, payload },
                    TwoSteps::Retire => Ask::Replace { key: old, current, payload: retired },
                    TwoSteps::Undo(_) => Ask::Delete { key: new },
                }
            }
        })
    }

    /// Goes on with an answer, up to the next question.
    pub(crate) fn answer(&mut self, answer: Answer, turn: usize) -> Event {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => panic!("nothing was asked"),
            Stage::Load { offer, mut keys, retired } => {
                let key = keys.pop().expect("a key was asked for");
                let Answer::Loaded(record) = answer else { panic!("{answer:?}") };
                let is_live = record.as_ref().is_some_and(|record| !record.is_retired());
                let record = record.map(|record| (key, record)).or(retired);
                if !is_live && !keys.is_empty() {
                    self.stage = Stage::Load { offer, keys, retired: record };
                    return Event::Nothing;
                }
                self.open(offer, record, turn)
            }
            Stage::Save(plan, two_steps) => self.save(plan, two_steps, answer, turn),
            Stage::Update(found) => {
                self.update(found, answer, turn);
                Event::Nothing
            }
        }
    }

    fn open(&mut self, offer: Offer, record: Option<(RecordKey, Record)>, turn: usize) -> Event {
        let mut found = self.setting.interface.open_at(offer, record, NOW);
        let content = found.held.as_ref().map(|held| held.snapshot().content().clone());
        let is_opened = content.as_ref().is_some_and(|content| !content.is_empty());
        self.loaded = Some((turn, content));
        match (self.program, &found.held) {
            (Program::Increment, Some(_)) => self.stage = Stage::Update(Box::new(found)),
            (Program::Increment, None) => {
                found.session.set("n", 1).unwrap();
                self.plan(found);
            }
            _ => {
                self.program.run(&mut found.session, self.number).unwrap();
                self.plan(found);
            }
        }
        if is_opened { Event::Opened } else { Event::Nothing }
    }

    /// The update loop of the layer.
    fn update(&mut self, mut found: Box<Found>, answer: Answer, turn: usize) {
        let held = found.held.as_mut().expect("a session is updated that is held");
        let snapshot = held.snapshot();
        let key = snapshot.key().clone();
        let Answer::Replaced(replaced) = answer else { panic!("{answer:?}") };
        match replaced {
            Replaced::Replaced(_) => {
                let content = incremented(snapshot.content());
                let payload = record::encode(&content, Format::MsgPack).unwrap();
                held.set_snapshot(Snapshot::written(key, Record::new(payload), content.clone()));
                found.session.rebase(content.clone());
                found.session.set("n", content.get("n").cloned().unwrap()).unwrap();
                self.committed = Some(turn);
                self.plan(*found);
            }
            Replaced::Gone => self.end = Some(End::UpdateRefused),
            Replaced::Conflict(current) => {
                match Snapshot::read(key, current, Format::MsgPack, Limits::default()).unwrap() {
                    Some(theirs) => {
                        held.set_snapshot(theirs);
                        self.attempts += 1;
                        self.stage = Stage::Update(found);
                    }
                    None => self.end = Some(End::UpdateRefused),
                }
            }
        }
    }

    fn plan(&mut self, found: Found) {
        let Found { session, reason, held, .. } = found;
        let entropy = [u8::try_from(self.number).unwrap(); 32];
        // A session that is not there gives no cookie twice.
        assert!(held.is_some() || !matches!(reason, Reason::Found), "found and not held");
        match self.setting.interface.plan(&session, reason, held, &entropy, NOW) {
            Ok(None) => self.end = Some(End::Idle),
            Ok(Some(plan)) => self.go_on(Box::new(plan)),
            Err(error) => self.end = Some(End::Error(error)),
        }
    }

    fn save(
        &mut self,
        mut plan: Box<Plan>,
        two_steps: TwoSteps,
        answer: Answer,
        turn: usize,
    ) -> Event {
        let is_renewal = matches!(active(&plan).step(), Step::Renew(_));
        let ends = active(&plan).content().is_none();
        let answer = match (two_steps, answer) {
            (TwoSteps::Undo(replaced), _) => Answer::Replaced(replaced),
            (_, answer) if !is_renewal || !self.setting.renews_in_two_steps => answer,
            (_, Answer::Created(Created::Created(_))) => {
                self.stage = Stage::Save(plan, TwoSteps::Retire);
                return Event::Nothing;
            }
            (_, Answer::Replaced(replaced @ (Replaced::Conflict(_) | Replaced::Gone))) => {
                self.stage = Stage::Save(plan, TwoSteps::Undo(replaced));
                return Event::Nothing;
            }
            (_, answer) => answer,
        };
        let is_written = matches!(
            answer,
            Answer::Created(Created::Created(_))
                | Answer::Replaced(Replaced::Replaced(_))
                | Answer::Deleted(Deleted::Deleted)
        );
        let saving = match &mut plan.ending {
            Some(ending) if !matches!(ending.step(), Step::Done(_)) => ending,
            _ => &mut plan.saving,
        };
        if let Err(error) = saving.answer(answer) {
            self.end = Some(End::Error(error));
            return Event::Nothing;
        }
        self.attempts = self.attempts.max(saving.attempts());
        self.go_on(plan);
        if !is_written {
            return Event::Nothing;
        }
        self.committed = Some(turn);
        match (ends, is_renewal && self.program.renews()) {
            (true, _) => Event::Ended,
            (_, true) => Event::Renewed,
            _ => Event::Nothing,
        }
    }

    fn go_on(&mut self, plan: Box<Plan>) {
        let Step::Done(outcome) = active(&plan).step() else {
            self.stage = Stage::Save(plan, TwoSteps::Create);
            return;
        };
        let saved = self.setting.interface.finish(&plan, outcome, NOW).unwrap();
        let is_set = matches!(saved.action, SaveAction::Set(_));
        assert!(!is_set || matches!(outcome, Outcome::Saved | Outcome::Unchanged), "{outcome:?}");
        self.end = Some(End::Saved(outcome));
    }
}

/// What is being saved: first the end, if there is one.
fn active(plan: &Plan) -> &Saving {
    let ending = plan.ending.as_ref();
    ending.filter(|ending| !matches!(ending.step(), Step::Done(_))).unwrap_or(&plan.saving)
}

fn incremented(content: &Dict) -> Dict {
    let mut content = content.clone();
    let n = content.get("n").and_then(Value::as_i64).unwrap_or(0);
    content.insert("n", Value::from(n + 1));
    content
}
