//! Memcached.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use crate::{Server, StartError};

/// Starts Memcached on a port, with further options.
///
/// # Errors
///
/// [`StartError`] when it is not installed, or not ready in time.
pub fn start(port: u16, options: &[&str]) -> Result<Server, StartError> {
    let mut command = Command::new("memcached");
    command.args(["-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-m", "64", "-p"]);
    command.arg(port.to_string()).args(options);
    let is_ready = || ask(port, "version\r\n", "VERSION").is_ok();
    Server::start("memcached", command, tempfile::tempdir()?, port, is_ready)
}

/// Sends bytes to the server on a port, and returns the lines of its answer up to and with the one
/// that starts with `last`.
///
/// # Errors
///
/// When the server does not answer so within five seconds.
pub fn ask(port: u16, bytes: &str, last: &str) -> io::Result<Vec<String>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    (&stream).write_all(bytes.as_bytes())?;
    let mut lines = Vec::new();
    for line in BufReader::new(&stream).lines() {
        lines.push(line?);
        if lines.last().is_some_and(|line| line.starts_with(last)) {
            return Ok(lines);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Returns what the server on a port has counted.
///
/// # Errors
///
/// As [`ask`].
pub fn stats(port: u16) -> io::Result<HashMap<String, u64>> {
    let lines = ask(port, "stats\r\n", "END")?;
    let pairs = lines.iter().filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '));
    Ok(pairs.filter_map(|(name, value)| Some((name.into(), value.parse().ok()?))).collect())
}
