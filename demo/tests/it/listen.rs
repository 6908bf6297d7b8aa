//! What the options ask for, and what cannot be had.

use std::net::TcpListener;

use axum::Router;
use clap::Parser;
use hipflask_demo::Listen;

#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    listen: Listen,
}

fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from(["demo"].iter().chain(arguments))
}

#[test]
fn stores_are_refused_until_there_are_some() {
    assert_eq!(parse(&[]).unwrap().listen.port, 5000);
    assert!(parse(&["--sessions", "cookie:"]).is_ok());
    let error = parse(&["--sessions", "redis://localhost"]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("server-side stores are not supported yet"), "{error}");
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
