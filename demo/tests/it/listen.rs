//! What the options ask for, and what cannot be had.

use std::{net::TcpListener, process::ExitCode};

use axum::Router;
use clap::Parser;
use hipflask::{SecretKey, SessionConfig, password::Passwords};
use hipflask_demo::{Listen, SessionsError, Site, SiteError, exit_status, settings};

#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    listen: Listen,
}

fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from(["demo"].iter().chain(arguments))
}

async fn open(config: &SessionConfig, arguments: &[&str]) -> Result<Site, SiteError> {
    let (data, listen) = (tempfile::tempdir().unwrap(), parse(arguments).unwrap().listen);
    Site::open(data.path(), Passwords::new(), config, listen.sessions.as_ref()).await
}

async fn sessions(address: &str) -> Result<Site, SiteError> {
    open(&settings(SecretKey::random().unwrap()), &["--sessions", address]).await
}

#[tokio::test]
async fn sessions_are_in_the_data_base_unless_said_otherwise() {
    let config = settings(SecretKey::random().unwrap());
    assert_eq!(parse(&[]).unwrap().listen.port, 5000);
    let site = open(&config, &[]).await.unwrap();
    assert!(site.sessions().interface().sessions_of("1").await.unwrap().is_empty());
    let vars = [("FLASK_SESSION_TYPE", "redis")];
    let config = config.with_vars("FLASK", vars).unwrap();
    let error = open(&config, &["--sessions", "cookie:"]).await.unwrap_err();
    assert!(matches!(error, SiteError::Sessions(SessionsError::NoAddress)));
}

#[tokio::test]
async fn wrong_address_is_wrong_usage_and_not_shown() {
    for address in ["", "nonsense", "secret://localhost", "memory:?secret=1"] {
        let error = sessions(address).await.unwrap_err();
        assert!(matches!(&error, SiteError::Sessions(it) if it.is_usage()), "{address}");
        assert_eq!(exit_status(Err(error.into())), ExitCode::from(2), "{address}");
    }
    let listen = parse(&["--sessions", "redis://:secret@localhost"]).unwrap().listen;
    assert!(!format!("{listen:?}").contains("secret"));
}

#[cfg(not(feature = "mysql"))]
#[tokio::test]
async fn store_that_is_not_built_in_names_the_command() {
    let error = sessions("mysql://user:secret@localhost/shop").await.unwrap_err();
    assert!(matches!(&error, SiteError::Sessions(it) if it.is_usage()));
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
