//! MariaDB.

use std::{
    fs, io,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{Server, StartError, free_port};

const PACKAGE: &str = "mariadb-server";
/// Each server has a folder of its own: one that starts deletes the temporary tables that it finds in
/// its folder, also those of others, which then crash.
const TMPDIR: &str = "TMPDIR";

/// A MariaDB server with the users `root` and `plain`, the password `secret` and the database
/// `sessions`, which logs every statement.
///
/// ```no_run
/// use hipflask_servers::MariaDb;
///
/// let server = MariaDb::start()?;
/// assert!(server.address().starts_with("mysql://"));
/// # Ok::<(), hipflask_servers::StartError>(())
/// ```
#[derive(Debug)]
pub struct MariaDb {
    server: Server,
}

impl MariaDb {
    /// Starts a server, which is not strict about what it stores unless its client asks for it.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it is not installed, or not ready in time.
    pub fn start() -> Result<Self, StartError> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let status = Command::new("chown").arg("mysql:mysql").arg(folder.path()).status()?;
        if !status.success() {
            let source = io::Error::other("there is no user mysql");
            return Err(StartError::Missing { package: PACKAGE, source });
        }
        let data = format!("--datadir={}", folder.path().join("data").display());
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--user=mysql", &data, "--skip-test-db"]);
        install.arg("--auth-root-authentication-method=normal");
        StartError::unless_done(PACKAGE, install.env(TMPDIR, folder.path()))?;

        let init = folder.path().join("init.sql");
        fs::write(
            &init,
            "CREATE DATABASE IF NOT EXISTS sessions;\n\
             ALTER USER root@localhost IDENTIFIED BY 'secret';\n\
             CREATE USER IF NOT EXISTS plain IDENTIFIED BY 'secret';\n\
             GRANT ALL ON sessions.* TO plain;\n",
        )?;
        Self::run(folder, port)
    }

    /// Kills it, and starts it again with what it has on its disk.
    ///
    /// # Errors
    ///
    /// As of [`start`](Self::start).
    pub fn restart(self) -> Result<Self, StartError> {
        let port = self.server.port();
        Self::run(self.server.into_folder()?, port)
    }

    fn run(folder: TempDir, port: u16) -> Result<Self, StartError> {
        let data = format!("--datadir={}", folder.path().join("data").display());
        let init = folder.path().join("init.sql");
        let mut command = Command::new("mariadbd");
        command.args(["--no-defaults", "--user=mysql", &data, "--bind-address=127.0.0.1"]);
        command.arg(format!("--port={port}")).arg(format!("--init-file={}", init.display()));
        command.arg(format!("--socket={}", folder.path().join("s").display()));
        command.arg(format!("--pid-file={}", folder.path().join("pid").display()));
        command.arg(format!("--general-log-file={}", folder.path().join("general").display()));
        command.args(["--general-log=1", "--innodb-flush-log-at-trx-commit=0", "--sql-mode="]);
        command.arg("--skip-name-resolve=0").env(TMPDIR, folder.path());
        let is_ready = || {
            let mut command = Command::new("mariadb-admin");
            command.args(["--no-defaults", "-h", "127.0.0.1", "-u", "root", "-psecret", "ping"]);
            command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        Ok(Self { server: Server::start(PACKAGE, command, folder, port, is_ready)? })
    }

    /// Returns the address of its database.
    pub fn address(&self) -> String {
        format!("mysql://root:secret@127.0.0.1:{}/sessions", self.server.port())
    }

    /// Returns the address of its database for a user who may not do all things.
    pub fn plain_address(&self) -> String {
        self.address().replace("root", "plain")
    }

    /// Returns what it has logged: each statement.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn log(&self) -> io::Result<String> {
        let log = fs::read(self.server.folder().join("general"))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }
}
