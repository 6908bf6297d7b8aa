//! Forms that another site cannot send in a visitor's name, with Flask-WTF's tokens.
//!
//! ```sh
//! cargo run --example csrf
//! ```

use std::env;

use axum::{
    Form, Router,
    response::{Html, Redirect},
    routing::{get, post},
};
use hipflask::{Result, SecretKey, Session, SessionConfig, SessionLayer, csrf::CsrfLayer};
use tokio::net::TcpListener;

const TRY: &str = r#"<h1>Forms</h1>
<p>Send both. <a href="/likes">/likes</a> counts what has arrived.</p>
<form method="post" action="/like"><input type="hidden" name="csrf_token" value="TOKEN"><button>Like</button></form>
<form method="post" action="/like"><button>Like, without a token</button> passes in a browser, which says that the form is
from here, and in no other program.</form>
<p>A payment service has no token, and posts to /hook.</p>"#;

#[derive(serde::Deserialize)]
struct Paid {
    amount: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = match env::var("FLASK_SECRET_KEY") {
        Ok(_) => SessionConfig::from_env()?,
        Err(_) => SessionConfig::new(SecretKey::random()?),
    };
    let app = Router::new()
        .route("/", get(page))
        .route("/likes", get(likes))
        .route("/like", post(like))
        .route("/hook", post(hook))
        .route_layer(CsrfLayer::new().exempt("/hook"))
        .layer(SessionLayer::signed(&config)?);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn page(session: Session) -> Result<Html<String>> {
    Ok(Html(TRY.replace("TOKEN", &session.csrf_token()?)))
}

async fn likes(session: Session) -> Result<String> {
    Ok(session.get::<u64>("likes")?.unwrap_or(0).to_string())
}

async fn like(session: Session) -> Result<Redirect> {
    session.insert("likes", session.get::<u64>("likes")?.unwrap_or(0) + 1)?;
    Ok(Redirect::to("/likes"))
}

/// Has no session to protect; a real one would check the service's signature.
async fn hook(Form(paid): Form<Paid>) -> String {
    format!("{} paid", paid.amount)
}
