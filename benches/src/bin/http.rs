//! A counter app over real loopback connections: what a session adds to a request.
//!
//! `cargo run --release -p hipflask-benches --bin http [-- ROUNDS]`. Each server is a process of
//! one thread whose CPU time the kernel counts; the servers take turns.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use axum_extra::extract::{
    SignedCookieJar,
    cookie::{Cookie, Key},
};
use hipflask::{SecretKey, SessionLayer};
use hipflask_benches::{
    handler::{self, read, write},
    measure::Middle,
    samples,
};

const N_CONNECTIONS: usize = 32;
const SECONDS: u64 = 1;

/// The name in the table, the server, and the path that is asked for.
const CASES: [(&str, &str, &str); 9] = [
    ("bare axum", "bare", "/"),
    ("hipflask, untouched", "hipflask", "/"),
    ("axum that sends a read's headers", "bare", "/read_headers"),
    ("hipflask, read", "hipflask", "/read"),
    ("axum-extra jar, read", "jar", "/read"),
    ("axum that sends a write's headers", "bare", "/write_headers"),
    ("hipflask, write", "hipflask", "/write"),
    ("axum-extra jar, write", "jar", "/write"),
    ("bare axum again", "bare", "/"),
];

type Anything<T> = Result<T, Box<dyn Error>>;

fn main() -> Anything<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [command, server] if command == "serve" => serve(server),
        [command, address, path, cookie] if command == "load" => load(address, path, cookie),
        [n_rounds] => compare(n_rounds.parse()?),
        _ => compare(9),
    }
}

fn app(server: &str) -> Anything<Router> {
    let bare = Router::new().route("/", get(|| async { "hello" }));
    Ok(match server {
        "hipflask" => bare
            .route("/read", get(read))
            .route("/write", get(write))
            .layer(SessionLayer::new(SecretKey::random()?)?),
        "jar" => Router::new()
            .route("/read", get(jar_read))
            .route("/write", get(jar_write))
            .with_state(Key::from(&[7; 64])),
        _ => bare
            .route("/read_headers", get(|| async { ([(header::VARY, "Cookie")], "17") }))
            .route("/write_headers", get(write_headers)),
    })
}

async fn write_headers() -> impl IntoResponse {
    (handler::write_headers(), "17")
}

async fn jar_read(jar: SignedCookieJar) -> String {
    count(&jar).to_string()
}

async fn jar_write(jar: SignedCookieJar) -> (SignedCookieJar, String) {
    let count = count(&jar) + 1;
    let cookie = Cookie::build(("session", count.to_string())).http_only(true).path("/");
    (jar.add(cookie), count.to_string())
}

fn count(jar: &SignedCookieJar) -> u64 {
    jar.get("session").and_then(|cookie| cookie.value().parse().ok()).unwrap_or(0)
}

fn serve(server: &str) -> Anything<()> {
    let app = app(server)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        Ok(axum::serve(listener, app).await?)
    })
}

struct Server {
    child: Child,
    address: SocketAddr,
    /// What the server sets at `/write`, without attributes.
    cookie: String,
}

