//! Over real connections: HTTP/1 with several `Cookie` lines, HTTP/2 with crumbs.

use axum::{Router, routing::get};
use bytes::Bytes;
use hipflask::Session;
use http::{Request, Version, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use crate::app::{self, cookie};

async fn count(session: Session) -> hipflask::Result<String> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

async fn serve() -> std::net::SocketAddr {
    let app = Router::new().route("/count", get(count)).layer(app::layer(&app::config()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn request(address: std::net::SocketAddr) -> Request<Empty<Bytes>> {
    Request::get(format!("http://{address}/count"))
        .header(header::HOST, address.to_string())
        .header(header::COOKIE, "theme=dark; broken=\"")
        .header(header::COOKIE, cookie(r#"{"count":41}"#))
        .header(header::COOKIE, cookie(r#"{"count":7}"#))
        .body(Empty::new())
        .unwrap()
}

#[tokio::test]
async fn http1_reads_all_cookie_lines_and_the_first_cookie_wins() {
    let address = serve().await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let response = client.send_request(request(address)).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().starts_with("session=eyJ"));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "42");
}

#[tokio::test]
async fn http2_joins_the_crumbs() {
    let address = serve().await;
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (mut client, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let response = client.send_request(request(address)).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "42");
}
