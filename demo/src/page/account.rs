//! The home page, sign-up, and the page that only members see.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hipflask::{
    auth::CurrentUser,
    templates::{Page, Serde, context},
};

use crate::{
    error::Result,
    form::SignUp,
    guard::{Guest, View},
    redirect::redirect,
    site::Site,
    users::User,
};

pub(crate) async fn home(view: View) -> Result<Page> {
    view.page("home.html", context! {})
}

pub(crate) async fn welcome(_: CurrentUser<User>, view: View) -> Result<Page> {
    view.page("welcome.html", context! {})
}

pub(crate) async fn sign_up_form(Guest(view): Guest) -> Result<Page> {
    view.page("signup.html", context! { form => context! {}, errors => context! {} })
}

pub(crate) async fn sign_up(
    Guest(view): Guest,
    State(site): State<Site>,
    Form(mut form): Form<SignUp>,
) -> Result<Response> {
    let errors = form.check();
    if !errors.is_empty() {
        // The password is never sent back.
        let form = context! { username => form.username, email => form.email };
        let page = view.page("signup.html", context! { form, errors => Serde(errors) })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let hash = site.passwords().hash_async(form.password).await?;
    if !site.users().add(&form.username, &form.email, &hash).await? {
        view.session.flash("error", "Username already taken")?;
        return Ok(redirect("/signup").into_response());
    }
    view.session.flash("success", "Account created, now log in")?;
    Ok(redirect("/login").into_response())
}
