//! PgBouncer.

use std::{fs, process::Command};

use crate::{Postgres, Server, StartError, free_port};

const PACKAGE: &str = "pgbouncer";

/// PgBouncer before a [`Postgres`], with three connections to it.
///
/// ```no_run
/// use hipflask_servers::{PgBouncer, Postgres};
///
/// let postgres = Postgres::start()?;
/// let pooler = PgBouncer::start(&postgres, "transaction", "")?;
/// assert!(pooler.address().starts_with("postgres://"));
/// # Ok::<(), hipflask_servers::StartError>(())
/// ```
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
}

impl PgBouncer {
    /// Starts it in a mode: `session`, `transaction` or `statement`. `settings` are further lines of
    /// its configuration.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it is not installed, or not ready in time.
    pub fn start(postgres: &Postgres, mode: &str, settings: &str) -> Result<Self, StartError> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let users = folder.path().join("users");
        fs::write(&users, "\"postgres\" \"secret\"\n")?;
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\npostgres = host=127.0.0.1 port={}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = {mode}\n\
             default_pool_size = 3\n{settings}\n",
            postgres.port(),
            users.display(),
        );
        fs::write(&file, text)?;
        crate::postgres::own(folder.path())?;
        // It refuses to be started by root.
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "pgbouncer"]).arg(&file).current_dir("/");
        let is_ready = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        Ok(Self { server: Server::start(PACKAGE, command, folder, port, is_ready)? })
    }

    /// Returns the address of its database.
    pub fn address(&self) -> String {
        format!("postgres://postgres:secret@127.0.0.1:{}/postgres", self.server.port())
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // What was started is `runuser`, whose child it is.
        let _ = Command::new("pkill").args(["-9", "-P", &self.server.pid().to_string()]).status();
    }
}
