//! A total and a store credit, once in plain cookies and once in the session: whoever edits the
//! plain cookies shops for nothing, whoever edits the session only loses it.
//!
//! ```sh
//! cargo run --example shop
//! ```

use std::process::ExitCode;

use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hipflask::{
    Session, SessionLayer,
    templates::{Page, Routes, Serde, Templates, context},
};
use hipflask_examples::{
    Error, delete_cookie, plain_cookie, redirect, set_cookie,
    shop::{self, ITEMS, Summary, from_session},
};
use serde::Deserialize;

const CREDIT: i64 = 10;

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    item: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_examples::run(app).await
}

fn app(sessions: SessionLayer) -> Result<Router, Error> {
    let routes =
        Routes::new().with("add", "/add").with("credit", "/credit").with("clear", "/clear");
    let templates = Templates::new(routes)
        .with_source("index.html", include_str!("templates/shop/index.html"))?;
    Ok(Router::new()
        .route("/", get(index))
        .route("/add", post(add))
        .route("/credit", post(credit))
        .route("/clear", post(clear))
        .with_state(templates)
        .layer(sessions))
}

async fn index(
    session: Session,
    headers: HeaderMap,
    State(templates): State<Templates>,
) -> Result<Page, Error> {
    let plain = Summary::new(|name| from_cookie(&headers, name));
    let signed = Summary::new(|name| from_session(&session, name));
    let context = context! {
        items => Serde(&ITEMS),
        plain => Serde(plain),
        signed => Serde(signed),
    };
    Ok(templates.page(&session, "index.html", context)?)
}

async fn add(
    session: Session,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Result<Response, Error> {
    match ITEMS.iter().find(|item| item.slug == choice.item) {
        Some(item) => raise(&session, &headers, "total", item.price),
        None => Ok(StatusCode::BAD_REQUEST.into_response()),
    }
}

async fn credit(session: Session, headers: HeaderMap) -> Result<Response, Error> {
    raise(&session, &headers, "credit", CREDIT)
}

async fn clear(session: Session) -> Result<Response, Error> {
    session.remove("total")?;
    session.remove("credit")?;
    Ok((delete_cookie("total")?, delete_cookie("credit")?, redirect("/")).into_response())
}

/// Adds to both copies of a number and goes back to the page.
fn raise(
    session: &Session,
    headers: &HeaderMap,
    name: &str,
    amount: i64,
) -> Result<Response, Error> {
    let plain = shop::add(from_cookie(headers, name), amount);
    session.insert(name, shop::add(from_session(session, name), amount))?;
    Ok((set_cookie(name, &plain.to_string())?, redirect("/")).into_response())
}

fn from_cookie(headers: &HeaderMap, name: &str) -> i64 {
    shop::from_cookie(plain_cookie(headers, name))
}
