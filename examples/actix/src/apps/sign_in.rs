//! A sign-in form, and a nav that knows who is signed in.

use actix_web::{
    HttpResponse,
    web::{Data, Form, ServiceConfig, resource},
};
use hipflask::templates::{Routes, Serde, TemplateError, Templates, context};
use hipflask_actix_example::{Error, Session};
use hipflask_examples::User;
use serde::Deserialize;

use super::{html, redirect};

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
        .with_source("base.html", include_str!("../../../templates/sign_in/base.html"))?
        .with_source("sign_in.html", include_str!("../../../templates/sign_in/sign_in.html"))?
        .with_source("profile.html", include_str!("../../../templates/sign_in/profile.html"))?;
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
    let Some(user) = User::with_password(&form.username, &form.password) else {
        return Ok(redirect("/sign-in"));
    };
    session.insert("USERNAME", user.username)?;
    Ok(redirect("/profile"))
}

async fn profile(session: Session, templates: Data<Templates>) -> Result<HttpResponse, Error> {
    let username = session.value("USERNAME");
    let user = username.as_ref().and_then(|username| User::find(username.as_str()?));
    let Some(user) = user else { return Ok(redirect("/sign-in")) };
    Ok(html(templates.render(&session, "profile.html", context! { user => Serde(user) })?))
}

async fn sign_out(session: Session) -> Result<HttpResponse, Error> {
    session.remove("USERNAME")?;
    Ok(redirect("/sign-in"))
}
