//! What the options ask for, and what cannot be had.

use std::{net::TcpListener, process::ExitCode};

use axum::Router;
use clap::Parser;
use hipflask::{SecretKey, SessionConfig, SessionLayer};
use hipflask_demo::{Listen, SessionsError, exit_status};

#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    listen: Listen,
}

fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from(["demo"].iter().chain(arguments))
}

async fn sessions(address: &str) -> Result<SessionLayer, SessionsError> {
    let config = SessionConfig::new(SecretKey::random().unwrap());
    parse(&["--sessions", address]).unwrap().listen.sessions.sessions(&config).await
}

#[tokio::test]
async fn sessions_are_in_the_cookie_unless_said_otherwise() {
    let config = SessionConfig::new(SecretKey::random().unwrap());
    let listen = parse(&[]).unwrap().listen;
    assert_eq!(listen.port, 5000);
    assert!(listen.sessions.sessions(&config).await.is_ok());
    let vars = [("FLASK_SESSION_TYPE", "redis")];
    let error = listen.sessions.sessions(&config.with_vars("FLASK", vars).unwrap()).await;
    assert!(matches!(error, Err(SessionsError::NoAddress)));
}

#[tokio::test]
async fn wrong_address_is_wrong_usage_and_not_shown() {
    for address in ["", "nonsense", "secret://localhost", "memory:?secret=1"] {
        let error = sessions(address).await.unwrap_err();
        assert!(error.is_usage(), "{address}");
        assert_eq!(exit_status(Err(error.into())), ExitCode::from(2), "{address}");
    }
    let listen = parse(&["--sessions", "redis://:secret@localhost"]).unwrap().listen;
    assert!(!format!("{listen:?}").contains("secret"));
}

#[cfg(not(feature = "mysql"))]
#[tokio::test]
async fn store_that_is_not_built_in_names_the_command() {
    let error = sessions("mysql://user:secret@localhost/shop").await.unwrap_err();
    assert!(error.is_usage());
    let text = error.to_string();
    assert!(text.contains(" --features mysql`") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn port_in_use_is_a_clear_error() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let error = parse(&["--port", &port]).unwrap().listen.serve(Router::new()).await.unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("cannot listen on 127.0.0.1:{port}")),
        "{error}"
    );
}
