//! A server's process, its port and its folder.

use std::{
    fmt::Display,
    fs::{self, File},
    io,
    net::TcpListener,
    path::Path,
    process::{self, Child, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a server may take to answer, and several to find each other.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running server, which is killed when the value is dropped.
///
/// ```no_run
/// use std::process::Command;
/// use hipflask_servers::{Server, free_port};
///
/// let (folder, port) = (tempfile::tempdir()?, free_port()?);
/// let mut command = Command::new("memcached");
/// command.args(["-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-p", &port.to_string()]);
/// let is_ready = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
/// let server = Server::start("memcached", command, folder, port, is_ready)?;
/// assert_eq!(server.port(), port);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
}

/// Why a server does not run.
///
/// ```
/// use hipflask_servers::StartError;
///
/// let reason = "it ends with exit status: 1".to_owned();
/// let error = StartError::NotReady { package: "redis-server", reason };
/// assert!(error.to_string().ends_with("redis-server does not serve: it ends with exit status: 1"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program could not be started.
    #[error("cannot start the server: install the package {package}: {source}")]
    Missing {
        /// What to install.
        package: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It was started, but does not answer, or has stopped.
    #[error("the server of the package {package} does not serve: {reason}")]
    NotReady {
        /// Where the program is from.
        package: &'static str,
        /// How it ended or how long it was waited for, and what it wrote at last.
        reason: String,
    },
    /// A file or a port could not be had.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// The ports that the system gives to no connection by itself: one of those could be taken while
/// its server is away, even by who waits for it.
const PORTS: std::ops::Range<u32> = 10_000..32_000;

/// Returns a port of the loopback that nothing listens on, and that no other caller has.
///
/// # Errors
///
/// What the system says of the last port that was tried.
pub fn free_port() -> io::Result<u16> {
    static N_GIVEN: AtomicU32 = AtomicU32::new(0);
    let n_ports = PORTS.end - PORTS.start;
    let mut refused = io::ErrorKind::AddrInUse.into();
    for _ in 0..100 {
        // Programs that run side by side begin far apart.
        let number =
            process::id().wrapping_mul(997).wrapping_add(N_GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = (PORTS.start + number % n_ports) as u16;
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

impl StartError {
    /// Says what went wrong, and the last lines of what the program wrote.
    pub(crate) fn not_ready(package: &'static str, what: impl Display, wrote: &[u8]) -> Self {
        let wrote = String::from_utf8_lossy(wrote);
        let lines: Vec<_> = wrote.lines().rev().take(5).collect();
        let reason =
            lines.into_iter().rev().fold(what.to_string(), |said, line| said + "\n" + line);
        Self::NotReady { package, reason }
    }

    /// Runs a program that prepares something, to its end.
    pub(crate) fn unless_done(package: &'static str, command: &mut Command) -> Result<(), Self> {
        let output = command.output().map_err(|source| Self::Missing { package, source })?;
        if output.status.success() {
            return Ok(());
        }
        let wrote = [output.stdout, output.stderr].concat();
        Err(Self::not_ready(package, output.status, &wrote))
    }
}

impl Server {
    /// Starts a program and waits until it is ready; what it writes goes to `log` in its folder.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it is not installed, or not ready in time.
    pub fn start(
        package: &'static str,
        mut command: Command,
        folder: TempDir,
        port: u16,
        is_ready: impl Fn() -> bool,
    ) -> Result<Self, StartError> {
        let path = folder.path().join("log");
        let log = File::create(&path)?;
        command.stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|source| StartError::Missing { package, source })?;
        let mut server = Self { child, folder, port };
        let start = Instant::now();
        while !is_ready() {
            let how = match server.child.try_wait()? {
                Some(status) => format!("it ends with {status}"),
                None if start.elapsed() > PATIENCE => format!("it is silent for {PATIENCE:?}"),
                None => {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
            };
            return Err(StartError::not_ready(package, how, &fs::read(path)?));
        }
        Ok(server)
    }

    /// Returns the port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the id of the process that was started.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, and returns its folder, for a server that takes its place.
    pub(crate) fn into_folder(mut self) -> io::Result<TempDir> {
        self.kill();
        Ok(std::mem::replace(&mut self.folder, tempfile::tempdir()?))
    }

    /// Kills it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
