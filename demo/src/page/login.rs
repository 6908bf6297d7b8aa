//! Log-in and log-out.

use axum::{Form, extract::State, http::HeaderMap, response::IntoResponse};
use hipflask::templates::{Page, context};

use crate::{
    error::Result,
    form::LogIn,
    guard::{self, Guest, Visitor},
    redirect::{Redirect, redirect},
    site::Site,
};

pub(crate) async fn form(guest: Guest, State(site): State<Site>) -> Result<Page> {
    Visitor::from(guest).page(&site, "login.html", context! {})
}

pub(crate) async fn log_in(
    Guest { session }: Guest,
    State(site): State<Site>,
    headers: HeaderMap,
    Form(mut form): Form<LogIn>,
) -> Result<impl IntoResponse> {
    let is_possible = form.is_possible();
    let (id, hash) = match site.users().credentials(&form.username).await? {
        Some(found) if is_possible => (Some(found.id), Some(found.password_hash)),
        _ => (None, None),
    };
    // An unknown name costs a hash, too, so that the time does not tell who exists.
    let is_right = site.passwords().verify_async(hash, form.password).await?;
    let Some(id) = id.filter(|_| is_right) else {
        session.flash("error", "Wrong username or password")?;
        return Ok(redirect("/login"));
    };
    guard::log_in(&site, &session, id, &headers).await?;
    session.flash("success", "You are logged in")?;
    Ok(redirect("/welcome"))
}

pub(crate) async fn log_out(visitor: Visitor, State(site): State<Site>) -> Result<Redirect> {
    if let (Some(user), Some(sign_in)) = (visitor.user, visitor.sign_in) {
        site.sign_ins().end(&sign_in, user.id).await?;
    }
    visitor.session.destroy()?;
    visitor.session.flash("info", "You have been logged out")?;
    Ok(redirect("/login"))
}
