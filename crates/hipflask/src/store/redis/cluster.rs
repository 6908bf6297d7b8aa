//! A Redis Cluster: which node has which slot, and where to go when that has changed.
//!
//! The client crate's own cluster connection is not used, for it sends writes again although they
//! may have been done, and while it looks for the new master of one slot all others wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use redis::{Cmd, Value, cmd, pipe};
use tokio::{task::JoinSet, time::timeout_at};

use super::{
    failure::Failure,
    lanes::{Lanes, Wait, first_checked, send_checked},
    link::{Commands, Peer},
    server::{Host, Login},
};

/// How many redirections a request follows at once.
const REDIRECTIONS: usize = 4;

/// How often the nodes are asked at most for who has which slot.
const PAUSE: Duration = Duration::from_millis(100);

/// How long they have for the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The number of slots.
const SLOTS: u16 = 16384;

/// A cluster that is known by some of its nodes.
#[derive(Clone)]
pub(super) struct Cluster(Arc<Inner>);

struct Inner {
    seeds: Vec<Host>,
    login: Login,
    slots: RwLock<Arc<[Slots]>>,
    nodes: Mutex<HashMap<Host, Lanes>>,
    /// Held while nodes are asked; when they were asked last.
    refreshed: tokio::sync::Mutex<Option<Instant>>,
}

/// Slots that follow each other and have the same master.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Slots {
    pub(super) first: u16,
    last: u16,
    master: Host,
    /// The master's name in the cluster.
    pub(super) id: String,
}

/// Returns the slot of a key: of the part in its first braces, if there is one.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        rest.get(..rest.iter().position(|byte| *byte == b'}')?).filter(|tag| !tag.is_empty())
    });
    let sum = tag.unwrap_or(key).iter().fold(0_u16, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 }
        })
    });
    sum % SLOTS
}

