//! The users, in SQLite. Knows nothing of HTTP, or of how a password becomes a hash.

use hipflask::auth::{self, BoxError, UserLoader};
use serde::Serialize;
use sqlx::{Error, sqlite::SqlitePool};

/// A user as pages know them.
#[derive(Clone, Serialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) bio: String,
}

/// What a log-in is checked against.
pub(crate) struct Credentials {
    pub(crate) id: i64,
    pub(crate) password_hash: String,
}

/// All users.
#[derive(Clone)]
pub(crate) struct Users(SqlitePool);

impl auth::User for User {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

/// How a session's `_user_id` becomes its user.
impl UserLoader for Users {
    type User = User;

    async fn load(&self, id: &str) -> Result<Option<User>, BoxError> {
        // Another app with the same key may call its users otherwise.
        let Ok(id) = id.parse() else { return Ok(None) };
        Ok(self.find(id).await?)
    }
}

impl Users {
    pub(crate) const fn new(database: SqlitePool) -> Self {
        Self(database)
    }

    pub(crate) async fn find(&self, id: i64) -> Result<Option<User>, Error> {
        let row = sqlx::query_as("SELECT username, email, bio FROM users WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.0)
            .await?;
        Ok(row.map(|(username, email, bio)| User { id, username, email, bio }))
    }

    /// Finds what a user logs in with, whatever the case of the name's letters.
    pub(crate) async fn credentials(&self, username: &str) -> Result<Option<Credentials>, Error> {
        let row = sqlx::query_as("SELECT id, password_hash FROM users WHERE username = ?")
            .bind(username)
            .fetch_optional(&self.0)
            .await?;
        Ok(row.map(|(id, password_hash)| Credentials { id, password_hash }))
    }

    /// Adds a user; `false` when the name is taken.
    pub(crate) async fn add(
        &self,
        username: &str,
        email: &str,
        password_hash: &str,
    ) -> Result<bool, Error> {
        const ADD: &str = "INSERT INTO users (username, email, password_hash) VALUES (?, ?, ?)";
        let added =
            sqlx::query(ADD).bind(username).bind(email).bind(password_hash).execute(&self.0).await;
        match added {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn change(&self, id: i64, email: &str, bio: &str) -> Result<(), Error> {
        const CHANGE: &str = "UPDATE users SET email = ?, bio = ? WHERE id = ?";
        sqlx::query(CHANGE).bind(email).bind(bio).bind(id).execute(&self.0).await?;
        Ok(())
    }

    /// Deletes a user.
    pub(crate) async fn delete(&self, id: i64) -> Result<(), Error> {
        sqlx::query("DELETE FROM users WHERE id = ?").bind(id).execute(&self.0).await?;
        Ok(())
    }
}
