//! A server's process, its port and its folder.

use std::{
    fs::File,
    io,
    net::TcpListener,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

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
/// let error = StartError::NotReady { package: "redis-server" };
/// assert!(error.to_string().contains("redis-server"));
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
    #[error("the server of the package {package} was started but does not answer")]
    NotReady {
        /// Where the program is from.
        package: &'static str,
    },
    /// A file or a port could not be had.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Returns a port of the loopback that nothing listens on.
///
/// # Errors
///
/// What the system says when it has none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
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
        let log = File::create(folder.path().join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|source| StartError::Missing { package, source })?;
        let mut server = Self { child, folder, port };
        let start = Instant::now();
        while !is_ready() {
            if start.elapsed() > PATIENCE || server.child.try_wait()?.is_some() {
                return Err(StartError::NotReady { package });
            }
            thread::sleep(Duration::from_millis(20));
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
