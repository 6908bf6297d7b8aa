//! A permanent session that lasts an hour, in a cookie that scripts cannot read.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    web::{ServiceConfig, resource},
};
use hipflask::{SessionConfig, value::Value};
use hipflask_actix_example::{Error, Session};

use super::{html, redirect};

pub(crate) fn configure(config: SessionConfig) -> SessionConfig {
    config
        .with_lifetime(Duration::from_secs(60 * 60))
        .with_secure(true)
        .with_refresh_untouched(true)
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/login").get(login))
        .service(resource("/").get(index))
        .service(resource("/logout").get(logout));
}

async fn login(session: Session) -> Result<HttpResponse, Error> {
    session.set_permanent(true)?;
    session.insert("user_id", 12345)?;
    Ok(redirect("/"))
}

async fn index(session: Session) -> HttpResponse {
    html(match session.value("user_id") {
        Some(Value::Int(user_id)) => format!("Logged in as user {user_id}"),
        _ => "Not logged in".into(),
    })
}

async fn logout(session: Session) -> Result<HttpResponse, Error> {
    session.remove("user_id")?;
    Ok(redirect("/"))
}
