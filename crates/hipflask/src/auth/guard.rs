//! The extractors: a handler that asks for a user has one.

use std::{marker::PhantomData, ops::Deref};

use axum::extract::RawPathParams;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{StatusCode, request::Parts};

use super::{
    identity::Identity,
    rejection::LoginRejection,
    user::{Permissions, User},
};

/// The user who is logged in; `Option<CurrentUser<U>>` where strangers are welcome, too.
///
/// ```
/// # #[derive(Clone)]
/// # struct Account { name: String }
/// # impl hipflask::auth::User for Account { fn id(&self) -> String { self.name.clone() } }
/// use hipflask::auth::CurrentUser;
///
/// async fn account(user: CurrentUser<Account>) -> String {
///     format!("You are {}.", user.name)
/// }
///
/// async fn home(user: Option<CurrentUser<Account>>) -> String {
///     user.map_or("Welcome!".into(), |user| format!("Welcome, {}!", user.name))
/// }
/// # let _ = (account, home);
/// ```
#[derive(Clone, Copy, Debug)]
#[doc(alias = "login_required")]
#[expect(clippy::exhaustive_structs, reason = "handlers take the user out by a pattern")]
pub struct CurrentUser<U>(pub U);

impl<U> CurrentUser<U> {
    /// Lets pass only who has a permission: to be used with `?`.
    ///
    /// ```
    /// use hipflask::auth::{CurrentUser, LoginRejection, Permissions, User};
    ///
    /// enum Action { Delete, Read }
    /// # #[derive(Clone)]
    /// # struct Account { is_admin: bool }
    /// # impl User for Account { fn id(&self) -> String { "1".into() } }
    /// impl Permissions<Action> for Account {
    ///     fn has(&self, action: &Action) -> bool {
    ///         self.is_admin || matches!(action, Action::Read)
    ///     }
    /// }
    ///
    /// async fn delete(user: CurrentUser<Account>) -> Result<&'static str, LoginRejection> {
    ///     user.require(&Action::Delete)?;
    ///     Ok("deleted")
    /// }
    /// # let _ = delete;
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoginRejection::Forbidden`] when the user has not the permission.
    pub fn require<P: ?Sized>(&self, permission: &P) -> Result<(), LoginRejection>
    where
        U: Permissions<P>,
    {
        if self.0.has(permission) { Ok(()) } else { Err(LoginRejection::Forbidden) }
    }
}

impl<S: Sync, U: User> FromRequestParts<S> for CurrentUser<U> {
    type Rejection = LoginRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, LoginRejection> {
        let identity = Identity::of(parts)?;
        match identity.user(parts).await? {
            Some(user) => Ok(Self(user)),
            None => Err(identity.stranger(parts).await),
        }
    }
}

impl<S: Sync, U: User> OptionalFromRequestParts<S> for CurrentUser<U> {
    type Rejection = LoginRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, LoginRejection> {
        Ok(Identity::of(parts)?.user(parts).await?.map(Self))
    }
}

async fn required<S: Sync, U: User>(
    parts: &mut Parts,
    state: &S,
) -> Result<CurrentUser<U>, LoginRejection> {
    <CurrentUser<U> as FromRequestParts<S>>::from_request_parts(parts, state).await
}

/// The user who is logged in, and whose id is the path's `{id}`: for the pages of *one* user's things.
///
/// Who asks for somebody else's is answered with 403, or with 404 where the manager is
/// [`hiding_others`](super::LoginManager::hiding_others).
///
/// ```
/// # #[derive(Clone)]
/// # struct Account { id: u64 }
/// # impl hipflask::auth::User for Account { fn id(&self) -> String { self.id.to_string() } }
/// use axum::{Router, routing::get};
/// use hipflask::auth::Owned;
///
/// async fn orders(Owned(user): Owned<Account>) -> String {
///     format!("The orders of user {}", user.id)
/// }
///
/// let app: Router = Router::new().route("/users/{id}/orders", get(orders));
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers take the user out by a pattern")]
pub struct Owned<U>(pub U);

impl<S: Send + Sync, U: User> FromRequestParts<S> for Owned<U> {
    type Rejection = LoginRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, LoginRejection> {
        let CurrentUser::<U>(user) = required(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| LoginRejection::NoPathId)?;
        let id = params.iter().find_map(|(name, value)| (name == "id").then_some(value));
        if id.ok_or(LoginRejection::NoPathId)? == user.id() {
            return Ok(Self(user));
        }
        match Identity::<U>::of(parts)?.settings.of_others {
            StatusCode::NOT_FOUND => Err(LoginRejection::NotFound),
            _ => Err(LoginRejection::Forbidden),
        }
    }
}

/// The user who is logged in, and has a permission; who has not is answered with 403.
///
/// ```
/// # #[derive(Clone)]
/// # struct Account { is_editor: bool }
/// # impl hipflask::auth::User for Account { fn id(&self) -> String { "1".into() } }
/// use hipflask::auth::{Permissions, Permitted};
///
/// #[derive(Default)]
/// struct Edit;
///
/// impl Permissions<Edit> for Account {
///     fn has(&self, _: &Edit) -> bool { self.is_editor }
/// }
///
/// async fn edit(editor: Permitted<Account, Edit>) -> &'static str { "the editor" }
/// # let _ = edit;
/// ```
#[derive(Clone, Copy, Debug)]
#[doc(alias = "roles_required")]
pub struct Permitted<U, P> {
    user: U,
    permission: PhantomData<fn() -> P>,
}

impl<U, P> Permitted<U, P> {
    /// Returns the user.
    pub fn into_user(self) -> U {
        self.user
    }
}

impl<S: Sync, U: User + Permissions<P>, P: Default> FromRequestParts<S> for Permitted<U, P> {
    type Rejection = LoginRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, LoginRejection> {
        let user: CurrentUser<U> = required(parts, state).await?;
        user.require(&P::default())?;
        Ok(Self { user: user.0, permission: PhantomData })
    }
}

macro_rules! derefs {
    ($($guard:ident<$($param:ident),*>.$field:tt),*) => {$(
        impl<$($param),*> Deref for $guard<$($param),*> {
            type Target = U;

            fn deref(&self) -> &U {
                &self.$field
            }
        }
    )*};
}

derefs!(CurrentUser<U>.0, Owned<U>.0, Permitted<U, P>.user);
