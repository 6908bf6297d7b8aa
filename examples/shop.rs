//! A total and a store credit, once in plain cookies and once in the session: whoever edits the
//! plain cookies shops for nothing, whoever edits the session only loses it.
//!
//! ```sh
//! cargo run --example shop
//! ```

use std::env;

use axum::{
    Form, Router,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{COOKIE, LOCATION, SET_COOKIE},
    },
    response::{AppendHeaders, IntoResponse, Response, Result},
    routing::{get, post},
};
use clap::Parser;
use hipflask::{
    SecretKey, Session, SessionConfig, SessionLayer,
    core::cookie,
    templates::{Page, Routes, Serde, Templates, context},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Options {
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// Where sessions are kept: cookie:, memory:, file:DIR, sqlite:PATH, redis://HOST, …
    #[arg(long, default_value = "cookie:")]
    sessions: String,
}

#[derive(Serialize)]
struct Item {
    slug: &'static str,
    name: &'static str,
    price: u32,
}

const ITEMS: [Item; 3] = [
    Item { slug: "tea", name: "Tea", price: 4 },
    Item { slug: "cup", name: "Cup", price: 9 },
    Item { slug: "teapot", name: "Teapot", price: 25 },
];
const CREDIT: u32 = 10;
const LARGEST: u32 = 999_999_999;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { port, sessions } = Options::parse();
    if env::var_os("FLASK_SECRET_KEY").is_none() {
        eprintln!("warning: FLASK_SECRET_KEY is not set: sessions end with this run");
    }
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let routes =
        Routes::new().with("add", "/add").with("credit", "/credit").with("clear", "/clear");
    let templates = Templates::new(routes)
        .with_source("index.html", include_str!("templates/shop/index.html"))?;
    let app = Router::new()
        .route("/", get(index))
        .route("/add", post(add))
        .route("/credit", post(credit))
        .route("/clear", post(clear))
        .with_state(templates)
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn index(
    session: Session,
    headers: HeaderMap,
    State(templates): State<Templates>,
) -> Result<Page> {
    let plain = Summary::new(|name| from_cookie(&headers, name));
    let signed = Summary::new(|name| from_session(&session, name));
    let context =
        context! { items => Serde(&ITEMS), plain => Serde(plain), signed => Serde(signed) };
    Ok(templates.page(&session, "index.html", context)?)
}

#[derive(Serialize)]
struct Summary {
    total: u32,
    credit: u32,
    to_pay: u32,
}

impl Summary {
    fn new(read: impl Fn(&str) -> u32) -> Self {
        let (total, credit) = (read("total"), read("credit"));
        Self { total, credit, to_pay: total.saturating_sub(credit) }
    }
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    item: String,
}

async fn add(
    session: Session,
    headers: HeaderMap,
    Form(Choice { item }): Form<Choice>,
) -> Result<Response> {
    let item = ITEMS.iter().find(|known| known.slug == item).ok_or(StatusCode::BAD_REQUEST)?;
    Ok(raise(&session, &headers, "total", item.price)?)
}

async fn credit(session: Session, headers: HeaderMap) -> hipflask::Result<Response> {
    raise(&session, &headers, "credit", CREDIT)
}

async fn clear(session: Session) -> Result<Response> {
    const GONE: &str = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/";
    let deleted = ["total", "credit"].map(|name| (SET_COOKIE, format!("{name}=; {GONE}")));
    session.remove("total")?;
    session.remove("credit")?;
    Ok((StatusCode::FOUND, AppendHeaders(deleted), [(LOCATION, "/")]).into_response())
}

/// Adds to both copies of a number and goes back to the page.
fn raise(
    session: &Session,
    headers: &HeaderMap,
    name: &str,
    amount: u32,
) -> hipflask::Result<Response> {
    let plain = LARGEST.min(from_cookie(headers, name) + amount);
    session.insert(name, LARGEST.min(from_session(session, name) + amount))?;
    let set = [(SET_COOKIE, format!("{name}={plain}; Path=/"))];
    Ok((StatusCode::FOUND, AppendHeaders(set), [(LOCATION, "/")]).into_response())
}

/// Reads a plain cookie: up to nine digits. Anything else, which only an edited cookie can hold,
/// counts as nothing.
fn from_cookie(headers: &HeaderMap, name: &str) -> u32 {
    let lines = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
    let Some(text) = cookie::find_in(lines, name) else { return 0 };
    let is_number = text.len() <= 9 && text.iter().all(u8::is_ascii_digit);
    str::from_utf8(&text).ok().filter(|_| is_number).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Reads a number of the session. What another app may have set counts as nothing.
fn from_session(session: &Session, name: &str) -> u32 {
    session.get(name).ok().flatten().filter(|number| *number <= LARGEST).unwrap_or(0)
}
