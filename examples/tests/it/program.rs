//! A built example that runs, and a visitor who goes to it with a cookie jar.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// Much longer than an example takes to start or to log a line, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Program {
    child: Child,
    pub(crate) address: String,
    log: Arc<Mutex<String>>,
}

#[derive(Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) address: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) set_cookies: Vec<String>,
    pub(crate) text: String,
}

impl Program {
    /// Starts an example on a free port.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, &[], &[])
    }

    pub(crate) fn start_with(name: &str, arguments: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut child = command(name)
            .args(arguments)
            .env("ADDRESS", "127.0.0.1:0")
            .envs(vars.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}: run `cargo build --examples` first"));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *written.lock().unwrap() += &format!("{line}\n");
            }
        });
        let mut program = Self { child, address: String::new(), log };
        let log = program.log_with("Listening on http://");
        let (_, address) = log.split_once("Listening on http://").unwrap();
        program.address = address.lines().next().unwrap().to_owned();
        program
    }

    /// Waits until a text is in the log, and returns the whole.
    pub(crate) fn log_with(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let log = self.log.lock().unwrap().clone();
            if log.contains(text) {
                return log;
            }
            let is_running = self.child.try_wait().unwrap().is_none();
            assert!(is_running && start.elapsed() < PATIENCE, "no {text:?} in the log: {log}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor { address: self.address.clone(), cookies: BTreeMap::new() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls an example, which cargo has put beside the folder of this test.
pub(crate) fn command(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let path: PathBuf =
        [test.parent().unwrap().parent().unwrap(), "examples".as_ref(), name.as_ref()]
            .into_iter()
            .collect();
    let mut command = Command::new(path.with_extension(std::env::consts::EXE_EXTENSION));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLASK_")) {
        command.env_remove(name);
    }
    command
}

impl Visitor {
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let agent = agent();
        let request = agent.get(format!("http://{}{path}", self.address));
        self.keep(request.header("cookie", self.cookie()).call())
    }

    pub(crate) fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let agent = agent();
        let request = agent.post(format!("http://{}{path}", self.address));
        self.keep(request.header("cookie", self.cookie()).send_form(form.iter().copied()))
    }

    /// Loads a page that has to be there.
    pub(crate) fn page(&mut self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.text
    }

    /// Loads the front page, and confirms that it names every path that the test goes to.
    pub(crate) fn front_page(&mut self, paths: &[&str]) -> String {
        let page = self.page("/");
        for path in paths {
            assert!(page.contains(&format!("\"{path}\"")), "{path} is not on {page}");
        }
        page
    }

    fn cookie(&self) -> String {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Takes the cookies as a browser does; the paths that they are for do not matter here.
    fn keep(&mut self, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut response = response.unwrap();
        let lines = |name| response.headers().get_all(name).iter();
        let text = |line: &ureq::http::HeaderValue| line.to_str().unwrap().to_owned();
        let set_cookies: Vec<_> = lines("set-cookie").map(text).collect();
        for line in &set_cookies {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        Answer {
            status: response.status().as_u16(),
            location: lines("location").next().map(text),
            set_cookies,
            text: response.body_mut().read_to_string().unwrap(),
        }
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    config.timeout_global(Some(PATIENCE)).build().into()
}
