//! Server-side sessions: pages that read and write one key, slowly if asked to.

use std::time::Duration;

use actix_web::{
    Result,
    error::ErrorInternalServerError,
    web::{Query, ServiceConfig, resource},
};
use hipflask::{
    core::serializer::{Limits, from_json, to_json},
    value::Value,
};
use hipflask_actix_example::{Error, Session};
use serde::Deserialize;

/// How long to wait between reading the session and writing it, in milliseconds.
#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

#[derive(Deserialize)]
struct Key {
    k: String,
}

#[derive(Deserialize)]
struct Entry {
    k: String,
    v: String,
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

#[derive(Deserialize)]
struct Message {
    m: String,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/set").get(set))
        .service(resource("/get").get(show))
        .service(resource("/all").get(all))
        .service(resource("/append").get(append))
        .service(resource("/read").get(read))
        .service(resource("/login").get(login))
        .service(resource("/logout").get(logout))
        .service(resource("/none").get(none))
        .service(resource("/flash").get(flash))
        .service(resource("/flashes").get(flashes));
}

async fn set(
    session: Session,
    Query(Entry { k, v }): Query<Entry>,
    wait: Query<Wait>,
) -> Result<&'static str, Error> {
    wait.pass().await;
    session.set(k, parsed(v))?;
    Ok("ok")
}

async fn show(session: Session, key: Query<Key>) -> Result<String> {
    shown(session.value(&key.k).as_ref())
}

async fn all(session: Session) -> Result<String> {
    json(&Value::Dict(session.iter().collect()))
}

async fn append(
    session: Session,
    Query(Entry { k, v }): Query<Entry>,
    wait: Query<Wait>,
) -> Result<&'static str, Error> {
    let mut values = match session.value(&k) {
        Some(Value::List(values)) => values,
        _ => Vec::new(),
    };
    wait.pass().await;
    values.push(parsed(v));
    session.set(k, Value::List(values))?;
    Ok("ok")
}

async fn read(session: Session, wait: Query<Wait>) -> Result<String> {
    let user = session.value("user");
    wait.pass().await;
    shown(user.as_ref())
}

async fn login(session: Session, login: Query<Login>) -> Result<&'static str, Error> {
    session.renew()?;
    session.insert("user", &login.user)?;
    Ok("ok")
}

async fn logout(session: Session) -> Result<&'static str, Error> {
    session.clear()?;
    Ok("ok")
}

/// Does not ask for the session, and so does not ask the store.
async fn none() -> &'static str {
    "ok"
}

async fn flash(
    session: Session,
    Query(Message { m }): Query<Message>,
) -> Result<&'static str, Error> {
    session.flash("message", m)?;
    Ok("ok")
}

async fn flashes(session: Session) -> Result<String> {
    let messages = session.take_flashes().map_err(Error::from)?;
    json(&Value::List(messages.into_iter().map(|flash| flash.message).collect()))
}

impl Wait {
    async fn pass(&self) {
        tokio::time::sleep(Duration::from_millis(self.wait)).await;
    }
}

/// What is Flask's tagged JSON stands for its value, anything else for itself.
fn parsed(text: String) -> Value {
    from_json(&text, Limits::default()).unwrap_or_else(|_| text.into())
}

/// Text as it is, any other value as tagged JSON.
fn shown(value: Option<&Value>) -> Result<String> {
    match value.map(|value| (value, value.as_str())) {
        None => Ok("-".to_owned()),
        Some((_, Some(text))) => Ok(text.to_owned()),
        Some((value, None)) => json(value),
    }
}

fn json(value: &Value) -> Result<String> {
    to_json(value).map_err(ErrorInternalServerError)
}
