// src/main.rs
//! The cart's page, which was Flask's.

use axum::{
    Form, Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use hipflask::{Session, SessionConfig, SessionLayer, csrf::CsrfLayer};
use tracing_subscriber::filter::LevelFilter;

/// Stands for the table of users that both apps share.
const USERS: [&str; 1] = ["julian"];
const ITEMS: [&str; 2] = ["tea", "cup"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).init();
    let config = SessionConfig::from_env()?; // FLASK_SECRET_KEY and the others
    let sessions = SessionLayer::signed(&config)?;
    let app = Router::new()
        .route("/cart", get(cart))
        .route("/cart/add", post(add))
        .route_layer(CsrfLayer::new())
        .layer(sessions);
    let address = std::env::var("ADDRESS").unwrap_or("127.0.0.1:5001".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}

async fn cart(session: Session) -> hipflask::Result<Response> {
    let Some(user) = current_user(&session)? else {
        return Ok(Redirect::to("/login?next=%2Fcart").into_response());
    };
    let items = session.get::<Vec<String>>("cart")?.unwrap_or_default();
    Ok(format!("{user} has: {}", items.join(", ")).into_response())
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Add {
    item: String,
}

async fn add(session: Session, Form(form): Form<Add>) -> hipflask::Result<Response> {
    if current_user(&session)?.is_none() {
        return Ok(Redirect::to("/login?next=%2Fcart").into_response());
    }
    if !ITEMS.contains(&form.item.as_str()) {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    }
    session.flash("message", format!("Added: {}", form.item))?;
    session.push("cart", form.item)?;
    Ok(Redirect::to("/").into_response())
}

/// Returns who is logged in. Flask-Login's `_user_id` is only a name: look it up, as Flask does.
fn current_user(session: &Session) -> hipflask::Result<Option<&'static str>> {
    let id = session.get::<String>("_user_id")?;
    Ok(USERS.into_iter().find(|user| Some(*user) == id.as_deref()))
}
