//! Why a session is empty: the reason, on a page and in the log.
//!
//! ```sh
//! cargo run --example reasons
//! ```

use std::{env, io};

use axum::{
    Router,
    http::header::SET_COOKIE,
    response::{Html, IntoResponse, Redirect},
    routing::get,
};
use hipflask::{Result, SecretKey, Session, SessionLayer};
use tokio::net::TcpListener;

const TRY: &str = r#"<p>Get a session at <a href="/visit">/visit</a>. Then have a cookie that no key has signed at
<a href="/forge">/forge</a>, or one that is none at <a href="/garble">/garble</a>: this page says why your session is
empty, and so does the log. Restart this program, which then has another key, and load the page again.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Refused sessions are at the level `info`, opened ones at `debug`. No line has a key or a value.
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let app = Router::new()
        .route("/", get(index))
        .route("/visit", get(visit))
        .route("/forge", get(async || offer("eyJ1c2VyIjoiYWRhIn0.aR_RAA.forged")))
        .route("/garble", get(async || offer("garbled")))
        .layer(SessionLayer::new(SecretKey::random()?)?);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn index(session: Session) -> Html<String> {
    let reason = session.reason();
    let code = reason.code();
    Html(format!("<h1>Your session: <code>{code}</code></h1>\n<p>{reason}</p>\n{TRY}"))
}

async fn visit(session: Session) -> Result<Redirect> {
    session.insert("visited", true)?;
    Ok(Redirect::to("/"))
}

/// Gives the browser another cookie in the place of the session's.
fn offer(cookie: &str) -> impl IntoResponse + use<> {
    ([(SET_COOKIE, format!("session={cookie}; HttpOnly; Path=/"))], Redirect::to("/"))
}
