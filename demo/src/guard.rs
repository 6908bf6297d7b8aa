//! Who the visitor is, and who may pass: extractors that load the user and turn others away with a
//! flash message. What a handler asks for is what it requires.

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, request::Parts},
};
use hipflask::{
    Session,
    templates::{
        Page,
        minijinja::{self, context, value::Serde},
    },
    value::Value,
};

use crate::{
    agent::agent,
    error::{Error, Result},
    site::Site,
    time::now,
    users::User,
};

const USER_ID: &str = "user_id";
const SIGN_IN: &str = "sign_in";

/// Anybody, and the user if one is logged in.
pub(crate) struct Visitor {
    pub(crate) session: Session,
    pub(crate) user: Option<User>,
    /// The id of the user's sign-in, unless another app has begun the session.
    pub(crate) sign_in: Option<String>,
}

/// As [`Visitor`], but the session stays as it is, whatever it holds.
pub(crate) struct Onlooker(pub(crate) Visitor);

/// A visitor who is not logged in.
pub(crate) struct Guest {
    pub(crate) session: Session,
}

/// A visitor who is logged in.
pub(crate) struct Member {
    pub(crate) session: Session,
    pub(crate) user: User,
    pub(crate) sign_in: Option<String>,
}

/// The user whose id is in the path.
pub(crate) struct Owner {
    pub(crate) session: Session,
    pub(crate) user: User,
}

/// The id in the path: as many digits as always fit an `i64`.
pub(crate) struct UserId(pub(crate) i64);

/// Forgets whatever the session held before and lets a user in.
pub(crate) async fn log_in(
    site: &Site,
    session: &Session,
    user_id: i64,
    headers: &HeaderMap,
) -> Result<()> {
    session.clear()?;
    // Whoever planted the session's id, or read it, does not get in with the user.
    session.renew()?;
    list_sign_in(site, session, user_id, headers).await?;
    Ok(session.insert(USER_ID, user_id)?)
}

/// Makes the session one of the user's listed sign-ins, and returns its id.
pub(crate) async fn list_sign_in(
    site: &Site,
    session: &Session,
    user_id: i64,
    headers: &HeaderMap,
) -> Result<String> {
    let id = site.sign_ins().add(user_id, &agent(headers), now()).await?;
    session.insert(SIGN_IN, &id)?;
    Ok(id)
}

impl Visitor {
    /// Renders a page. Templates get the user as `g.user` and their own name as `g.page`.
    pub(crate) fn page(&self, site: &Site, name: &str, context: minijinja::Value) -> Result<Page> {
        let g = context! { user => Serde(&self.user), page => name };
        Ok(site.templates().page_with_g(&self.session, g, name, context)?)
    }
}

impl FromRequestParts<Site> for Onlooker {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let session = Session::from_request_parts(parts, site).await?;
        let user = match session.value(USER_ID).and_then(|user_id| user_id.as_i64()) {
            Some(user_id) => site.users().find(user_id).await?,
            None => None,
        };
        let (user, sign_in) = match (user, session.value(SIGN_IN)) {
            (Some(user), Some(id)) => check_sign_in(site, user, &id).await?,
            (user, _) => (user, None),
        };
        Ok(Self(Visitor { session, user, sign_in }))
    }
}

/// A sign-in that was ended elsewhere is nobody's.
async fn check_sign_in(
    site: &Site,
    user: User,
    id: &Value,
) -> Result<(Option<User>, Option<String>)> {
    match id.as_str() {
        Some(id) if site.sign_ins().see(id, user.id, now()).await? => {
            Ok((Some(user), Some(id.to_owned())))
        }
        _ => Ok((None, None)),
    }
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let Onlooker(visitor) = Onlooker::from_request_parts(parts, site).await?;
        if visitor.user.is_none() {
            if visitor.session.contains(SIGN_IN) {
                visitor.session.destroy()?;
            }
            // The id of a deleted user, or something that another app with the same key has put there.
            visitor.session.remove(USER_ID)?;
        }
        Ok(visitor)
    }
}

impl FromRequestParts<Site> for Guest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let Visitor { session, user, .. } = Visitor::from_request_parts(parts, site).await?;
        match user {
            None => Ok(Self { session }),
            Some(_) => Err(turn_away(&session, "info", "You are logged in already", "/welcome")),
        }
    }
}

impl FromRequestParts<Site> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let Visitor { session, user, sign_in } = Visitor::from_request_parts(parts, site).await?;
        match user {
            Some(user) => Ok(Self { session, user, sign_in }),
            None => Err(turn_away(&session, "warning", "Please log in first", "/login")),
        }
    }
}

impl FromRequestParts<Site> for Owner {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let UserId(id) = UserId::from_request_parts(parts, site).await?;
        let Member { session, user, .. } = Member::from_request_parts(parts, site).await?;
        if user.id != id {
            return Err(turn_away(&session, "error", "Not Authorized", "/welcome"));
        }
        Ok(Self { session, user })
    }
}

impl FromRequestParts<Site> for UserId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self> {
        let path = Path::<String>::from_request_parts(parts, site).await;
        let Path(id) = path.map_err(|_| Error::NotFound)?;
        let is_id = (1..=18).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        match id.parse() {
            Ok(id) if is_id => Ok(Self(id)),
            _ => Err(Error::NotFound),
        }
    }
}

impl From<Guest> for Visitor {
    fn from(Guest { session }: Guest) -> Self {
        Self { session, user: None, sign_in: None }
    }
}

impl From<Member> for Visitor {
    fn from(Member { session, user, sign_in }: Member) -> Self {
        Self { session, user: Some(user), sign_in }
    }
}

impl From<Owner> for Visitor {
    fn from(Owner { session, user }: Owner) -> Self {
        Self { session, user: Some(user), sign_in: None }
    }
}

fn turn_away(session: &Session, category: &str, message: &str, path: &'static str) -> Error {
    match session.flash(category, message) {
        Ok(()) => Error::TurnedAway(path),
        Err(error) => error.into(),
    }
}
