//! A counter in the session.

use actix_web::{
    HttpResponse,
    web::{ServiceConfig, resource},
};
use hipflask_actix_example::{Error, Session};

use super::html;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/start_counter").get(start_counter))
        .service(resource("/count").get(count))
        .service(resource("/get_count").get(get_count))
        .service(resource("/clear_count").get(clear_count));
}

async fn start_counter(session: Session) -> Result<HttpResponse, Error> {
    session.insert("count", 0)?;
    Ok(html("New counter started!"))
}

async fn count(session: Session) -> Result<HttpResponse, Error> {
    let Some(count) = number(&session) else { return Ok(no_counter()) };
    let count = count.saturating_add(1);
    session.insert("count", count)?;
    Ok(html(count.to_string()))
}

async fn get_count(session: Session) -> HttpResponse {
    number(&session).map_or_else(no_counter, |count| html(count.to_string()))
}

async fn clear_count(session: Session) -> Result<HttpResponse, Error> {
    session.remove("count")?;
    Ok(html("Counter cleared!"))
}

/// What is no integer counts as absent: another app that shares the key may have set it.
fn number(session: &Session) -> Option<i64> {
    session.value("count")?.as_i64()
}

fn no_counter() -> HttpResponse {
    html("No counter set!")
}
