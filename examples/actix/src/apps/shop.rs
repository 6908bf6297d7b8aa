//! A total and a store credit, once in plain cookies and once in the session.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Form, ServiceConfig, resource},
};
use hipflask::templates::{Routes, Serde, TemplateError, Templates, context};
use hipflask_actix_example::{Error, Session};
use hipflask_examples::shop::{self, ITEMS, Summary, from_session};
use serde::Deserialize;

use super::{html, plain_cookie, redirect, with_cookies};

const CREDIT: i64 = 10;

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    item: String,
}

pub(crate) fn routes() -> Result<impl Fn(&mut ServiceConfig), TemplateError> {
    let routes =
        Routes::new().with("add", "/add").with("credit", "/credit").with("clear", "/clear");
    let templates = Templates::new(routes)
        .with_source("index.html", include_str!("../../../templates/shop/index.html"))?;
    Ok(move |config: &mut ServiceConfig| {
        config
            .app_data(Data::new(templates.clone()))
            .service(resource("/").get(index))
            .service(resource("/add").post(add))
            .service(resource("/credit").post(credit))
            .service(resource("/clear").post(clear));
    })
}

async fn index(
    session: Session,
    request: HttpRequest,
    templates: Data<Templates>,
) -> Result<HttpResponse, Error> {
    let context = context! {
        items => Serde(&ITEMS),
        plain => Serde(Summary::new(|name| from_cookie(&request, name))),
        signed => Serde(Summary::new(|name| from_session(&session, name))),
    };
    Ok(html(templates.render(&session, "index.html", context)?))
}

async fn add(
    session: Session,
    request: HttpRequest,
    choice: Form<Choice>,
) -> Result<HttpResponse, Error> {
    match ITEMS.iter().find(|item| item.slug == choice.item) {
        Some(item) => raise(&session, &request, "total", item.price),
        None => Ok(HttpResponse::BadRequest().finish()),
    }
}

async fn credit(session: Session, request: HttpRequest) -> Result<HttpResponse, Error> {
    raise(&session, &request, "credit", CREDIT)
}

async fn clear(session: Session) -> Result<HttpResponse, Error> {
    session.remove("total")?;
    session.remove("credit")?;
    Ok(with_cookies(redirect("/"), &[("total", None), ("credit", None)]))
}

/// Adds to both copies of a number and goes back to the page.
fn raise(
    session: &Session,
    request: &HttpRequest,
    name: &str,
    amount: i64,
) -> Result<HttpResponse, Error> {
    let plain = shop::add(from_cookie(request, name), amount).to_string();
    session.insert(name, shop::add(from_session(session, name), amount))?;
    Ok(with_cookies(redirect("/"), &[(name, Some(&plain))]))
}

fn from_cookie(request: &HttpRequest, name: &str) -> i64 {
    shop::from_cookie(plain_cookie(request, name))
}
