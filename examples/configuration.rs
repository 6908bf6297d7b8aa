//! Settings under Flask's names: from TOML, and above that from the environment.
//!
//! ```sh
//! FLASK_SESSION_COOKIE_NAME=tea cargo run --example configuration
//! ```

use std::env;

use axum::{Router, extract::State, response::Html, routing::get};
use hipflask::{Result, SecretKey, Session, SessionConfig, SessionLayer};
use tokio::net::TcpListener;

/// An app has this in a file: `SessionConfig::from_toml_file("session.toml")`. And where the key comes
/// from the environment, with the rest, that is `SessionConfig::from_env()`.
const FILE: &str = r#"
SESSION_COOKIE_NAME = "shop"
SESSION_COOKIE_SAMESITE = "Lax"
PERMANENT_SESSION_LIFETIME = 3600 # seconds
"#;

const TRY: &str = r#"<p>Look at the <code>Set-Cookie</code> of this page in your browser's tools. Then stop this program,
and start it with another value of <code>FLASK_SESSION_COOKIE_NAME</code>,
<code>FLASK_PERMANENT_SESSION_LIFETIME</code> or <code>FLASK_SESSION_COOKIE_SAMESITE</code>. Or with a wrong one,
such as <code>FLASK_SESSION_COKIE_NAME=tea</code>: it says what is wrong, and does not start.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = SessionConfig::new(SecretKey::random()?) // unless FLASK_SECRET_KEY is another
        .with_toml(FILE)?
        .with_vars("FLASK", env::vars_os())?;
    let sessions = SessionLayer::signed(&config)?;
    let app = Router::new().route("/", get(index)).with_state(config).layer(sessions);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn index(session: Session, State(config): State<SessionConfig>) -> Result<Html<String>> {
    session.set_permanent(true)?;
    let (name, lifetime) = (config.cookie_name(), config.lifetime().as_secs());
    Ok(Html(format!("<h1>The cookie {name} lives for {lifetime} seconds</h1>\n{TRY}")))
}
