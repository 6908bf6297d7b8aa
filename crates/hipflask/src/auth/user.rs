//! What the app implements: who its users are, where they are found, what they may do.

use std::{future::Future, pin::Pin};

use axum_core::BoxError;

/// A user of the app.
///
/// ```
/// use hipflask::auth::User;
///
/// #[derive(Clone)]
/// struct Account { id: u64 }
///
/// impl User for Account {
///     fn id(&self) -> String {
///         self.id.to_string()
///     }
/// }
/// ```
#[doc(alias = "UserMixin")]
pub trait User: Clone + Send + Sync + 'static {
    /// Returns the id that sessions keep, as text.
    #[doc(alias = "get_id")]
    fn id(&self) -> String;
}

/// A user of whom the app knows no more than the id.
impl User for String {
    fn id(&self) -> String {
        self.clone()
    }
}

/// Finds users by their id: the app's database. A function is one, too: `async |id: String| …`.
///
/// ```
/// use std::collections::HashMap;
/// use hipflask::auth::{BoxError, User, UserLoader};
///
/// # #[derive(Clone)]
/// # struct Account { id: u64 }
/// # impl User for Account { fn id(&self) -> String { self.id.to_string() } }
/// struct Accounts(HashMap<u64, Account>);
///
/// impl UserLoader for Accounts {
///     type User = Account;
///
///     async fn load(&self, id: &str) -> Result<Option<Account>, BoxError> {
///         let Ok(id) = id.parse() else { return Ok(None) }; // another program's id
///         Ok(self.0.get(&id).cloned())
///     }
/// }
/// ```
#[doc(alias = "user_loader")]
pub trait UserLoader: Send + Sync + 'static {
    /// A user.
    type User: User;

    /// Returns the user of this id; `None` if there is none, or none who may log in any more.
    fn load(&self, id: &str) -> impl Future<Output = Result<Option<Self::User>, BoxError>> + Send;
}

impl<F, L, U> UserLoader for F
where
    F: Fn(String) -> L + Send + Sync + 'static,
    L: Future<Output = Result<Option<U>, BoxError>> + Send,
    U: User,
{
    type User = U;

    async fn load(&self, id: &str) -> Result<Option<U>, BoxError> {
        self(id.to_owned()).await
    }
}

/// What a user may do, for [`Permitted`](super::Permitted) and
/// [`CurrentUser::require`](super::CurrentUser::require).
///
/// ```
/// use hipflask::auth::Permissions;
///
/// enum Role { Editor, Reader }
/// struct Account { role: Role }
/// #[derive(Default)]
/// struct Edit;
///
/// impl Permissions<Edit> for Account {
///     fn has(&self, _: &Edit) -> bool {
///         matches!(self.role, Role::Editor)
///     }
/// }
/// assert!(!Account { role: Role::Reader }.has(&Edit));
/// ```
pub trait Permissions<P: ?Sized> {
    /// Reports whether the user has this permission.
    fn has(&self, permission: &P) -> bool;
}

pub(super) type Loading<'a, U> =
    Pin<Box<dyn Future<Output = Result<Option<U>, BoxError>> + Send + 'a>>;

/// A [`UserLoader`] whose own type nobody needs to know.
pub(super) trait AnyLoader<U>: Send + Sync {
    fn load<'a>(&'a self, id: &'a str) -> Loading<'a, U>;
}

impl<L: UserLoader> AnyLoader<L::User> for L {
    fn load<'a>(&'a self, id: &'a str) -> Loading<'a, L::User> {
        Box::pin(UserLoader::load(self, id))
    }
}
