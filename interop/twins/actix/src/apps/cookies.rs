//! A plain cookie beside the session.

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, resource},
};
use hipflask::templates::{Routes, TemplateError, Templates};
use hipflask_actix_example::{Error, Session};

use super::{html, with_cookies};

pub(crate) fn routes() -> Result<impl Fn(&mut ServiceConfig), TemplateError> {
    let templates = Templates::new(Routes::new().with("get_username", "/get"))
        .with_source(
            "index.html",
            include_str!("../../../../../examples/templates/cookies/index.html"),
        )?
        .with_source(
            "get.html",
            include_str!("../../../../../examples/templates/cookies/get.html"),
        )?;
    Ok(move |config: &mut ServiceConfig| {
        config
            .app_data(Data::new(templates.clone()))
            .service(resource("/").get(index))
            .service(resource("/get").get(get_username))
            .service(resource("/cookie").get(theme_cookie));
    })
}

async fn index(session: Session, templates: Data<Templates>) -> Result<HttpResponse, Error> {
    session.insert("username", "John")?;
    Ok(html(templates.render(&session, "index.html", ())?))
}

async fn get_username(session: Session, templates: Data<Templates>) -> Result<HttpResponse, Error> {
    Ok(html(templates.render(&session, "get.html", ())?))
}

/// Does not ask for the session, so that caches may keep the answer for all visitors.
async fn theme_cookie() -> HttpResponse {
    with_cookies(html("Theme cookie set!"), &[("theme", Some("dark"))])
}
