//! Real Flask, in a child process that waits for its turn.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    measure::Runner,
    workload::{Operation, SECRET_KEY, Workload, forge},
};

/// A Python process that times Flask on demand.
#[derive(Clone, Debug)]
pub struct Flask(Arc<Mutex<Process>>);

#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Flask {
    /// What of Flask is timed: the serializer alone, and `open_session` and `save_session` whole.
    pub const PARTS: [&'static str; 2] = ["serializer", "interface"];

    /// Starts Python and returns it with the version of Flask.
    ///
    /// # Errors
    ///
    /// When there is no Python or no Flask.
    pub fn start() -> io::Result<(Self, String)> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contender/stock_flask.py");
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let mut child = Command::new(python)
            .arg(script)
            .arg(SECRET_KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut process = Process { child, input, output: BufReader::new(output) };
        let version = process.line()?;
        Ok((Self(Arc::new(Mutex::new(process))), version))
    }

    /// Prepares one operation; `None` if Flask has no such operation.
    ///
    /// # Errors
    ///
    /// When Python is gone.
    pub fn prepare(
        &self,
        part: &'static str,
        workload: &Workload,
        operation: Operation,
    ) -> io::Result<Box<dyn Runner>> {
        let cookie = match operation {
            Operation::Forged => forge(&workload.cookie),
            _ => workload.cookie.clone(),
        };
        let request = format!("{part} {} {} {cookie}", operation.name(), workload.key);
        let mut runner = Remote { flask: self.clone(), request };
        runner.run(1)?;
        Ok(Box::new(runner))
    }
}

struct Remote {
    flask: Flask,
    request: String,
}

impl Runner for Remote {
    fn run(&mut self, n_calls: u32) -> io::Result<f64> {
        let mut process = self.flask.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(process.input, "{n_calls} {}", self.request)?;
        process.input.flush()?;
        process.line()?.parse().map_err(io::Error::other)
    }
}

impl Process {
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}
