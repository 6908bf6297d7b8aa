//! Every order in which two or three requests of one session can ask its store, each with a task of its
//! own that counts up, and with answers that are lost before or after the store has acted, over the
//! real machine: no disjoint write is lost or done twice, and nothing that has ended comes back.
//!
//! What is pruned, because it cannot come out differently: programs are sets, as requests differ
//! in nothing but their number; of two questions in a row that change nothing only one order is tried;
//! what is about a key that nobody else knows happens at once; what has come to the same by another
//! order goes on once; and a lost answer to a load is only a load once more. What is left out, to end within a minute, stands at the tests.

mod late;
pub(crate) mod memory;
mod oracle;
mod program;
mod random;
mod request;

use std::{
    collections::{BTreeSet, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use hipflask_core::{
    UnixTime,
    record::{self, Sealing},
    store::{Question, Record, RecordKey, StoreError},
    stored::{IdStorage, SessionId, Settings, StoredSessions},
    value::{Dict, Value},
    visit::Sessions,
};

use late::Late;
use memory::Memory;
use oracle::Violation;
use program::Program;
use request::{Counting, Request};

/// What there is when the requests come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Start {
    /// No session: each request begins one.
    None,
    /// A session with one key, which a request may remove.
    Poor,
    /// A session with something for each program.
    Rich,
}

/// What is explored.
#[derive(Clone, Copy, Debug)]
struct Scene {
    start: Start,
    expires: bool,
    renews_in_two_steps: bool,
    id_storage: IdStorage,
    is_blind: bool,
    /// How many answers are lost.
    losses: u32,
    /// The driver asks again by itself when an answer is lost, and does not say so.
    repeats_blindly: bool,
    sealing: fn() -> Option<Sealing>,
    /// What there is at first is plain, whatever is written later.
    starts_plain: bool,
}

const SCENE: Scene = Scene {
    start: Start::Rich,
    expires: false,
    renews_in_two_steps: false,
    id_storage: IdStorage::Plain,
    is_blind: false,
    losses: 0,
    repeats_blindly: false,
    sealing: || None,
    starts_plain: false,
};

impl Scene {
    /// The sessions of a scene, kept as long as the tests run: there are few kinds.
    fn rules(self) -> &'static Sessions {
        let sealing = (self.sealing)();
        let settings = Settings { id_storage: self.id_storage, sealing, ..Settings::default() };
        let rules = StoredSessions::new(settings).with_renewal_at_once(!self.renews_in_two_steps);
        Box::leak(Box::new(rules.into()))
    }
}

/// All requests, their store, and what has become of the session that they have opened.
#[derive(Clone)]
struct World {
    memory: Memory,
    requests: Vec<Rc<Request>>,
    /// Where the session is, as long as its record may still expire.
    expiring: Option<RecordKey>,
    /// How many answers may still be lost.
    losses: u32,
    /// What the store has been asked and has not done yet, although its answer was given up.
    late: Option<(usize, Late)>,
    repeats_blindly: bool,
    renews_in_two_steps: bool,
    is_ended: bool,
    is_renewed: bool,
    turn: usize,
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Heard,
    /// The store does it, and its answer is lost.
    LostAfter,
    /// The store never gets to see it.
    LostBefore,
    /// The store does it later, when nobody waits for it any more.
    Late,
}

impl World {
    fn new(scene: Scene, rules: &'static Sessions, programs: &[(Program, Counting)]) -> Self {
        let Scene { is_blind, losses, repeats_blindly, renews_in_two_steps, .. } = scene;
        let id = SessionId::from_entropy(&[255; 32]);
        let Sessions::Stored(stored) = rules else { panic!("a store") };
        let key = stored.earlier_key_of(&id).unwrap_or_else(|| stored.key_of(&id));
        let mut memory = Memory::new(is_blind, stored.settings().coding(UnixTime::default()));
        if let Some(content) = scene.start.content() {
            let plain = record::encode(&content, stored.settings().format).unwrap();
            if scene.starts_plain { memory.write(&key, &plain) } else { memory.put(&key, &content) }
        }
        let cookie = (scene.start != Start::None).then(|| id.as_str().as_bytes());
        let requests = programs.iter().enumerate();
        let requests = requests
            .map(|(number, program)| Rc::new(Request::new(rules, *program, number, cookie)))
            .collect();
        let expiring = scene.expires.then_some(key);
        let (is_ended, is_renewed, late) = (false, false, None);
        Self {
            memory,
            requests,
            expiring,
            losses,
            late,
            repeats_blindly,
            renews_in_two_steps,
            is_ended,
            is_renewed,
            turn: 0,
        }
    }

