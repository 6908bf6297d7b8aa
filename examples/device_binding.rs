//! Sessions that are bound to the browser's device: a copy of the cookie is of no use elsewhere.
//!
//! `cargo run --example device_binding`, then open <http://localhost:5000> in a browser that can do it. Others work, too.

use std::env;

use axum::{
    Router,
    response::{Html, Redirect},
    routing::{get, post},
};
use hipflask::{
    Result, SecretKey, Session, SessionConfig, SessionLayer,
    dbsc::{DbscLayer, DeviceBinding},
};
use tokio::net::TcpListener;

const LOG_IN: &str = r#"<form method="post" action="/log-in"><button>Log in</button></form>"#;
const LOG_OUT: &str = r#"<form method="post" action="/log-out"><button>Log out</button></form>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = match env::var("FLASK_SECRET_KEY") {
        Ok(_) => SessionConfig::from_env()?,
        Err(_) => SessionConfig::new(SecretKey::random()?),
    };
    let app = Router::new()
        .route("/", get(page))
        .route("/log-in", post(log_in))
        .route("/log-out", post(log_out))
        .layer(DbscLayer::new())
        .layer(SessionLayer::signed(&config.hardened())?);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn page(session: Session, device: DeviceBinding) -> Html<String> {
    let Some(user) = session.user_id() else {
        return Html(format!("<h1>Bound sessions</h1><p>{}</p>{LOG_IN}", session.reason()));
    };
    let state = match device {
        DeviceBinding::Bound => "Your session is bound to this device.",
        _ => "Your session is bound to no device: your browser cannot do it, or is about to.",
    };
    Html(format!("<h1>Bound sessions</h1><p>You are {user}. {state}</p>{LOG_OUT}"))
}

async fn log_in(session: Session) -> Result<Redirect> {
    session.log_in("ada")?; // a real one checks a password first
    Ok(Redirect::to("/"))
}

async fn log_out(session: Session) -> Result<Redirect> {
    session.log_out()?;
    Ok(Redirect::to("/"))
}
