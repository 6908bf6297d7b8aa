//! A user's own sessions: where they are, and how to end them elsewhere.

use axum::extract::{Path, State};
use hipflask::{
    UserSession,
    auth::CurrentUser,
    templates::{Page, Serde, context},
};
use serde::Serialize;

use crate::{
    error::Result,
    guard::View,
    page::login,
    redirect::{Redirect, redirect},
    site::Site,
    time::ago,
    users::User,
};

/// A session as the page shows it.
#[derive(Serialize)]
struct Row {
    is_this: bool,
    device: String,
    created: Option<String>,
    last_seen: Option<String>,
    handle: String,
}

pub(crate) async fn show(
    CurrentUser(user): CurrentUser<User>,
    view: View,
    State(site): State<Site>,
) -> Result<Page> {
    // Nobody knows how many signed cookies there are.
    let rows = if site.keeps_cookies() { None } else { Some(rows(&site, &user, &view).await?) };
    view.page("sessions.html", context! { sessions => Serde(rows) })
}

async fn rows(site: &Site, user: &User, view: &View) -> Result<Vec<Row>> {
    let (this, now) = (view.session.handle(), site.interface().now());
    let ago = |then| ago(then, now);
    let mut sessions = site.interface().sessions_of(&user.id.to_string()).await?;
    sessions.sort_by_key(|it| std::cmp::Reverse((it.last_seen(), it.authenticated_at())));
    let row = |it: &UserSession| Row {
        is_this: this.as_ref() == Some(&it.handle()),
        device: it.device().unwrap_or("Unknown browser").to_owned(),
        created: it.authenticated_at().map(ago),
        last_seen: it.last_seen().map(ago),
        handle: it.handle(),
    };
    Ok(sessions.iter().map(row).collect())
}

pub(crate) async fn end(
    CurrentUser(user): CurrentUser<User>,
    view: View,
    Path(handle): Path<String>,
    State(site): State<Site>,
) -> Result<Redirect> {
    if view.session.handle().as_ref() == Some(&handle) {
        return login::log_out(view.session).await;
    }
    // Else the browser would log in by itself, should it be one that remembers the user.
    site.forget_devices(user.id).await?;
    let ended = site.interface().revoke_session_of(&user.id.to_string(), &handle).await?;
    let (category, message) = match ended {
        true => ("success", "The session was ended"),
        false => ("info", "You have no such session any more"),
    };
    view.session.flash(category, message)?;
    Ok(redirect("/sessions"))
}

pub(crate) async fn end_others(
    CurrentUser(user): CurrentUser<User>,
    view: View,
    State(site): State<Site>,
) -> Result<Redirect> {
    site.forget_devices(user.id).await?;
    view.session.revoke_others().await?;
    view.session.flash("success", "All other sessions were ended")?;
    Ok(redirect("/sessions"))
}

pub(crate) async fn end_all(
    CurrentUser(user): CurrentUser<User>,
    view: View,
    State(site): State<Site>,
) -> Result<Redirect> {
    site.log_out_everywhere(user.id).await?;
    view.session.log_out()?;
    view.session.flash("info", "You have been logged out everywhere")?;
    Ok(redirect("/login"))
}
