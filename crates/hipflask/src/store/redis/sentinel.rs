//! Who the master is, by what the sentinels say.

use std::fmt;

use redis::{Client, RedisError, RedisResult, Role, cmd};
use tokio::task::JoinSet;

use super::server::{Host, Login};

/// The sentinels that watch over a master.
#[derive(Clone)]
pub(super) struct Sentinels {
    pub(super) hosts: Vec<Host>,
    pub(super) login: Login,
    /// The name that they have for the master.
    pub(super) name: String,
    /// How to introduce oneself to the master.
    pub(super) master_login: Login,
}

impl fmt::Display for Sentinels {
    /// Shows where they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.hosts.iter().map(Host::to_string).collect();
        f.write_str(&hosts.join(","))
    }
}

impl Sentinels {
    /// Returns the first server that a sentinel calls the master, and that says so itself.
    pub(super) async fn master(&self) -> RedisResult<Client> {
        let mut answers = JoinSet::new();
        for host in &self.hosts {
            let sentinel = self.login.client(host)?;
            let (name, login) = (self.name.clone(), self.master_login.clone());
            answers.spawn(async move { master_by(&sentinel, &name, &login).await });
        }
        let mut last = None;
        while let Some(answer) = answers.join_next().await {
            match answer {
                Ok(Ok(master)) => return Ok(master),
                Ok(Err(error)) => last = Some(error),
                Err(_) => {}
            }
        }
        Err(last.unwrap_or_else(|| unknown("no sentinel has answered")))
    }
}

async fn master_by(sentinel: &Client, name: &str, login: &Login) -> RedisResult<Client> {
    let mut connection = sentinel.get_multiplexed_async_connection().await?;
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let answer: Option<(String, u16)> = question.query_async(&mut connection).await?;
    let Some((name, port)) = answer else {
        return Err(unknown("the sentinels know no master of this name"));
    };
    let master = login.client(&Host { name, port })?;
    let mut connection = master.get_multiplexed_async_connection().await?;
    match cmd("ROLE").query_async(&mut connection).await? {
        Role::Primary { .. } => Ok(master),
        _ => Err(unknown("the sentinels have not agreed on a new master yet")),
    }
}

/// An error that asking again may mend.
fn unknown(reason: &'static str) -> RedisError {
    std::io::Error::other(reason).into()
}
