//! The home page, sign-up, and the page that only members see.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hipflask::templates::{Page, Serde, context};

use crate::{
    error::Result,
    form::SignUp,
    guard::{Guest, Member, Visitor},
    redirect::redirect,
    site::Site,
};

pub(crate) async fn home(visitor: Visitor, State(site): State<Site>) -> Result<Page> {
    visitor.page(&site, "home.html", context! {})
}

pub(crate) async fn welcome(member: Member, State(site): State<Site>) -> Result<Page> {
    Visitor::from(member).page(&site, "welcome.html", context! {})
}

pub(crate) async fn sign_up_form(guest: Guest, State(site): State<Site>) -> Result<Page> {
    Visitor::from(guest).page(
        &site,
        "signup.html",
        context! { form => context! {}, errors => context! {} },
    )
}

pub(crate) async fn sign_up(
    guest: Guest,
    State(site): State<Site>,
    Form(mut form): Form<SignUp>,
) -> Result<Response> {
    let errors = form.check();
    if !errors.is_empty() {
        // The password is never sent back.
        let form = context! { username => form.username, email => form.email };
        let page = Visitor::from(guest).page(
            &site,
            "signup.html",
            context! { form, errors => Serde(errors) },
        )?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let hash = site.passwords().hash_async(form.password).await?;
    if !site.users().add(&form.username, &form.email, &hash).await? {
        guest.session.flash("error", "Username already taken")?;
        return Ok(redirect("/signup").into_response());
    }
    guest.session.flash("success", "Account created, now log in")?;
    Ok(redirect("/login").into_response())
}
