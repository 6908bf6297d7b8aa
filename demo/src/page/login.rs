//! Log-in and log-out.

use axum::{Form, extract::State, http::Uri};
use hipflask::{
    Session,
    auth::{LogIn as How, SafeNext},
    templates::{Page, context},
};

use crate::{
    error::Result,
    form::LogIn,
    guard::Guest,
    redirect::{Redirect, redirect},
    site::Site,
};

pub(crate) async fn form(Guest(view): Guest) -> Result<Page> {
    view.page("login.html", context! {})
}

/// The form is sent to its own address, so that the way back stays in it.
pub(crate) async fn log_in(
    Guest(view): Guest,
    next: SafeNext,
    uri: Uri,
    State(site): State<Site>,
    Form(mut form): Form<LogIn>,
) -> Result<Redirect> {
    let is_possible = form.is_possible();
    let (id, hash) = match site.users().credentials(&form.username).await? {
        Some(found) if is_possible => (Some(found.id), Some(found.password_hash)),
        _ => (None, None),
    };
    // An unknown name costs a hash, too, so that the time does not tell who exists.
    let is_right = site.passwords().verify_async(hash, form.password).await?;
    let Some(id) = id.filter(|_| is_right) else {
        view.session.flash("error", "Wrong username or password")?;
        return Ok(redirect(uri.path_and_query().map_or("/login", |here| here.as_str())));
    };
    let how = if form.remember.is_some() { How::new().remembered() } else { How::new() };
    view.session.log_in_with(id, &how)?;
    view.session.flash("success", "You are logged in")?;
    Ok(redirect(next.or("/welcome")))
}

pub(crate) async fn log_out(session: Session) -> Result<Redirect> {
    session.log_out()?;
    session.flash("info", "You have been logged out")?;
    Ok(redirect("/login"))
}