    /// Lets one request ask its store one thing; says whether that has changed anything.
    fn step(&mut self, number: usize, fate: Fate) -> Result<bool, Violation> {
        self.turn += 1;
        let request = Rc::clone(&self.requests[number]);
        let question = request.question().expect("it asks");
        self.losses -= u32::from(fate != Fate::Heard);
        let lost = || Err(StoreError::unavailable("the connection broke"));
        let (answer, is_changed) = match fate {
            Fate::LostBefore => (lost(), false),
            Fate::Late => {
                self.late = Some((number, Late::of(question)));
                (lost(), false)
            }
            Fate::Heard | Fate::LostAfter => {
                let (mut answer, is_changed) = self.memory.answer(question);
                if fate == Fate::LostAfter && self.repeats_blindly {
                    answer = self.memory.answer(question).0;
                }
                let is_lost = fate == Fate::LostAfter && !self.repeats_blindly;
                (if is_lost { lost() } else { Ok(answer) }, is_changed)
            }
        };
        let was_loaded = request.loaded.is_some();
        if is_changed {
            self.note_change(number, question);
        }
        let after = Rc::make_mut(&mut self.requests[number]);
        after.answer(answer, self.turn);
        let content = after.loaded.as_ref().filter(|_| !was_loaded);
        let is_opened = content.is_some_and(|(_, it)| it.as_ref().is_some_and(|it| !it.is_empty()));
        if is_opened && (self.is_ended || self.is_renewed) {
            return Err(Violation::Resurrection);
        }
        Ok(is_changed)
    }

    /// What a change is to the session that all have opened.
    fn note_change(&mut self, number: usize, question: Question<'_>) {
        let request = Rc::make_mut(&mut self.requests[number]);
        if !request.is_closing() {
            return;
        }
        request.first_committed.get_or_insert(self.turn);
        request.committed = Some(self.turn);
        let renews = request.program.renews();
        match question {
            // What is deleted after a renewal is only the mark that it was renewed.
            Question::Delete { key } if !is_own(number, key) => self.is_ended |= !self.is_renewed,
            Question::Renew(_) => self.is_renewed |= renews,
            Question::Replace { payload, .. } if Record::new(payload).is_retired() => {
                self.is_renewed |= renews;
                self.is_ended |= !self.is_renewed;
            }
            _ => {}
        }
    }

