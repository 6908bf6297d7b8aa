//! Two servers that speak DynamoDB's language, from the Node package manager.
//!
//! `extenddb` verifies signatures and removes expired items; `dynoxide` is a second opinion.

use std::{
    env,
    fs::{self, File},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

use aws_sdk_dynamodb::{
    Config,
    config::{BehaviorVersion, Builder, Credentials, Region},
};
use aws_smithy_http_client::Builder as Http;
use tempfile::TempDir;

use crate::{Server, StartError, free_port};

/// The key pair of Amazon's documentation, the only one that `extenddb` takes.
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// The second half of the pair.
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

const PACKAGES: [&str; 2] = ["@extenddb/linux-x64@0.1.10", "@dynoxide/linux-x64@1.2.1"];
const EXTENDDB: &str = "extenddb (npm)";
const DYNOXIDE: &str = "dynoxide (npm)";

/// A running server, whose data outlives a restart.
///
/// ```no_run
/// use hipflask_servers::DynamoDb;
///
/// let mut server = DynamoDb::extenddb()?;
/// server.stop();
/// server.restart()?;
/// assert!(server.endpoint().starts_with("http://127.0.0.1:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DynamoDb {
    server: Server,
    data: TempDir,
    run: fn(&Path, &Path, u16) -> Command,
    package: &'static str,
}

impl DynamoDb {
    /// Starts `extenddb`.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it cannot be installed or does not run.
    pub fn extenddb() -> Result<Self, StartError> {
        let (data, programs) = (TempDir::new()?, installed()?);
        let path = data.path();
        let mut init = extenddb(&programs, path);
        init.arg("init").arg("--sqlite-path").arg(path.join("data.sqlite"));
        init.arg("--config").arg(path.join("config.toml")).args(["--bind-addr", "127.0.0.1"]);
        StartError::unless_done(EXTENDDB, &mut init)?;
        Self::start(EXTENDDB, data, |programs, path, port| {
            let mut serve = extenddb(programs, path);
            serve.args(["serve", "--foreground", "--port", &port.to_string(), "--config"]);
            serve.arg(path.join("config.toml"));
            serve
        })
    }

    /// Starts `dynoxide`.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it cannot be installed or does not run.
    pub fn dynoxide() -> Result<Self, StartError> {
        Self::start(DYNOXIDE, TempDir::new()?, |programs, path, port| {
            let mut serve = Command::new(programs.join("@dynoxide/linux-x64/dynoxide"));
            serve.args(["serve", "--host", "127.0.0.1", "--port", &port.to_string(), "--db-path"]);
            serve.arg(path.join("data.sqlite")).env("HOME", path);
            serve
        })
    }

    fn start(
        package: &'static str,
        data: TempDir,
        run: fn(&Path, &Path, u16) -> Command,
    ) -> Result<Self, StartError> {
        let port = free_port()?;
        let server = serve(package, run(&installed()?, data.path(), port), port)?;
        Ok(Self { server, data, run, package })
    }

    /// Kills it at once.
    pub fn stop(&mut self) {
        self.server.kill();
    }

    /// Starts it again on the same port, with the same data.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it does not run.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.stop();
        let port = self.server.port();
        let command = (self.run)(&installed()?, self.data.path(), port);
        self.server = serve(self.package, command, port)?;
        Ok(())
    }

    /// Returns its URL.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    /// Returns the configuration of a client that signs with `secret`.
    pub fn config(&self, secret: &str) -> Builder {
        client_config(&self.endpoint(), secret)
    }
}

/// Returns the configuration of a client for any server.
pub fn client_config(endpoint: &str, secret: &str) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, secret, None, None, "test"))
        .http_client(Http::new().build_http())
        .endpoint_url(endpoint)
}

fn extenddb(programs: &Path, data: &Path) -> Command {
    let mut command = Command::new(programs.join("@extenddb/linux-x64/extenddb"));
    // It keeps a key under the home folder.
    command.env("HOME", data);
    command
}

fn serve(package: &'static str, command: Command, port: u16) -> Result<Server, StartError> {
    let is_ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    Server::start(package, command, TempDir::new()?, port, is_ready)
}

/// Returns the folder of the packages, and installs them beside the build's output if need be.
fn installed() -> Result<PathBuf, StartError> {
    let folder = env::current_exe()?
        .ancestors()
        .find(|folder| folder.ends_with("target"))
        .map_or_else(env::temp_dir, Path::to_path_buf)
        .join("npm");
    let packages = folder.join("node_modules");
    fs::create_dir_all(&folder)?;
    // One test at a time, of whatever process.
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    if !packages.join("@extenddb").exists() || !packages.join("@dynoxide").exists() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).args(PACKAGES);
        StartError::unless_done("npm", &mut npm)?;
    }
    Ok(packages)
}