/// Reads the answer to `CLUSTER SLOTS`, in the order of the slots.
pub(super) fn read_slots(answer: &Value, asked: &Host) -> Vec<Slots> {
    let read = |range: &Value| {
        let [Value::Int(first), Value::Int(last), master, ..] = range.as_sequence()? else {
            return None;
        };
        let [name, Value::Int(port), id, ..] = master.as_sequence()? else {
            return None;
        };
        let name = text(name).unwrap_or_default();
        let master = Host { name, port: u16::try_from(*port).ok()? }.or_name_of(asked);
        let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
        Some(Slots { first, last, master, id: text(id)? })
    };
    let ranges = answer.as_sequence().unwrap_or_default();
    let mut slots: Vec<_> = ranges.iter().filter_map(read).collect();
    slots.sort_by_key(|slots| slots.first);
    slots
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Host>, login: Login) -> Self {
        Self(Arc::new(Inner {
            seeds,
            login,
            slots: RwLock::new(Arc::new([])),
            nodes: Mutex::default(),
            refreshed: tokio::sync::Mutex::new(None),
        }))
    }

    /// Sends commands to the master of a slot, and wherever it says they have to go.
    pub(super) async fn send(
        &self,
        slot: u16,
        commands: Commands<'_>,
        wait: Option<Wait>,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        if self.slots().is_empty() {
            self.refresh(until).await?;
        }
        let Some(mut host) = self.master(slot) else {
            self.refresh(until).await?;
            return Err(Failure::Busy("no node of the cluster has the record's slot"));
        };
        let mut asking = false;
        for _ in 0..REDIRECTIONS {
            match self.send_to(&host, commands, asking, wait, until).await {
                Err(Failure::Moved(next)) => {
                    // Without waiting, for this request knows the way.
                    self.refresh_soon();
                    (host, asking) = (next.or_name_of(&host), false);
                }
                Err(Failure::Ask(next)) => (host, asking) = (next.or_name_of(&host), true),
                Err(failure) if failure.may_be_outdated() => {
                    self.refresh_soon();
                    return Err(failure);
                }
                result => return result,
            }
        }
        Err(Failure::Busy("the nodes of the cluster do not agree on who has the record"))
    }

    /// Sends commands to a node, by `asking` to one that is about to get the slot.
    async fn send_to(
        &self,
        host: &Host,
        commands: Commands<'_>,
        asking: bool,
        wait: Option<Wait>,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let lanes = self.lanes(host)?;
        if !asking {
            return send_checked(lanes.of(wait), commands, until).await;
        }
        let mut sent = pipe();
        sent.cmd("ASKING");
        match commands {
            Commands::One(command) => {
                sent.add_command(command.clone());
            }
            Commands::Several(commands) => commands.cmd_iter().for_each(|command| {
                sent.add_command(command.clone());
            }),
        }
        let values = lanes.of(wait).send(Commands::Several(&sent), until).await?;
        first_checked(values.into_iter().skip(1).collect())
    }

    /// Learns who has which slot, unless that was learnt just now.
    pub(super) async fn refresh(&self, until: Instant) -> Result<(), Failure> {
        match timeout_at(until.into(), self.spawn_refresh()).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(Failure::Silent),
        }
    }

    /// Does the same, without waiting, and only if nobody else does.
    fn refresh_soon(&self) {
        if self.0.refreshed.try_lock().is_ok_and(|refreshed| is_due(*refreshed)) {
            drop(self.spawn_refresh());
        }
    }

    /// A task of its own, so that it also ends well when the request is given up.
    fn spawn_refresh(&self) -> tokio::task::JoinHandle<Result<(), Failure>> {
        let cluster = self.clone();
        tokio::spawn(async move { cluster.refresh_now().await })
    }

    async fn refresh_now(&self) -> Result<(), Failure> {
        let mut refreshed = self.0.refreshed.lock().await;
        if !is_due(*refreshed) {
            return Ok(());
        }
        let result = self.ask_nodes().await;
        *refreshed = Some(Instant::now());
        result
    }

    async fn ask_nodes(&self) -> Result<(), Failure> {
        let mut answers = JoinSet::new();
        for host in self.known_hosts() {
            let link = self.lanes(&host)?.quick;
            let until = Instant::now() + PATIENCE;
            answers.spawn(async move {
                let values = send_checked(&link, Commands::One(&question()), until).await?;
                Ok(values.first().map(|answer| read_slots(answer, &host)).unwrap_or_default())
            });
        }
        let mut last = Failure::Busy("the cluster has no nodes with slots");
        while let Some(answer) = answers.join_next().await {
            match answer {
                Ok(Ok(slots)) if !slots.is_empty() => {
                    self.learn(slots);
                    return Ok(());
                }
                Ok(Err(failure)) => last = failure,
                Ok(Ok(_)) | Err(_) => {}
            }
        }
        Err(last)
    }

    /// Returns the nodes that may know more.
    fn known_hosts(&self) -> Vec<Host> {
        let mut hosts: Vec<_> = self.slots().iter().map(|slots| slots.master.clone()).collect();
        hosts.extend(self.0.seeds.iter().cloned());
        hosts.sort_by(|a, b| (&a.name, a.port).cmp(&(&b.name, b.port)));
        hosts.dedup();
        hosts
    }

    fn learn(&self, slots: Vec<Slots>) {
        let is_known = |host: &Host| {
            self.0.seeds.contains(host) || slots.iter().any(|slots| slots.master == *host)
        };
        self.0
            .nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|host, _| is_known(host));
        *self.0.slots.write().unwrap_or_else(PoisonError::into_inner) = slots.into();
    }

    fn slots(&self) -> Arc<[Slots]> {
        Arc::clone(&self.0.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn master(&self, slot: u16) -> Option<Host> {
        let slots = self.slots();
        let position = slots.partition_point(|slots| slots.first <= slot).checked_sub(1)?;
        slots.get(position).filter(|slots| slot <= slots.last).map(|slots| slots.master.clone())
    }

    fn lanes(&self, host: &Host) -> Result<Lanes, Failure> {
        let mut nodes = self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lanes) = nodes.get(host) {
            return Ok(lanes.clone());
        }
        let client = self.0.login.client(host);
        let client = client.map_err(|error| Failure::to_connect(error, host, Instant::now()))?;
        let lanes = Lanes::new(&Peer::Node(client));
        nodes.insert(host.clone(), lanes.clone());
        Ok(lanes)
    }
}

fn is_due(last: Option<Instant>) -> bool {
    last.is_none_or(|last| last.elapsed() >= PAUSE)
}

fn question() -> Cmd {
    let mut question = cmd("CLUSTER");
    question.arg("SLOTS");
    question
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot(b"123456789"), 0x31C3 % SLOTS);
        assert_eq!(slot(b"foo"), 12182);
        assert_eq!(slot(b"bar"), 5061);
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
        assert_ne!(slot(b"foo{}{bar}"), slot(b"bar"));
    }

    #[test]
    fn answers_name_the_masters_in_the_order_of_slots() {
        let answer = b"*2\r\n*3\r\n:8192\r\n:16383\r\n*3\r\n$0\r\n\r\n:2\r\n$1\r\nb\r\n\
            *4\r\n:0\r\n:8191\r\n*3\r\n$1\r\nh\r\n:1\r\n$1\r\na\r\n\
            *3\r\n$1\r\nr\r\n:9\r\n$1\r\nc\r\n";
        let answer = redis::parse_redis_value(answer).unwrap();
        let asked = Host { name: "asked".into(), port: 7 };
        let found = read_slots(&answer, &asked);
        let found: Vec<_> = found
            .iter()
            .map(|s| (s.first, s.last, s.master.name.as_str(), s.master.port, s.id.as_str()))
            .collect();
        assert_eq!(found, [(0, 8191, "h", 1, "a"), (8192, 16383, "asked", 2, "b")]);
        assert_eq!(read_slots(&Value::Nil, &asked), []);
    }
}
