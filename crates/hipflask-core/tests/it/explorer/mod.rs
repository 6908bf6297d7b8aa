//! Every order in which two or three requests of one session can ask its store, over the real
//! interface and engine: no disjoint write is lost, and nothing that has ended comes back.
//!
//! What is pruned, because it cannot come out differently: programs are sets, as requests differ
//! in nothing but their number; of two loads in a row only one order is tried, as loads change
//! nothing; what is about a key that nobody else knows happens at once; and of three requests none
//! only reads, and those that renew nothing are not tried again with a store that renews in two
//! steps.

mod memory;
mod oracle;
mod program;
mod random;
mod request;

use std::{collections::BTreeSet, rc::Rc};

use hipflask_core::{
    server_side::{IdStorage, ServerSide, SessionId, Settings},
    store::RecordKey,
    value::{Dict, Value},
};

use memory::{Ask, Memory};
use oracle::Violation;
use program::Program;
use request::{Event, Request, Setting};

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
}

const SCENE: Scene = Scene {
    start: Start::Rich,
    expires: false,
    renews_in_two_steps: false,
    id_storage: IdStorage::Plain,
    is_blind: false,
};

/// All requests, their store, and what has become of the session that they have opened.
#[derive(Clone)]
struct World {
    memory: Memory,
    requests: Vec<Rc<Request>>,
    /// Where the session is, as long as its record may still expire.
    expiring: Option<RecordKey>,
    is_ended: bool,
    is_renewed: bool,
    turn: usize,
}

impl World {
    fn new(scene: Scene, programs: &[Program]) -> Self {
        let Scene { id_storage, is_blind, .. } = scene;
        let interface = ServerSide::new(Settings { id_storage, ..Settings::default() });
        let setting = Setting {
            interface: Rc::new(interface),
            renews_in_two_steps: scene.renews_in_two_steps,
        };
        let id = SessionId::from_entropy(&[255; 32]);
        let key = setting.interface.earlier_key_of(&id);
        let key = key.unwrap_or_else(|| setting.interface.key_of(&id));
        let mut memory = Memory::new(is_blind);
        if let Some(content) = scene.start.content() {
            memory.put(key.clone(), &content);
        }
        let is_there = scene.start != Start::None;
        let request = |(number, program): (usize, &Program)| {
            Rc::new(Request::new(setting.clone(), *program, number, Some(&id).filter(|_| is_there)))
        };
        let requests = programs.iter().enumerate().map(request).collect();
        let expiring = scene.expires.then_some(key);
        Self { memory, requests, expiring, is_ended: false, is_renewed: false, turn: 0 }
    }

    /// Lets one request ask its store one thing.
    fn step(&mut self, number: usize, ask: Ask) -> Result<(), Violation> {
        self.turn += 1;
        let answer = self.memory.answer(ask);
        match Rc::make_mut(&mut self.requests[number]).answer(answer, self.turn) {
            // What is deleted after a renewal is only the mark that it was renewed.
            Event::Ended => self.is_ended |= !self.is_renewed,
            Event::Opened if self.is_ended || self.is_renewed => {
                return Err(Violation::Resurrection);
            }
            Event::Renewed => self.is_renewed = true,
            Event::Nothing | Event::Opened => {}
        }
        Ok(())
    }
}

impl World {
    /// Lets the record of the session expire, once.
    fn expire(&mut self) {
        if let Some(key) = self.expiring.take() {
            self.is_ended |= self.memory.expire(&key);
        }
    }
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
    n_schedules: usize,
    violations: BTreeSet<Violation>,
}

