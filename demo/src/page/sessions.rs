//! A user's own sign-ins: what they are, and how to end one of them elsewhere.

use axum::{
    extract::{Path, State},
    http::HeaderMap,
};
use hipflask::templates::{Page, Serde, context};
use serde::Serialize;

use crate::{
    error::Result,
    guard::{self, Member, Visitor},
    page::login,
    redirect::{Redirect, redirect},
    sign_ins::SignIn,
    site::Site,
    time::{ago, now},
};

/// A sign-in as the page shows it.
#[derive(Serialize)]
struct Row {
    is_this: bool,
    agent: String,
    created: String,
    last_seen: String,
    id: String,
}

pub(crate) async fn show(
    member: Member,
    headers: HeaderMap,
    State(site): State<Site>,
) -> Result<Page> {
    let Member { session, user, sign_in } = &member;
    let this = match sign_in {
        Some(id) => id.clone(),
        // Another app has begun the session; from here on it can be ended, too.
        None => guard::list_sign_in(&site, session, user.id, &headers).await?,
    };
    let now = now();
    let row = |SignIn { id, agent, created, last_seen }: SignIn| Row {
        is_this: id == this,
        agent,
        created: ago(now - created),
        last_seen: ago(now - last_seen),
        id,
    };
    let rows: Vec<_> = site.sign_ins().of_user(user.id, now).await?.into_iter().map(row).collect();
    Visitor::from(member).page(&site, "sessions.html", context! { sign_ins => Serde(rows) })
}

pub(crate) async fn end(
    member: Member,
    Path(id): Path<String>,
    State(site): State<Site>,
) -> Result<Redirect> {
    if member.sign_in.as_deref() == Some(&*id) {
        return login::log_out(member.into(), State(site)).await;
    }
    let (category, message) = match site.sign_ins().end(&id, member.user.id).await? {
        true => ("success", "The session was ended"),
        false => ("info", "You have no such session any more"),
    };
    member.session.flash(category, message)?;
    Ok(redirect("/sessions"))
}

pub(crate) async fn end_others(member: Member, State(site): State<Site>) -> Result<Redirect> {
    let this = member.sign_in.as_deref().unwrap_or_default();
    site.sign_ins().end_others(this, member.user.id).await?;
    member.session.flash("success", "All other sessions were ended")?;
    Ok(redirect("/sessions"))
}
