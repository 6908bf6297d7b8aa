//! Who can sign in. An app would keep hashes, in a data base: the demo does.

use serde::Serialize;

/// Each with the password.
static USERS: [(User, &str); 2] = [
    (
        User {
            username: "julian",
            email: "julian@example.com",
            bio: "Some guy who likes small servers.",
        },
        "example",
    ),
    (
        User {
            username: "clarissa",
            email: "clarissa@example.com",
            bio: "Sweet potatoes, mostly.",
        },
        "sweetpotato22",
    ),
];

/// Somebody who can sign in.
///
/// ```
/// use hipflask_examples::User;
///
/// let user = User::find("julian").map(|user| user.username);
/// assert_eq!(user, Some("julian"));
/// assert!(User::with_password("julian", "wrong").is_none());
/// ```
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct User {
    /// The name to sign in with.
    pub username: &'static str,
    email: &'static str,
    bio: &'static str,
}

impl User {
    /// Returns who has this name.
    pub fn find(username: &str) -> Option<&'static Self> {
        USERS.iter().map(|(user, _)| user).find(|user| user.username == username)
    }

    /// Returns who has this name, if the password is right.
    pub fn with_password(username: &str, password: &str) -> Option<&'static Self> {
        let mut users = USERS.iter();
        users
            .find(|(user, word)| user.username == username && *word == password)
            .map(|(user, _)| user)
    }
}
