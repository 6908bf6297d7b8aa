//! What the product's guards leave to a site: what every page needs, and who is logged in already.
//!
//! A handler that asks for `CurrentUser` or `Owned` is for users, or for the owner, alone.

use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Path, rejection::PathRejection},
    http::request::Parts,
};
use hipflask::{
    Session,
    auth::CurrentUser,
    templates::{Page, Serde, context, minijinja},
};

use crate::{
    error::{Error, Result},
    site::Site,
    users::User,
};

/// What every page needs: the session, the user if one is logged in, the templates.
pub(crate) struct View {
    pub(crate) session: Session,
    pub(crate) user: Option<User>,
    site: Site,
}

/// A visitor who is not logged in.
pub(crate) struct Guest(pub(crate) View);

/// The id in the path: as many digits as always fit an `i64`.
pub(crate) struct UserId(pub(crate) i64);

impl View {
    /// Renders a page. Templates get the user as `g.user` and their own name as `g.page`.
    pub(crate) fn page(&self, name: &str, context: minijinja::Value) -> Result<Page> {
        let g = context! { user => Serde(&self.user), page => name };
        Ok(self.site.templates().page_with_g(&self.session, g, name, context)?)
    }
}

impl FromRequestParts<Site> for View {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let user: Option<CurrentUser<User>> = parts.extract_with_state(site).await?;
        let session: Session = parts.extract_with_state(site).await?;
        Ok(Self { session, user: user.map(|CurrentUser(user)| user), site: site.clone() })
    }
}

impl FromRequestParts<Site> for Guest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let view: View = parts.extract_with_state(site).await?;
        if view.user.is_none() {
            return Ok(Self(view));
        }
        view.session.flash("info", "You are logged in already")?;
        Err(Error::TurnedAway("/welcome"))
    }
}

impl FromRequestParts<Site> for UserId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let path = parts.extract_with_state(site).await;
        let Path(id): Path<String> = path.map_err(|_: PathRejection| Error::NotFound)?;
        let is_id = (1..=18).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        match id.parse() {
            Ok(id) if is_id => Ok(Self(id)),
            _ => Err(Error::NotFound),
        }
    }
}
