//! Servers that are there and do not answer.

use std::{fs, io, process::Command, thread};

use crate::Server;

impl Server {
    /// Stops all its threads without ending it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn pause(&self) -> io::Result<()> {
        self.signal("-STOP")?;
        while !self.is_paused()? {
            thread::yield_now();
        }
        Ok(())
    }

    /// Lets it go on after [`pause`](Self::pause).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn resume(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let done = Command::new("kill").args([signal, &self.pid().to_string()]).status()?;
        done.success().then_some(()).ok_or_else(|| io::Error::other("kill has failed"))
    }

    fn is_paused(&self) -> io::Result<bool> {
        for task in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            if !fs::read_to_string(task?.path().join("stat"))?.contains(") T ") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
