//! Changes inside of a value: `modify` a dict, `push` to a list. Nobody has to say that the session
//! was modified, which Flask needs `session.modified = True` for.
//!
//! ```sh
//! cargo run --example in_place
//! ```

use std::{collections::BTreeMap, env};

use axum::{Json, Router, extract::Path, response::Html, routing::get};
use hipflask::{Result, SecretKey, Session, SessionLayer, value::Value};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

const TRY: &str = r#"<h1>In place</h1>
<p>Add <a href="/add/tea">tea</a> and <a href="/add/cup">a cup</a> to the cart, and look at
<a href="/cart">both the cart and what was added when</a>.</p>"#;

#[derive(Deserialize, Serialize)]
#[serde(default)]
#[derive(Default)]
struct Cart {
    cart: BTreeMap<String, u32>,
    added: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/add/{item}", get(add))
        .route("/cart", get(cart))
        .layer(SessionLayer::new(SecretKey::random()?)?);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn add(session: Session, Path(item): Path<String>) -> Result<Json<Cart>> {
    if !session.contains("cart") {
        session.insert("cart", BTreeMap::<String, u32>::new())?;
    }
    session.modify("cart", |cart| {
        let Some(cart) = cart.as_dict_mut() else { return };
        let number = cart.get(&item).and_then(Value::as_i64).unwrap_or(0);
        cart.insert(item.clone(), Value::from(number + 1));
    })?;
    session.push("added", item)?;
    self::cart(session).await
}

async fn cart(session: Session) -> Result<Json<Cart>> {
    Ok(Json(session.extract()?))
}
