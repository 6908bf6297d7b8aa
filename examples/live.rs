//! A WebSocket and a stream of server-sent events that end when the session does.
//!
//! ```sh
//! cargo run --example live
//! ```

use std::{convert::Infallible, env, time::Duration};

use axum::{
    Router,
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    http::StatusCode,
    response::{
        Html, IntoResponse, Redirect, Response,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use futures_util::stream;
use hipflask::{Result, SecretKey, Session, SessionLayer, SessionWatch, store::MemoryStore};
use tokio::{
    net::TcpListener,
    time::{interval, sleep},
};

const LOG_IN: &str = r#"<form method="post" action="/log_in"><button>Log in</button></form>"#;

const PAGE: &str = r#"<form method="post" action="/log_out" target="_blank"><button>Log out in another tab</button></form>
<p>WebSocket: <output id="socket"></output></p> <p>Events: <output id="events"></output></p>
<script>
const show = (id, text) => document.getElementById(id).value = text;
const socket = new WebSocket("/socket");
socket.onmessage = ({ data }) => show("socket", data);
socket.onclose = ({ code, reason }) => show("socket", `closed: ${code} ${reason}`);
const events = new EventSource("/events");
events.onmessage = ({ data }) => show("events", data);
events.onerror = () => show("events", "over"); // it comes again once, and gets 401
</script>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = SessionLayer::new(SecretKey::random()?)?.with_store(MemoryStore::new());
    let app = Router::new()
        .route("/", get(page))
        .route("/log_in", post(log_in))
        .route("/log_out", post(log_out))
        .route("/socket", get(socket))
        .route("/events", get(events))
        .layer(sessions);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn page(session: Session) -> Html<&'static str> {
    Html(if session.user_id().is_some() { PAGE } else { LOG_IN })
}

async fn log_in(session: Session) -> Result<Redirect> {
    session.log_in("ada")?; // a real one checks a password first
    Ok(Redirect::to("/"))
}

async fn log_out(session: Session) -> Result<&'static str> {
    session.log_out()?;
    Ok("You are logged out, there as well.")
}

async fn socket(session: Session, upgrade: WebSocketUpgrade) -> Response {
    if session.user_id().is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let watch = session.watch(); // the session itself stays with this request
    upgrade.on_upgrade(async move |socket| talk(socket, watch).await)
}

async fn talk(mut socket: WebSocket, watch: SessionWatch) {
    let mut ticks = interval(Duration::from_secs(1));
    let mut count = 0;
    let reason = loop {
        tokio::select! {
            reason = watch.ended() => break reason,
            _ = ticks.tick() => {
                count += 1;
                if socket.send(format!("tick {count}").into()).await.is_err() {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(_)) => {} // a real one answers
                Some(Err(_)) | None => return,
            },
        }
    };
    let frame = CloseFrame { code: close_code::POLICY, reason: reason.code().into() };
    let _ = socket.send(Message::Close(Some(frame))).await; // the browser may be gone
}

async fn events(session: Session) -> Response {
    if session.user_id().is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let ticks = stream::unfold(1, async |count: u64| {
        sleep(Duration::from_millis(200)).await;
        Some((Ok::<_, Infallible>(Event::default().data(format!("event {count}"))), count + 1))
    });
    Sse::new(session.watch().take_until_ended(ticks)).into_response()
}
