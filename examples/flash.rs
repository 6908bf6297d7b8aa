//! Flash messages: what one request says, the next page shows, once.
//!
//! ```sh
//! cargo run --example flash
//! ```

use std::env;

use axum::{
    Router,
    response::{Html, Redirect},
    routing::{get, post},
};
use hipflask::{Result, SecretKey, Session, SessionLayer};
use tokio::net::TcpListener;

const TRY: &str = r#"<p>Press a button, see its messages, and reload this page: they are gone.</p>
<form method="post"><button formaction="/save">Save</button> <button formaction="/delete">Delete</button></form>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/", get(index))
        .route("/save", post(save))
        .route("/delete", post(delete))
        .layer(SessionLayer::new(SecretKey::random()?)?);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn index(session: Session) -> Result<Html<String>> {
    let mut page = String::from("<h1>Flash messages</h1>\n");
    for flash in session.take_flashes()? {
        // Both are texts of this program. What a visitor has typed must be escaped: templates do that.
        page += &format!("<p class=\"{}\">{}</p>\n", flash.category(), flash.message());
    }
    Ok(Html(page + TRY))
}

async fn save(session: Session) -> Result<Redirect> {
    session.flash("success", "Your draft is saved.")?;
    session.flash("info", "Only you can see it.")?;
    Ok(Redirect::to("/"))
}

async fn delete(session: Session) -> Result<Redirect> {
    session.flash("error", "There is nothing to delete.")?;
    Ok(Redirect::to("/"))
}