impl Report {
    /// Explores all sets of so many programs.
    fn explore(&mut self, scene: Scene, n_requests: usize) {
        let mut sets = vec![Vec::new()];
        for _ in 0..n_requests {
            let longer = |set: &Vec<Program>| {
                let last = set.last().copied();
                let next = Program::ALL.into_iter().filter(move |next| Some(*next) >= last);
                let set = set.clone();
                next.map(move |next| [set.as_slice(), &[next]].concat()).collect::<Vec<_>>()
            };
            sets = sets.iter().flat_map(longer).collect();
        }
        if n_requests > 2 {
            sets.retain(|set| !set.contains(&Program::Read));
            sets.retain(|set| !scene.renews_in_two_steps || set.iter().any(|it| it.renews()));
        }
        self.n_sets += sets.len();
        for programs in sets {
            self.search(&World::new(scene, &programs), scene, &mut Vec::new(), None);
        }
    }

    fn search(
        &mut self,
        world: &World,
        scene: Scene,
        schedule: &mut Vec<(Option<usize>, &'static str)>,
        last_load: Option<usize>,
    ) {
        let mut is_over = true;
        let alone = world.requests.iter().position(|request| request.asks_alone());
        for number in alone.map_or(0..world.requests.len(), |number| number..number + 1) {
            let Some(ask) = world.requests[number].ask() else { continue };
            is_over = false;
            let load = matches!(ask, Ask::Load { .. }).then_some(number);
            if load.is_some() && load < last_load {
                continue;
            }
            let mut next = world.clone();
            schedule.push((Some(number), ask.word()));
            match next.step(number, ask) {
                Ok(()) => self.search(&next, scene, schedule, load),
                Err(violation) => self.note(violation, scene, schedule, &next),
            }
            schedule.pop();
        }
        if is_over {
            self.n_schedules += 1;
            if let Err(violation) = oracle::check(world) {
                self.note(violation, scene, schedule, world);
            }
        } else if world.expiring.is_some() {
            let mut next = world.clone();
            next.expire();
            schedule.push((None, "the record expires"));
            self.search(&next, scene, schedule, None);
            schedule.pop();
        }
    }

    /// A real store must not lead here; a blind one is expected to.
    fn note(
        &mut self,
        violation: Violation,
        scene: Scene,
        schedule: &[(Option<usize>, &str)],
        world: &World,
    ) {
        let ends: Vec<_> = world.requests.iter().map(|it| (it.program, it.end.clone())).collect();
        assert!(
            scene.is_blind,
            "{violation:?} in {scene:?}\n{schedule:?}\n{ends:?}\n{:?}",
            world.memory.contents().collect::<Vec<_>>()
        );
        self.violations.insert(violation);
    }
}

#[test]
fn two_requests_lose_nothing_and_revive_nothing() {
    let mut report = Report::default();
    for start in [Start::None, Start::Poor, Start::Rich] {
        for renews_in_two_steps in [false, true] {
            for expires in [false, true] {
                let scene = Scene { start, expires, renews_in_two_steps, ..SCENE };
                report.explore(scene, 2);
            }
        }
    }
    for id_storage in [IdStorage::Hashed, IdStorage::HashedFromPlain] {
        report.explore(Scene { id_storage, ..SCENE }, 2);
    }
    eprintln!("2 requests: {} program sets, {} schedules", report.n_sets, report.n_schedules);
}

#[track_caller]
fn check_three(renews_in_two_steps: bool) {
    let mut report = Report::default();
    report.explore(Scene { renews_in_two_steps, ..SCENE }, 3);
    eprintln!("3 requests: {} program sets, {} schedules", report.n_sets, report.n_schedules);
}

#[test]
fn three_requests_lose_nothing_and_revive_nothing() {
    check_three(false);
}

#[test]
fn three_requests_lose_nothing_where_renewal_takes_two_steps() {
    check_three(true);
}

#[test]
fn last_writer_wins_loses_writes_and_revives_sessions() {
    let mut report = Report::default();
    report.explore(Scene { is_blind: true, ..SCENE }, 2);
    let found = [Violation::LostWrite, Violation::Resurrection];
    assert!(report.violations.is_superset(&found.into()), "{:?}", report.violations);
}
