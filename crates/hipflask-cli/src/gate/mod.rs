//! `hipflask gate`: answers proxies that ask who a visitor is, from the session that a Flask app has given.
//!
//! `settings` is what it is told; `proxy` and `path` say what is asked about, `rule` and `decision` decide, all
//! of them pure; `answer` opens the session, `fastcgi` translates, `server` listens, `count` counts.

mod answer;
mod count;
mod decision;
mod fastcgi;
mod path;
mod proxy;
mod rule;
mod server;
mod settings;

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use hipflask::{SessionInterface, config::ConfigError};
use hyper::{Request, Response, StatusCode};
use tokio::{net::TcpListener, runtime::Builder};

use crate::{
    node::{self, Node},
    output::{Failure, Status, say},
    runtime,
};
use answer::Gate;
use count::Counts;
use proxy::Asked;
pub(crate) use settings::GateArgs;

/// Where proxies ask by default.
const LISTEN: &str = "127.0.0.1:4180";
const COOKIE: &str = "cookie:";

/// Answers until it is told to stop.
pub(crate) fn run(args: GateArgs) -> Result<Status, Failure> {
    let (node, args) = configured(args)?;
    for note in &node.notes {
        say(format_args!("{}: {note}", node.name));
    }
    let faults: Vec<_> = node.faults().map(|fault| format!("{}: {fault}", node.name)).collect();
    let Some(config) = node.examined.config().filter(|_| faults.is_empty()) else {
        return Err(Failure::Configuration(faults.join("\n")));
    };
    let unusable = |error: ConfigError| Failure::Configuration(error.to_string());
    let stored = config.build_stored().map_err(unusable)?;
    let policy = args.policy(stored.settings().user_keys.clone())?;
    let address = args.store.as_deref().or(node.store()).unwrap_or(COOKIE);
    runtime::block_on_in(Builder::new_multi_thread(), async {
        let sessions = SessionInterface::connect(config, address).await;
        let gate = Gate {
            sessions: sessions.map_err(|error| Failure::Configuration(error.to_string()))?,
            policy,
            trusted: args.trusted()?,
            extends: address != COOKIE || args.set_cookie,
            sets_cookie: args.set_cookie,
            counts: args.admin_listen.as_ref().map(|_| Counts::install()).transpose()?,
        };
        listen(gate, &args).await
    })
}

/// Reads the configuration, and what it says of the gate.
fn configured(args: GateArgs) -> Result<(Node, GateArgs), Failure> {
    let Some(path) = &args.config else {
        return Ok((Node::of_environment(&args.prefix.prefix), args));
    };
    let text = node::text_of(path)?;
    let node = Node::of_text(path, &text, &args.prefix.prefix)?;
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return Ok((node, args));
    }
    Ok((node, args.over(&text)?))
}

async fn listen(gate: Gate, args: &GateArgs) -> Result<Status, Failure> {
    let gate = Arc::new(gate);
    let address = match &args.fastcgi_listen {
        Some(_) => args.listen.as_deref(),
        None => args.listen.as_deref().or(Some(LISTEN)),
    };
    let listener = bound(address, "Listening on http:").await?;
    let fastcgi = bound(args.fastcgi_listen.as_deref(), "Listening on fcgi:").await?;
    let admin = bound(args.admin_listen.as_deref(), "Health and metrics are on http:").await?;
    let (own, of_fastcgi) = (Arc::clone(&gate), Arc::clone(&gate));
    let proxies = async {
        let Some(listener) = listener else { return Ok(()) };
        let answer = move |request: Request<_>, peer| {
            let gate = Arc::clone(&own);
            async move { gate.answer(&request, &Asked::of(&request, peer, &gate.trusted)).await }
        };
        server::serve(listener, answer).await
    };
    let web_servers = async {
        let Some(listener) = fastcgi else { return Ok(()) };
        let answer = move |request: Request<()>| {
            let gate = Arc::clone(&of_fastcgi);
            // The web server itself says which page it is.
            let asked = Asked::of(&request, IpAddr::V4(Ipv4Addr::LOCALHOST), &[]);
            async move { gate.answer(&request, &asked).await }
        };
        server::serve_fastcgi(listener, answer).await
    };
    let operators = async {
        let Some(admin) = admin else { return Ok(()) };
        let answer = move |path: &str| match path {
            "/healthz" => Response::new("ok\n".into()),
            "/metrics" => gate.counts.as_ref().map(Counts::answer).unwrap_or_default(),
            _ => {
                let mut response = Response::new(String::new());
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
        };
        server::serve(admin, move |request, _| std::future::ready(answer(request.uri().path())))
            .await
    };
    tokio::try_join!(proxies, web_servers, operators).map_err(failed("cannot be told to stop"))?;
    Ok(Status::Done)
}

async fn bound(address: Option<&str>, words: &str) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(failed("cannot listen"))?;
    let local = listener.local_addr().map_err(failed("cannot listen"))?;
    say(format_args!("{words}//{local}"));
    Ok(Some(listener))
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::Configuration(format!("{what}: {error}"))
}
