//! A real WebSocket and a real stream of events, each with a client over TCP: they end when another request
//! logs out.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::ws::{CloseFrame, Message, WebSocketUpgrade, close_code},
    response::{
        Response,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use futures_util::{FutureExt, Stream, stream};
use hipflask::{Result, Session, SessionLayer, store::MemoryStore};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

use crate::app::{self, sent_back};

/// Much longer than it takes: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A socket that says hello, then nothing, and closes when its session ends.
async fn socket(session: Session, upgrade: WebSocketUpgrade) -> Response {
    let watch = session.watch();
    upgrade.on_upgrade(async move |mut socket| {
        socket.send("hello".into()).await.unwrap();
        let reason = watch.ended().await.code();
        let frame = CloseFrame { code: close_code::POLICY, reason: reason.into() };
        socket.send(Message::Close(Some(frame))).await.unwrap();
    })
}

/// The log-in itself opens the socket: its session is saved before the socket lives.
async fn log_in_and_stay(session: Session, upgrade: WebSocketUpgrade) -> Result<Response> {
    session.log_in("7")?;
    Ok(socket(session, upgrade).await)
}

async fn events(session: Session) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let first = stream::iter([Ok(Event::default().data("hello"))]);
    let events = futures_util::StreamExt::chain(first, stream::pending());
    Sse::new(session.watch().take_until_ended(events))
}

fn layers() -> [(SessionLayer, &'static str); 2] {
    let stored = SessionLayer::stored(&app::config(), MemoryStore::new()).unwrap();
    let signed = SessionLayer::revocable(&app::config(), MemoryStore::new()).unwrap();
    [(stored, "unknown_id"), (signed, "revoked")]
}

fn router(layer: SessionLayer) -> Router {
    Router::new()
        .route("/in", post(async |session: Session| session.log_in("7")))
        .route("/out", post(async |session: Session| session.log_out()))
        .route("/socket", get(socket))
        .route("/in_and_stay", get(log_in_and_stay))
        .route("/events", get(events))
        .layer(layer)
}

async fn serve(app: &Router) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, app) = (listener.local_addr().unwrap(), app.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn post_to(app: &Router, path: &str, cookie: &str) -> http::Response<axum::body::Body> {
    let request = http::Request::post(path).header("cookie", cookie);
    let request = request.body(axum::body::Body::empty()).unwrap();
    tower::ServiceExt::oneshot(app.clone(), request).await.unwrap()
}

#[tokio::test]
async fn socket_closes_when_another_request_logs_out() {
    for path in ["/socket", "/in_and_stay"] {
        for (layer, reason) in layers() {
            let app = router(layer);
            let address = serve(&app).await;
            let mut cookie = sent_back(&post_to(&app, "/in", "").await);
            let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
            let stream = TcpStream::connect(address).await.unwrap();
            let connected = tokio_tungstenite::client_async(request, stream).await.unwrap();
            let (mut socket, response) = connected;
            if let Some(line) = response.headers().get("set-cookie") {
                cookie = line.to_str().unwrap().split(';').next().unwrap().to_owned();
            }
            let mut next = async || {
                let next = futures_util::StreamExt::next(&mut socket);
                timeout(PATIENCE, next).await.expect("nothing comes").unwrap().unwrap()
            };
            assert_eq!(next().await, tungstenite::Message::text("hello"));
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(next().now_or_never(), None, "{path}: it ends before its session");
            post_to(&app, "/out", &cookie).await;
            let tungstenite::Message::Close(Some(frame)) = next().await else { panic!("{path}") };
            assert_eq!((u16::from(frame.code), &*frame.reason), (1008, reason), "{path}");
        }
    }
}

#[tokio::test]
async fn events_end_when_another_request_logs_out() {
    for (layer, _) in layers() {
        let app = router(layer);
        let address = serve(&app).await;
        let cookie = sent_back(&post_to(&app, "/in", "").await);
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("/events").header("cookie", &cookie);
        let request = request.body(String::new()).unwrap();
        let mut body = client.send_request(request).await.unwrap().into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "data: hello\n\n");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(body.frame().now_or_never().is_none(), "it ends before its session");
        post_to(&app, "/out", &cookie).await;
        let end = timeout(PATIENCE, body.frame()).await.expect("it goes on");
        assert!(end.is_none_or(|frame| frame.is_ok_and(|frame| !frame.is_data())));
    }
}
