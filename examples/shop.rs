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
use hipflask_examples::{Error, delete_cookie, plain_cookie, redirect, set_cookie};
use serde::{Deserialize, Serialize};

const LARGEST: i64 = 999_999_999;
const CREDIT: i64 = 10;

static ITEMS: [Item; 3] = [
    Item { slug: "tea", name: "Tea", price: 4 },
    Item { slug: "cup", name: "Cup", price: 9 },
    Item { slug: "teapot", name: "Teapot", price: 25 },
];

#[derive(Serialize)]
struct Item {
    slug: &'static str,
    name: &'static str,
    price: i64,
}

#[derive(Serialize)]
struct Summary {
    total: i64,
    credit: i64,
    to_pay: i64,
}

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
    let plain = summary(|name| from_cookie(&headers, name));
    let signed = summary(|name| from_session(&session, name));
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
    let plain = LARGEST.min(from_cookie(headers, name) + amount);
    session.insert(name, LARGEST.min(from_session(session, name) + amount))?;
    Ok((set_cookie(name, &plain.to_string())?, redirect("/")).into_response())
}

fn summary(read: impl Fn(&str) -> i64) -> Summary {
    let (total, credit) = (read("total"), read("credit"));
    Summary { total, credit, to_pay: (total - credit).max(0) }
}

/// Up to nine digits; anything else, which only an edited cookie can hold, counts as nothing.
fn from_cookie(headers: &HeaderMap, name: &str) -> i64 {
    plain_cookie(headers, name)
        .filter(|text| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn from_session(session: &Session, name: &str) -> i64 {
    let number = session.value(name).and_then(|value| value.as_i64());
    number.filter(|number| (0..=LARGEST).contains(number)).unwrap_or(0)
}
