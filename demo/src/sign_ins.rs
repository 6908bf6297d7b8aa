//! Who is signed in where, in SQLite: a row for each log-in that has not ended.
//!
//! A session holds the id of its row, whatever keeps the session, so that deleting the row ends the
//! session wherever it is. Knows nothing of HTTP or of sessions.

use sqlx::{Error, sqlite::SqlitePool};

/// A sign-in that nobody has used for so long, in seconds, has ended: 31 days.
const LIFETIME: i64 = 31 * 24 * 60 * 60;

/// Being seen again counts, and costs a write, after this many seconds.
const NOTICE: i64 = 60;

/// A user has no more; one more, and the one that was not seen for longest has ended.
const MOST: i64 = 100;

pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) agent: String,
    pub(crate) created: i64,
    pub(crate) last_seen: i64,
}

/// All sign-ins. Times are seconds since 1970.
pub(crate) struct SignIns(SqlitePool);

impl SignIns {
    pub(crate) const fn new(database: SqlitePool) -> Self {
        Self(database)
    }

    /// Adds a sign-in, which `agent` describes, and returns its id.
    pub(crate) async fn add(&self, user_id: i64, agent: &str, now: i64) -> Result<String, Error> {
        const ADD: &str =
            "INSERT INTO sign_ins (id, user_id, created, last_seen, agent) VALUES (?, ?, ?, ?, ?)";
        const PRUNE: &str = "DELETE FROM sign_ins WHERE user_id = ? AND (last_seen < ? OR id NOT IN
            (SELECT id FROM sign_ins WHERE user_id = ? ORDER BY last_seen DESC, rowid DESC LIMIT ?))";
        let id = random_id()?;
        let adding = sqlx::query(ADD).bind(&id).bind(user_id).bind(now).bind(now).bind(agent);
        adding.execute(&self.0).await?;
        let pruning =
            sqlx::query(PRUNE).bind(user_id).bind(now - LIFETIME).bind(user_id).bind(MOST);
        pruning.execute(&self.0).await?;
        Ok(id)
    }

    /// Reports whether a user's sign-in has not ended, and notes that it was seen.
    pub(crate) async fn see(&self, id: &str, user_id: i64, now: i64) -> Result<bool, Error> {
        const FIND: &str =
            "SELECT last_seen FROM sign_ins WHERE id = ? AND user_id = ? AND last_seen >= ?";
        let finding = sqlx::query_scalar(FIND).bind(id).bind(user_id).bind(now - LIFETIME);
        let last_seen: Option<i64> = finding.fetch_optional(&self.0).await?;
        if last_seen.is_some_and(|last_seen| now - last_seen >= NOTICE) {
            const NOTE: &str = "UPDATE sign_ins SET last_seen = ? WHERE id = ?";
            sqlx::query(NOTE).bind(now).bind(id).execute(&self.0).await?;
        }
        Ok(last_seen.is_some())
    }

    /// Lists the sign-ins of a user, the latest first.
    pub(crate) async fn of_user(&self, user_id: i64, now: i64) -> Result<Vec<SignIn>, Error> {
        const LIST: &str = "SELECT id, agent, created, last_seen FROM sign_ins
            WHERE user_id = ? AND last_seen >= ? ORDER BY last_seen DESC, rowid DESC";
        let listing = sqlx::query_as(LIST).bind(user_id).bind(now - LIFETIME);
        let rows: Vec<(String, String, i64, i64)> = listing.fetch_all(&self.0).await?;
        let sign_in = |(id, agent, created, last_seen)| SignIn { id, agent, created, last_seen };
        Ok(rows.into_iter().map(sign_in).collect())
    }

    /// Ends a sign-in of a user; `false` when the user has no such sign-in.
    pub(crate) async fn end(&self, id: &str, user_id: i64) -> Result<bool, Error> {
        const END: &str = "DELETE FROM sign_ins WHERE id = ? AND user_id = ?";
        let ended = sqlx::query(END).bind(id).bind(user_id).execute(&self.0).await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Ends all sign-ins of a user but one.
    pub(crate) async fn end_others(&self, id: &str, user_id: i64) -> Result<(), Error> {
        const END: &str = "DELETE FROM sign_ins WHERE id <> ? AND user_id = ?";
        sqlx::query(END).bind(id).bind(user_id).execute(&self.0).await?;
        Ok(())
    }
}

/// Returns 128 random bits in hexadecimal digits.
fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Io(error.into()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{database, users::Users};

    /// A data base with two users, whose ids are 1 and 2.
    async fn sign_ins() -> (SignIns, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let pool = database::open(folder.path()).await.unwrap();
        let users = Users::new(pool.clone());
        for name in ["ada", "bob"] {
            assert!(users.add(name, "a@b", "").await.unwrap());
        }
        (SignIns::new(pool), folder)
    }

    async fn last_seen(sign_ins: &SignIns, now: i64) -> Vec<i64> {
        let listed = sign_ins.of_user(1, now).await.unwrap();
        listed.iter().map(|sign_in| sign_in.last_seen).collect()
    }

    #[tokio::test]
    async fn see_notes_the_time_once_a_minute() {
        let (sign_ins, _folder) = sign_ins().await;
        let id = sign_ins.add(1, "", 1000).await.unwrap();
        for (now, expected) in [(1059, 1000), (1060, 1060), (1119, 1060), (500, 1060)] {
            assert!(sign_ins.see(&id, 1, now).await.unwrap(), "{now}");
            assert_eq!(last_seen(&sign_ins, now).await, [expected], "{now}");
        }
    }

    #[tokio::test]
    async fn see_knows_the_users_own_alone() {
        let (sign_ins, _folder) = sign_ins().await;
        let id = sign_ins.add(1, "", 1000).await.unwrap();
        assert!(!sign_ins.see(&id, 2, 1000).await.unwrap());
        assert!(!sign_ins.end(&id, 2).await.unwrap());
        sign_ins.end_others("", 2).await.unwrap();
        assert!(sign_ins.end(&id, 1).await.unwrap());
        assert!(!sign_ins.see(&id, 1, 1000).await.unwrap());
        assert!(!sign_ins.end(&id, 1).await.unwrap());
    }

    #[tokio::test]
    async fn sign_in_ends_when_it_is_not_used() {
        let (sign_ins, _folder) = sign_ins().await;
        let id = sign_ins.add(1, "", 0).await.unwrap();
        assert!(!sign_ins.see(&id, 1, LIFETIME + 1).await.unwrap());
        assert!(last_seen(&sign_ins, LIFETIME + 1).await.is_empty());
        assert!(sign_ins.see(&id, 1, LIFETIME).await.unwrap());
        assert!(sign_ins.see(&id, 1, LIFETIME + 1).await.unwrap());
    }

    #[tokio::test]
    async fn oldest_sign_in_makes_room() {
        let (sign_ins, _folder) = sign_ins().await;
        for now in 0..=MOST {
            sign_ins.add(1, "", now).await.unwrap();
        }
        assert_eq!(last_seen(&sign_ins, MOST).await, (1..=MOST).rev().collect::<Vec<_>>());
    }
}
