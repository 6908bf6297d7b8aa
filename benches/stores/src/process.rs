//! A contender's process, and the CPU time that it and Redis have spent.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use hipflask_servers::{Server, free_port, redis};

use crate::Anything;

/// Starts the program that `REDIS_SERVER` names, or else the installed Redis, and returns its address.
pub(crate) fn start_redis() -> Anything<(Server, String)> {
    let program = env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let server = redis::start_program(program, free_port()?)?;
    let address = format!("redis://127.0.0.1:{}", server.port());
    Ok((server, address))
}

/// More than there are connections.
const N_SESSIONS: usize = 64;

pub(crate) struct Contender {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) cookies: Vec<String>,
}

impl Contender {
    pub(crate) fn start(name: &str, redis: &str) -> Anything<Self> {
        let (child, address) = if name == "flask" { flask(redis)? } else { rust(name, redis)? };
        let cookies = (0..N_SESSIONS).map(|_| cookie_of(address, "/write"));
        let cookies = cookies.collect::<Anything<Vec<_>>>()?;
        if !ask(address, "/read", &cookies[0])?.ends_with("\r\n1") {
            return Err("it does not know its own session".into());
        }
        Ok(Self { child, address, cookies })
    }

    /// Returns the CPU time of the process and of its workers.
    pub(crate) fn cpu(&self) -> Anything<Duration> {
        family_cpu(self.child.id())
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // gunicorn takes its workers with it when it is asked to stop, and not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Returns the CPU time of all threads of a process, which the kernel counts in nanoseconds.
pub(crate) fn cpu_of(pid: u32) -> Anything<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        nanos += stat.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// Returns the CPU time of a process and of its children.
pub(crate) fn family_cpu(pid: u32) -> Anything<Duration> {
    let mut total = cpu_of(pid)?;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    for child in children.split_whitespace() {
        total += cpu_of(child.parse()?).unwrap_or_default();
    }
    Ok(total)
}

/// Starts a contender of this program, or what Hipflask was in an older build of it, if that is a path.
fn rust(name: &str, redis: &str) -> Anything<(Child, SocketAddr)> {
    let (program, name) = match name.contains('/') {
        true => (name.into(), "hipflask"),
        false => (env::current_exe()?, name),
    };
    let mut child =
        Command::new(program).args(["serve", name, redis]).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address =
        line.trim_end().parse().map_err(|_| "it does not start, or is not in this build")?;
    Ok((child, address))
}

/// One worker process of one thread would wait for Redis doing nothing, so it has four threads.
fn flask(redis: &str) -> Anything<(Child, SocketAddr)> {
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let child = Command::new(python)
        .args(["-m", "gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", "4"])
        .args(["--keep-alive", "60", "--log-level", "error", "--bind", &address.to_string()])
        .args(["--chdir", concat!(env!("CARGO_MANIFEST_DIR"), "/src"), "flask_app:app"])
        .env("REDIS", redis)
        .spawn()?;
    for _ in 0..200 {
        if TcpStream::connect(address).is_ok() {
            return Ok((child, address));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err("gunicorn does not answer: install interop/requirements.txt and gunicorn".into())
}

/// Asks once and returns the cookies that are set.
pub(crate) fn cookie_of(address: SocketAddr, path: &str) -> Anything<String> {
    let answer = ask(address, path, "")?;
    let name = "set-cookie: ";
    let lines = answer.lines().filter(|line| line.to_ascii_lowercase().starts_with(name));
    let cookies = lines.filter_map(|line| line[name.len()..].split(';').next());
    // One library removes a second cookie each time.
    let cookies: Vec<_> = cookies.filter(|cookie| !cookie.ends_with('=')).collect();
    if cookies.is_empty() { Err("it sets no cookie".into()) } else { Ok(cookies.join("; ")) }
}

fn ask(address: SocketAddr, path: &str, cookie: &str) -> Anything<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
