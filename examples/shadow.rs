//! Shadow mode in front of Flask: every request goes on to it, and a report says what would be different.
//!
//! ```sh
//! FLASK_SECRET_KEY=… UPSTREAM=127.0.0.1:5000 ADDRESS=127.0.0.1:5001 cargo run --example shadow
//! ```

use std::env;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use hipflask::{SessionConfig, SessionLayer, shadow::ShadowLayer};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Flask {
    client: Client<HttpConnector, Body>,
    upstream: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // With Flask's own settings, and its key.
    let sessions = SessionLayer::signed(&SessionConfig::from_env()?)?;
    let shadow = ShadowLayer::new(&sessions);
    let report = shadow.clone();
    let upstream = env::var("UPSTREAM").unwrap_or("127.0.0.1:5000".into());
    let flask = Flask { client: Client::builder(TokioExecutor::new()).build_http(), upstream };
    let app = Router::new()
        .fallback(pass_on)
        .with_state(flask)
        .layer(shadow)
        // Not looked at, because they are added after the layer. Let nobody else see them.
        .route("/-/shadow", get(async move || report.report().to_string()));
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5001".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn pass_on(State(flask): State<Flask>, mut request: Request) -> Result<Response, StatusCode> {
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let there = format!("http://{}{path}", flask.upstream);
    *request.uri_mut() = there.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let answer = flask.client.request(request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(answer.map(Body::new))
}
