//! A user's profile: every member sees it, only the owner changes or deletes it.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hipflask::templates::{Page, Serde, context};

use crate::{
    error::{Error, Result},
    form::Edit,
    guard::{Member, Owner, UserId, Visitor},
    redirect::redirect,
    site::Site,
};

pub(crate) async fn show(
    UserId(id): UserId,
    member: Member,
    State(site): State<Site>,
) -> Result<Page> {
    let user = site.users().find(id).await?.ok_or(Error::NotFound)?;
    Visitor::from(member).page(&site, "profile.html", context! { user => Serde(user) })
}

pub(crate) async fn edit_form(owner: Owner, State(site): State<Site>) -> Result<Page> {
    let form = Serde(owner.user.clone());
    Visitor::from(owner).page(&site, "edit.html", context! { form, errors => context! {} })
}

pub(crate) async fn edit(
    owner: Owner,
    State(site): State<Site>,
    Form(mut form): Form<Edit>,
) -> Result<Response> {
    let errors = form.check();
    if !errors.is_empty() {
        let form = context! { email => form.email, bio => form.bio };
        let page = Visitor::from(owner).page(
            &site,
            "edit.html",
            context! { form, errors => Serde(errors) },
        )?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    site.users().change(owner.user.id, &form.email, &form.bio).await?;
    owner.session.flash("success", "Profile updated")?;
    Ok(redirect(format!("/users/{}", owner.user.id)).into_response())
}

pub(crate) async fn delete(owner: Owner, State(site): State<Site>) -> Result<impl IntoResponse> {
    site.users().delete(owner.user.id).await?;
    owner.session.destroy()?;
    owner.session.flash("info", "Account deleted")?;
    Ok(redirect("/signup"))
}
