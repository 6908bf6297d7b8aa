//! A sign-in form, and a nav that knows who is signed in.

use actix_web::{
    HttpResponse,
    web::{Data, Form, ServiceConfig, resource},
};
use hipflask::templates::{Routes, Serde, TemplateError, Templates, context};
use hipflask_actix_example::{Error, Session};
use serde::{Deserialize, Serialize};

use super::{html, redirect};

#[derive(Serialize)]
struct User {
    username: &'static str,
    #[serde(skip)]
    password: &'static str,
    email: &'static str,
    bio: &'static str,
}

const USERS: [User; 2] = [
    User {
        username: "julian",
        password: "example",
        email: "julian@example.com",
        bio: "Some guy who likes small servers.",
    },
    User {
        username: "clarissa",
        password: "sweetpotato22",
        email: "clarissa@example.com",
        bio: "Sweet potatoes, mostly.",
    },
];

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

pub(crate) fn routes() -> Result<impl Fn(&mut ServiceConfig), TemplateError> {
    let routes = Routes::new()
        .with("sign_in", "/sign-in")
        .with("profile", "/profile")
        .with("sign_out", "/sign-out");
    let templates = Templates::new(routes)
        .with_source(
            "base.html",
            include_str!("../../../../../examples/templates/sign_in/base.html"),
        )?
        .with_source(
            "sign_in.html",
            include_str!("../../../../../examples/templates/sign_in/sign_in.html"),
        )?
        .with_source(
            "profile.html",
            include_str!("../../../../../examples/templates/sign_in/profile.html"),
        )?;
    Ok(move |config: &mut ServiceConfig| {
        let form = resource("/sign-in").get(sign_in).post(check_sign_in);
        config
            .app_data(Data::new(templates.clone()))
            .service(form)
            .service(resource("/profile").get(profile))
            .service(resource("/sign-out").get(sign_out));
    })
}

async fn sign_in(session: Session, templates: Data<Templates>) -> Result<HttpResponse, Error> {
    Ok(html(templates.render(&session, "sign_in.html", ())?))
}

async fn check_sign_in(session: Session, form: Form<SignIn>) -> Result<HttpResponse, Error> {
    let is_right = |user: &&User| user.username == form.username && user.password == form.password;
    let Some(user) = USERS.iter().find(is_right) else { return Ok(redirect("/sign-in")) };
    session.insert("USERNAME", user.username)?;
    Ok(redirect("/profile"))
}

async fn profile(session: Session, templates: Data<Templates>) -> Result<HttpResponse, Error> {
    let username: Option<String> = session.get("USERNAME").ok().flatten();
    let user = USERS.iter().find(|user| username.as_deref() == Some(user.username));
    let Some(user) = user else { return Ok(redirect("/sign-in")) };
    Ok(html(templates.render(&session, "profile.html", context! { user => Serde(user) })?))
}

async fn sign_out(session: Session) -> Result<HttpResponse, Error> {
    session.remove("USERNAME")?;
    Ok(redirect("/sign-in"))
}
