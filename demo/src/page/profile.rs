//! A user's profile: every member sees it, only the owner changes or deletes it.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hipflask::{
    auth::{CurrentUser, Owned},
    templates::{Page, Serde, context},
};

use crate::{
    error::{Error, Result},
    form::Edit,
    guard::{UserId, View},
    redirect::{Redirect, redirect},
    site::Site,
    users::User,
};

pub(crate) async fn show(
    UserId(id): UserId,
    _: CurrentUser<User>,
    view: View,
    State(site): State<Site>,
) -> Result<Page> {
    let user = site.users().find(id).await?.ok_or(Error::NotFound)?;
    view.page("profile.html", context! { user => Serde(user) })
}

pub(crate) async fn edit_form(Owned(user): Owned<User>, view: View) -> Result<Page> {
    view.page("edit.html", context! { form => Serde(user), errors => context! {} })
}

pub(crate) async fn edit(
    Owned(user): Owned<User>,
    view: View,
    State(site): State<Site>,
    Form(mut form): Form<Edit>,
) -> Result<Response> {
    let errors = form.check();
    if !errors.is_empty() {
        let form = context! { email => form.email, bio => form.bio };
        let page = view.page("edit.html", context! { form, errors => Serde(errors) })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    site.users().change(user.id, &form.email, &form.bio).await?;
    view.session.flash("success", "Profile updated")?;
    Ok(redirect(format!("/users/{}", user.id)).into_response())
}

pub(crate) async fn delete(
    Owned(user): Owned<User>,
    view: View,
    State(site): State<Site>,
) -> Result<Redirect> {
    site.users().delete(user.id).await?;
    site.log_out_everywhere(user.id).await?;
    view.session.log_out()?;
    view.session.flash("info", "Account deleted")?;
    Ok(redirect("/signup"))
}
