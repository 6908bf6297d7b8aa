//! Several layers and routers: nesting, `route_layer`, two cookie names in one app.

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use hipflask::{Session, Sessions};

use crate::app::{self, cookie, set_cookies, text, varies};

async fn visit(session: Session) -> hipflask::Result<String> {
    session.insert("seen", true)?;
    Ok(session.len().to_string())
}

#[tokio::test]
async fn nested_router_uses_the_layer_outside() {
    let inner = Router::new().route("/visit", get(visit));
    let app = Router::new().nest("/a/b", inner).layer(app::layer(&app::config()));
    let response = app::get(&app, "/a/b/visit", &[&cookie(r#"{"x":1}"#)]).await;
    assert_eq!(set_cookies(&response).len(), 1);
    assert_eq!(text(response).await, "2");
}

#[tokio::test]
async fn route_layer_covers_only_its_routes() {
    let app = Router::new()
        .route("/visit", get(visit))
        .route_layer(app::layer(&app::config()))
        .route("/bare", get(visit));
    assert_eq!(set_cookies(&app::get(&app, "/visit", &[]).await).len(), 1);
    assert_eq!(app::get(&app, "/bare", &[]).await.status(), 500);
    assert!(!varies(&app::get(&app, "/nowhere", &[]).await));
}

async fn both(session: Session, sessions: Sessions) -> hipflask::Result<String> {
    session.insert("inner", 1)?;
    let mut names = Vec::new();
    for name in ["session", "admin", "nobody"] {
        names.push(sessions.get(name).await?.is_some());
    }
    if let Some(outer) = sessions.get("session").await? {
        outer.insert("outer", 1)?;
    }
    Ok(format!("{names:?}"))
}

#[tokio::test]
async fn two_layers_keep_two_sessions() {
    let admin = app::config().with_cookie_name("admin").with_path("/admin");
    let app = Router::new()
        .route("/admin/both", get(both))
        .layer(app::layer(&admin))
        .route("/visit", get(visit))
        .layer(app::layer(&app::config()));
    let response = app::get(&app, "/admin/both", &[]).await;
    let sent = set_cookies(&response);
    let value = |json: &str| cookie(json).replace("session=", "");
    assert_eq!(
        sent,
        [
            format!("admin={}; HttpOnly; Path=/admin", value(r#"{"inner":1}"#)),
            format!("session={}; HttpOnly; Path=/", value(r#"{"outer":1}"#)),
        ]
    );
    assert_eq!(app::lines(response.headers(), http::header::VARY), ["Cookie"]);
    assert_eq!(text(response).await, "[true, true, false]");
    let response = app::get(&app, "/visit", &["admin=x", &cookie("{}")]).await;
    assert_eq!(set_cookies(&response).len(), 1, "the other layer was not asked");
}

#[tokio::test]
async fn layer_inside_one_of_the_same_cookie_shares_its_session() {
    async fn count(session: Session) -> hipflask::Result<String> {
        let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
        session.insert("count", count)?;
        Ok(count.to_string())
    }

    async fn guard(session: Session, request: Request, next: Next) -> Response {
        let known = session.contains("user_id");
        if known { next.run(request).await } else { "who are you?".into_response() }
    }

    for config in [app::config(), app::config().with_refresh_untouched(true)] {
        let layer = app::layer(&config);
        let api = Router::new()
            .route("/count", get(count))
            .route("/logout", get(|session: Session| async move { session.clear() }))
            .layer(layer.clone());
        let app = Router::new().nest("/api", api).layer(from_fn(guard)).layer(layer);
        let jar = cookie(r#"{"_permanent":true,"count":1,"user_id":7}"#);
        let response = app::get(&app, "/api/count", &[&jar]).await;
        let counted = cookie(r#"{"_permanent":true,"count":2,"user_id":7}"#);
        assert_eq!(app::sent_back(&response), counted);
        let response = app::get(&app, "/api/logout", &[&jar]).await;
        assert_eq!(app::sent_back(&response), "session=");
    }
}

#[tokio::test]
async fn session_that_cannot_be_sent_leaves_the_other_cookie_alone() {
    async fn both(session: Session, sessions: Sessions) -> hipflask::Result<()> {
        session.insert("logged_in", true)?;
        let outer = sessions.get("session").await?;
        outer.map_or(Ok(()), |outer| outer.insert("noise", app::noise(9000)))
    }

    let admin = app::config().with_cookie_name("admin");
    let app = Router::new()
        .route("/", get(both))
        .layer(app::layer(&admin))
        .layer(app::layer(&app::config()));
    let response = app::get(&app, "/", &[]).await;
    assert_eq!(response.status(), 500);
    assert_eq!(set_cookies(&response).len(), 1);
    assert!(app::sent_back(&response).starts_with("admin=ey") && varies(&response));
}

#[tokio::test]
async fn optional_session_is_absent_without_a_layer() {
    async fn here(session: Option<Session>) -> String {
        session.is_some().to_string()
    }

    let app = Router::new()
        .route("/with", get(here))
        .layer(app::layer(&app::config()))
        .route("/without", get(here));
    assert_eq!(text(app::get(&app, "/with", &[]).await).await, "true");
    assert_eq!(text(app::get(&app, "/without", &[]).await).await, "false");
}