impl Server {
    fn start(server: &str) -> Anything<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", server])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim_end().parse()?;
        let cookie = first_cookie(address)?;
        Ok(Self { child, address, cookie })
    }

    /// Returns the CPU time of the only thread.
    fn cpu(&self) -> Anything<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/schedstat", self.child.id()))?;
        Ok(Duration::from_nanos(stat.split(' ').next().ok_or("no time")?.parse()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

fn first_cookie(address: SocketAddr) -> Anything<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /write HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let set_cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = set_cookie.and_then(|line| line.split(';').next());
    Ok(cookie.unwrap_or("session=eyJjb3VudCI6MX0.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw").into())
}

fn compare(n_rounds: usize) -> Anything<()> {
    let servers =
        ["bare", "hipflask", "jar"].map(|name| Server::start(name).map(|server| (name, server)));
    let servers = servers.into_iter().collect::<Anything<Vec<_>>>()?;
    let has_wrk = Command::new("wrk").arg("-v").output().is_ok();
    let client = if has_wrk { "wrk" } else { "a client of our own (no wrk here)" };
    let mut samples = vec![(Vec::new(), Vec::new()); CASES.len()];
    for round in 0..n_rounds {
        for at in 0..CASES.len() {
            // Another order each time, so that nobody always follows the same neighbour.
            let at = (at + round) % CASES.len();
            let (_, server, path) = CASES[at];
            let server = servers.iter().find(|(name, _)| *name == server).ok_or("no server")?;
            let (micros, rate) = sample(&server.1, path, has_wrk)?;
            samples[at].0.push(micros);
            samples[at].1.push(rate);
        }
    }
    println!("{N_CONNECTIONS} keep-alive connections, {client}, medians of {n_rounds} rounds.\n");
    println!(
        "| server | CPU per request, µs | to bare axum | requests per second | to bare axum |"
    );
    println!("|---|--:|--:|--:|--:|");
    let bare = &samples[0];
    for ((name, ..), (micros, rates)) in CASES.iter().zip(&samples) {
        samples::keep("http", "", name, "CPU, µs", micros)?;
        samples::keep("http", "", name, "requests/s", rates)?;
        let (cpu, speed) = (Middle::of_ratios(micros, &bare.0), Middle::of_ratios(rates, &bare.1));
        let [micros, rate] = [micros, rates].map(|samples| Middle::of(samples.clone()).median);
        println!("| {name} | {micros:.2} | {cpu} | {rate:.0} | {speed} |");
    }
    Ok(())
}

/// Returns the server's CPU microseconds per request, and the requests per second.
fn sample(server: &Server, path: &str, has_wrk: bool) -> Anything<(f64, f64)> {
    let mut client = if has_wrk {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", &format!("-c{N_CONNECTIONS}"), &format!("-d{SECONDS}s"), "-H"]);
        wrk.arg(format!("Cookie: {}", server.cookie));
        wrk.arg(format!("http://{}{path}", server.address));
        wrk
    } else {
        let mut own = Command::new(env::current_exe()?);
        own.args(["load", &server.address.to_string(), path, &server.cookie]);
        own
    };
    let (start, cpu) = (Instant::now(), server.cpu()?);
    let output = client.output()?;
    let (elapsed, cpu) = (start.elapsed(), server.cpu()?.saturating_sub(cpu));
    let words = String::from_utf8_lossy(&output.stdout);
    if words.contains("Non-2xx") || words.contains("Socket errors") {
        return Err(words.into());
    }
    let n_requests = words.lines().find_map(|line| line.split_once(" requests in "));
    let n_requests: f64 = n_requests.ok_or("the client says nothing")?.0.trim().parse()?;
    Ok((cpu.as_secs_f64() * 1e6 / n_requests, n_requests / elapsed.as_secs_f64()))
}

/// Asks in a loop and prints how often that went well, in the words of `wrk`.
fn load(address: &str, path: &str, cookie: &str) -> Anything<()> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let until = Instant::now() + Duration::from_secs(SECONDS);
    let n_requests = runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        let connections: Vec<_> = (0..N_CONNECTIONS)
            .map(|_| local.spawn_local(ask(address.to_owned(), request.clone(), until)))
            .collect();
        local
            .run_until(async {
                let mut n_requests = 0;
                for connection in connections {
                    n_requests += connection.await??;
                }
                Ok::<u64, Box<dyn Error>>(n_requests)
            })
            .await
    })?;
    println!("  {n_requests} requests in {SECONDS}.00s");
    Ok(())
}

async fn ask(address: String, request: String, until: Instant) -> std::io::Result<u64> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let (mut n_requests, mut buffer) = (0, vec![0; 16 << 10]);
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await?;
        // Each answer is one small segment, and the next is asked for only after it.
        let len = stream.read(&mut buffer).await?;
        if !buffer[..len].starts_with(b"HTTP/1.1 200") {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        n_requests += 1;
    }
    Ok(n_requests)
}
