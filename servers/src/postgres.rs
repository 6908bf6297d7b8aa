//! PostgreSQL.

use std::{
    fs, io,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Server, StartError, free_port, process::PATIENCE};

const PACKAGE: &str = "postgresql";
/// Where Debian puts the programs, which are not on the path.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// A PostgreSQL server with the user `postgres`, the database `postgres` and durable writes, which
/// logs every statement.
///
/// ```no_run
/// use hipflask_servers::Postgres;
///
/// let server = Postgres::start()?;
/// assert!(server.address().starts_with("postgres://"));
/// # Ok::<(), hipflask_servers::StartError>(())
/// ```
#[derive(Debug)]
pub struct Postgres {
    server: Option<Server>,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it is not installed, or not ready in time.
    pub fn start() -> Result<Self, StartError> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        own(folder.path())?;
        let mut command = as_postgres("initdb");
        command.args(["-A", "scram-sha-256", "-U", "postgres", "--no-sync", "-E", "UTF8"]);
        // A collation that does not sort by bytes, as most installations have.
        command.args(["--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8"]);
        let password = folder.path().join("password");
        fs::write(&password, "secret")?;
        command.arg("--pwfile").arg(password).arg("-D").arg(folder.path().join("data"));
        StartError::unless_done(PACKAGE, &mut command)?;
        let mut postgres = Self { server: None, folder, port };
        postgres.restart()?;
        Ok(postgres)
    }

    /// Starts it again after [`kill`](Self::kill).
    ///
    /// # Errors
    ///
    /// As of [`start`](Self::start).
    pub fn restart(&mut self) -> Result<(), StartError> {
        let (port, data) = (self.port.to_string(), self.folder.path().join("data"));
        let mut command = as_postgres("postgres");
        command.arg("-D").arg(&data).args(["-p", &port]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "log_statement=all"]);
        command.args(["-c", "unix_socket_directories=", "-c", "fsync=on"]);
        let log = tempfile::tempdir()?;
        let is_ready = || {
            let mut command = Command::new("pg_isready");
            let status = command.args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
            status.is_ok_and(|status| status.success())
        };
        self.server = Some(Server::start(PACKAGE, command, log, self.port, is_ready)?);
        Ok(())
    }

    /// Returns the port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address of its database.
    pub fn address(&self) -> String {
        format!("postgres://postgres:secret@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns what it has logged since it was started.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn log(&self) -> io::Result<String> {
        self.server
            .as_ref()
            .map_or(Ok(String::new()), |server| fs::read_to_string(server.folder().join("log")))
    }

    /// Kills the server as a crash would, and waits until all of its processes have ended.
    pub fn kill(&mut self) {
        let file = self.folder.path().join("data/postmaster.pid");
        let pid = fs::read_to_string(file).unwrap_or_default();
        let (Some(pid), Some(_)) = (pid.lines().next(), &self.server) else { return };
        let children = Command::new("pgrep").args(["-P", pid]).output();
        let children = children.map_or_else(|_| Vec::new(), |output| output.stdout);
        let _ = Command::new("kill").args(["-9", pid]).status();
        self.server = None;
        let start = Instant::now();
        for child in String::from_utf8_lossy(&children).lines() {
            while Path::new("/proc").join(child).exists() && start.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server refuses to be started by root.
fn as_postgres(program: &str) -> Command {
    let path = newest().map_or_else(|| program.into(), |folder| folder.join("bin").join(program));
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(path).current_dir("/");
    command
}

fn newest() -> Option<std::path::PathBuf> {
    let folders = fs::read_dir(PROGRAMS).ok()?.flatten().map(|entry| entry.path());
    folders.max()
}

pub(crate) fn own(folder: &Path) -> io::Result<()> {
    let status = Command::new("chown").args(["-R", "postgres:postgres"]).arg(folder).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("there is no user postgres")) }
}
