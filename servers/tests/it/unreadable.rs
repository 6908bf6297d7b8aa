//! What a visitor meets whose record is there and cannot be read, through the whole layer.

use axum::{Router, body::Body, routing::get};
use hipflask::{
    Result, SecretKey, Session, SessionLayer,
    store::{RecordKey, Store},
};
use http::{HeaderMap, Request, Response, StatusCode, header};
use tower::ServiceExt;

/// A session id whose record a test writes by other means.
pub(crate) const ID: &str = "UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU";

/// Checks that the session of [`ID`] is a new one, that what is set in it stays, and that the old
/// record can be ended.
pub(crate) async fn becomes_a_new_session(store: impl Store + Clone) {
    let layer = SessionLayer::new(SecretKey::random().unwrap()).unwrap();
    let app = Router::new()
        .route("/", get(visit))
        .route("/out", get(log_out))
        .layer(layer.with_store(store.clone()));
    let response = send(&app, "/", ID).await;
    assert_eq!(reason_of(&response), "corrupt_record");
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    let id = cookie.strip_prefix("session=").unwrap().split(';').next().unwrap();
    assert_ne!(id, ID);
    assert_eq!(reason_of(&send(&app, "/", id).await), "found");
    send(&app, "/out", ID).await;
    store.delete(&RecordKey::new(format!("session:{ID}"))).await.unwrap();
    assert_eq!(reason_of(&send(&app, "/", ID).await), "unknown_id");
}

async fn visit(session: Session) -> Result<HeaderMap> {
    let reason = session.reason().code();
    session.insert("seen", true)?;
    Ok(HeaderMap::from_iter([(header::ETAG, reason.parse().unwrap())]))
}

async fn log_out(session: Session) -> Result<()> {
    session.destroy()?;
    Ok(())
}

async fn send(app: &Router, path: &str, id: &str) -> Response<Body> {
    let request = Request::get(path).header(header::COOKIE, format!("session={id}"));
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response
}

fn reason_of(response: &Response<Body>) -> &str {
    response.headers()[header::ETAG].to_str().unwrap()
}