    /// Stands for all that decides what can still come: the store, what each request was told, and in
    /// which order what the oracle asks for has been.
    fn fingerprint(&self, last_idle: Option<usize>) -> u64 {
        let mut hasher = DefaultHasher::new();
        for payload in self.memory.payloads() {
            payload.hash(&mut hasher);
        }
        let late = self.late.as_ref().map(|(number, _)| *number);
        (late, &self.expiring, self.losses, self.is_ended, self.is_renewed, last_idle)
            .hash(&mut hasher);
        let turns =
            self.requests.iter().flat_map(|it| [it.loaded.as_ref().map(|it| it.0), it.committed]);
        let turns: Vec<_> = turns.collect();
        for (request, turn) in self.requests.iter().zip(turns.chunks(2)) {
            let rank = |turn: &Option<usize>| turns.iter().filter(|other| *other < turn).count();
            (request.history(), rank(&turn[0]), rank(&turn[1])).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Lets the store do what was given up.
    fn do_late(&mut self) {
        self.turn += 1;
        if let Some((number, late)) = self.late.take()
            && self.memory.answer(late.question()).1
        {
            self.note_change(number, late.question());
        }
    }

    /// Lets the record of the session expire, once.
    fn expire(&mut self) {
        if let Some(key) = self.expiring.take() {
            self.is_ended |= self.memory.expire(&key);
        }
    }
}

/// Reports whether a key is the one that a request gives to its new session: nobody else knows it.
fn is_own(number: usize, key: &RecordKey) -> bool {
    let id = SessionId::from_entropy(&[u8::try_from(number).unwrap(); 32]);
    let rules = |id_storage| StoredSessions::new(Settings { id_storage, ..Settings::default() });
    [IdStorage::Plain, IdStorage::Hashed].iter().any(|it| rules(*it).key_of(&id) == *key)
}

impl Start {
    fn content(self) -> Option<Dict> {
        let list =
            |items: &[&str]| Value::from(items.iter().map(|it| (*it).into()).collect::<Vec<_>>());
        let keys: Vec<(&str, Value)> = match self {
            Self::None => return None,
            Self::Poor => vec![("removable", Value::from(1))],
            Self::Rich => vec![
                ("_permanent", Value::from(true)),
                ("secret", Value::from("of the user")),
                ("removable", Value::from(1)),
                ("dict", Value::from(Dict::from_iter([("old".into(), Value::from(1))]))),
                ("list", list(&["first"])),
                ("_flashes", Value::from(vec![list(&["message", "first"])])),
            ],
        };
        Some(keys.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

/// What an exploration has seen.
#[derive(Default)]
struct Report {
    n_sets: usize,
    n_states: usize,
    /// What was seen already of the set that is being tried.
    seen: HashSet<u64>,
    violations: BTreeSet<Violation>,
}

type Schedule = Vec<(Option<usize>, &'static str, Fate)>;

impl Report {
    fn print(&self, what: &str) {
        eprintln!("{what}: {} sets of programs, {} states", self.n_sets, self.n_states);
    }

    /// Explores all sets of so many requests.
    fn explore(&mut self, scene: Scene, n_requests: usize, kinds: &[(Program, Counting)]) {
        let mut sets = vec![Vec::new()];
        for _ in 0..n_requests {
            let longer = |set: &Vec<(Program, Counting)>| {
                let last = set.last().copied();
                let next = kinds.iter().filter(move |next| Some(**next) >= last);
                let set = set.clone();
                next.map(move |next| [set.as_slice(), &[*next]].concat()).collect::<Vec<_>>()
            };
            sets = sets.iter().flat_map(longer).collect();
        }
        if scene.renews_in_two_steps {
            sets.retain(|set| set.iter().any(|(program, _)| program.renews()));
        }
        self.n_sets += sets.len();
        let rules = scene.rules();
        for programs in sets {
            self.seen.clear();
            self.search(&World::new(scene, rules, &programs), scene, &mut Vec::new(), None);
        }
    }

    fn search(
        &mut self,
        world: &World,
        scene: Scene,
        schedule: &mut Schedule,
        last_idle: Option<usize>,
    ) {
        if !self.seen.insert(world.fingerprint(last_idle)) {
            return;
        }
        self.n_states += 1;
        let mut is_over = true;
        let n_requests = world.requests.len();
        let alone = (0..n_requests).find(|number| asks_alone(world, *number));
        for number in alone.map_or(0..n_requests, |number| number..number + 1) {
            let Some(question) = world.requests[number].question() else { continue };
            is_over = false;
            for fate in fates(world, question) {
                let mut next = world.clone();
                let result = next.step(number, fate);
                let is_idle = fate == Fate::Heard && result == Ok(false);
                if is_idle && Some(number) < last_idle {
                    continue;
                }
                schedule.push((Some(number), question.word(), fate));
                match result {
                    Ok(_) => self.search(&next, scene, schedule, is_idle.then_some(number)),
                    Err(violation) => self.note(violation, scene, schedule, &next),
                }
                schedule.pop();
            }
        }
        if world.late.is_some() {
            let mut next = world.clone();
            next.do_late();
            schedule.push((None, "what was late", Fate::Late));
            self.search(&next, scene, schedule, None);
            schedule.pop();
        } else if is_over && let Err(violation) = oracle::check(world) {
            self.note(violation, scene, schedule, world);
        }
        if !is_over && world.expiring.is_some() {
            let mut next = world.clone();
            next.expire();
            schedule.push((None, "the record expires", Fate::Heard));
            self.search(&next, scene, schedule, None);
            schedule.pop();
        }
    }

    /// A real store must not lead here; a faulty one is expected to.
    fn note(&mut self, violation: Violation, scene: Scene, schedule: &Schedule, world: &World) {
        let end = |it: &Rc<Request>| (it.program, it.counting, it.counted, it.end.clone());
        let ends: Vec<_> = world.requests.iter().map(end).collect();
        assert!(
            scene.is_blind || scene.repeats_blindly,
            "{violation:?} in {scene:?}\n{schedule:?}\n{ends:?}\n{:?}",
            world.memory.contents().collect::<Vec<_>>()
        );
        self.violations.insert(violation);
    }
}

/// Whether what a request asks next is about a key that nobody else knows, so that it makes no
/// difference when that happens.
fn asks_alone(world: &World, number: usize) -> bool {
    match world.requests[number].question() {
        Some(Question::Create { .. }) => true,
        Some(Question::Delete { key }) => is_own(number, key),
        _ => false,
    }
}

/// What may become of a question.
fn fates(world: &World, question: Question<'_>) -> Vec<Fate> {
    match question {
        _ if world.losses == 0 => vec![Fate::Heard],
        Question::Load { .. } => vec![Fate::Heard],
        // What is created late, and was removed in between, expires unseen.
        Question::Create { .. } => vec![Fate::Heard, Fate::LostBefore, Fate::LostAfter],
        _ => vec![Fate::Heard, Fate::LostBefore, Fate::LostAfter, Fate::Late],
    }
}

fn kinds(programs: &[Program], countings: &[Counting]) -> Vec<(Program, Counting)> {
    let all = programs.iter().flat_map(|it| countings.iter().map(|counting| (*it, *counting)));
    all.collect()
}

const COUNTINGS: [Counting; 4] =
    [Counting::After, Counting::Before, Counting::Beside, Counting::Never];

#[test]
fn two_requests_lose_nothing_and_revive_nothing() {
    let mut report = Report::default();
    report.explore(SCENE, 2, &kinds(&Program::ALL, &COUNTINGS));
    let some = kinds(&Program::ALL, &[Counting::Beside, Counting::Never]);
    for start in [Start::None, Start::Poor, Start::Rich] {
        for renews_in_two_steps in [false, true] {
            for expires in [false, true] {
                let scene = Scene { start, expires, renews_in_two_steps, ..SCENE };
                report.explore(scene, 2, &some);
            }
        }
    }
    for id_storage in [IdStorage::Hashed, IdStorage::HashedFromPlain] {
        for renews_in_two_steps in [false, true] {
            report.explore(Scene { id_storage, renews_in_two_steps, ..SCENE }, 2, &some);
        }
    }
    report.print("2 requests");
}

#[test]
fn two_requests_lose_nothing_where_answers_are_lost() {
    let mut report = Report::default();
    let all = kinds(&Program::ALL, &[Counting::Beside, Counting::Never]);
    for renews_in_two_steps in [false, true] {
        for id_storage in [IdStorage::Plain, IdStorage::HashedFromPlain] {
            let scene = Scene { renews_in_two_steps, id_storage, losses: 1, ..SCENE };
            report.explore(scene, 2, &all);
        }
    }
    report.explore(Scene { start: Start::None, losses: 2, ..SCENE }, 2, &all);
    report.print("2 requests and a lost answer");
}

#[track_caller]
fn check_three(scene: Scene, counting: Counting, programs: &[Program]) {
    let mut report = Report::default();
    report.explore(scene, 3, &kinds(programs, &[counting]));
    report.print("3 requests");
}

#[test]
fn three_requests_lose_nothing_and_revive_nothing() {
    check_three(SCENE, Counting::Never, &Program::WRITERS);
}

#[test]
fn three_requests_lose_nothing_where_renewal_takes_two_steps() {
    check_three(Scene { renews_in_two_steps: true, ..SCENE }, Counting::Never, &Program::WRITERS);
}

#[test]
fn three_requests_lose_nothing_while_each_counts_up() {
    check_three(SCENE, Counting::Beside, &Program::FEW);
}

#[test]
fn three_requests_lose_nothing_where_answers_are_lost() {
    check_three(Scene { losses: 1, ..SCENE }, Counting::Never, &Program::FEW);
}

#[test]
fn last_writer_wins_loses_writes_and_revives_sessions() {
    let mut report = Report::default();
    let kinds = kinds(&Program::ALL, &[Counting::Never]);
    report.explore(Scene { is_blind: true, ..SCENE }, 2, &kinds);
    let found = [Violation::LostWrite, Violation::Resurrection];
    assert!(report.violations.is_superset(&found.into()), "{:?}", report.violations);
}

#[test]
fn driver_that_repeats_blindly_writes_twice() {
    let mut report = Report::default();
    let kinds = kinds(&Program::ALL, &[Counting::Beside, Counting::Never]);
    report.explore(Scene { losses: 1, repeats_blindly: true, ..SCENE }, 2, &kinds);
    assert!(report.violations.contains(&Violation::WrittenTwice), "{:?}", report.violations);
}

#[cfg(feature = "encryption")]
#[test]
fn requests_lose_nothing_where_records_are_sealed() {
    use hipflask_core::signing::KeyRing;
    let mut report = Report::default();
    let sealing = || {
        let until = Some(UnixTime::from_secs(u64::MAX));
        Some(Sealing::new(&KeyRing::new("k")).with_encryption(until))
    };
    let scene = Scene { sealing, ..SCENE };
    let all = kinds(&Program::ALL, &[Counting::Never]);
    report.explore(Scene { starts_plain: true, ..scene }, 2, &all);
    let id_storage = IdStorage::HashedFromPlain;
    report.explore(Scene { id_storage, starts_plain: true, ..scene }, 2, &all);
    for renews_in_two_steps in [false, true] {
        let few = kinds(&Program::FEW, &[Counting::Beside]);
        report.explore(Scene { renews_in_two_steps, losses: 1, ..scene }, 2, &few);
    }
    report.print("2 requests with sealed records");
}
