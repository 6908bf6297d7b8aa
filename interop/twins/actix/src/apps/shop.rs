//! A total and a store credit, once in plain cookies and once in the session.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Form, ServiceConfig, resource},
};
use hipflask::templates::{Routes, Serde, TemplateError, Templates, context};
use hipflask_actix_example::{Error, Session};
use serde::{Deserialize, Serialize};

use super::{html, plain_cookie, redirect, with_cookies};

#[derive(Serialize)]
struct Item {
    slug: &'static str,
    name: &'static str,
    price: u32,
}

const ITEMS: [Item; 3] = [
    Item { slug: "tea", name: "Tea", price: 4 },
    Item { slug: "cup", name: "Cup", price: 9 },
    Item { slug: "teapot", name: "Teapot", price: 25 },
];
const CREDIT: u32 = 10;
const LARGEST: u32 = 999_999_999;

#[derive(Serialize)]
struct Summary {
    total: u32,
    credit: u32,
    to_pay: u32,
}

impl Summary {
    fn new(read: impl Fn(&str) -> u32) -> Self {
        let (total, credit) = (read("total"), read("credit"));
        Self { total, credit, to_pay: total.saturating_sub(credit) }
    }
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    item: String,
}

pub(crate) fn routes() -> Result<impl Fn(&mut ServiceConfig), TemplateError> {
    let routes =
        Routes::new().with("add", "/add").with("credit", "/credit").with("clear", "/clear");
    let templates = Templates::new(routes).with_source(
        "index.html",
        include_str!("../../../../../examples/templates/shop/index.html"),
    )?;
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
    amount: u32,
) -> Result<HttpResponse, Error> {
    let plain = LARGEST.min(from_cookie(request, name) + amount).to_string();
    session.insert(name, LARGEST.min(from_session(session, name) + amount))?;
    Ok(with_cookies(redirect("/"), &[(name, Some(&plain))]))
}

/// Up to nine digits; anything else, which only an edited cookie can hold, counts as nothing.
fn from_cookie(request: &HttpRequest, name: &str) -> u32 {
    plain_cookie(request, name)
        .filter(|text| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn from_session(session: &Session, name: &str) -> u32 {
    session.get(name).ok().flatten().filter(|number| *number <= LARGEST).unwrap_or(0)
}
