//! Ending sessions from outside of their requests: all of a user, or all but this one.

use std::{sync::Arc, time::Duration};

use hipflask_core::{
    UnixTime,
    engine::EngineError,
    session::{self, AUTHENTICATED},
    store::{RecordKey, Store, StoreError},
    visit::{Revoking, Sessions, Visit},
};

use crate::{Result, Session, SessionInterface};

/// How many records are read in one step.
const PART: usize = 256;

/// How often all records are gone through until none is found any more: a request under way may give
/// a session a new id behind the reader's back.
const MOST_WALKS: usize = 8;

/// A session of a user, as it lies in the store.
///
/// ```
/// use std::time::Duration;
///
/// fn show(session: &hipflask::UserSession) -> String {
///     let minutes = session.expires_in().map_or(0, |left| left.as_secs() / 60);
///     format!("{} bytes, ends in {minutes} minutes", session.len())
/// }
/// # let _ = (show, Duration::ZERO);
/// ```
#[derive(Clone, Debug)] // safe to print: `RecordKey` redacts itself
pub struct UserSession {
    key: RecordKey,
    authenticated_at: Option<UnixTime>,
    expires_in: Option<Duration>,
    len: usize,
}

impl UserSession {
    /// Returns when the user has logged in, if the log-in has noted it.
    pub const fn authenticated_at(&self) -> Option<UnixTime> {
        self.authenticated_at
    }

    /// Returns how long the session still lives, if the store tells.
    pub const fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// Returns the bytes of its record.
    #[expect(clippy::len_without_is_empty, reason = "a session of a user is never empty")]
    pub const fn len(&self) -> usize {
        self.len
    }
}

impl SessionInterface {
    /// Ends all sessions of a user: after a theft, or when an account is closed. Requests under way do not
    /// bring them back. `user` is what the session's [user key](crate::config::SessionConfig::with_user_keys)
    /// holds, as text.
    ///
    /// In signed cookies that can be [revoked](Self::revocable) all that was signed so far is refused, here at
    /// once, and on other nodes after the delay. In a store the records of the user are found by reading all
    /// records of this application, and deleted.
    ///
    /// ```
    /// # async fn close_account(sessions: &hipflask::SessionInterface) -> hipflask::Result<()> {
    /// sessions.revoke_user("7").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the store does not answer, then some sessions may go on; or when
    /// sessions are signed cookies without a store of revocations.
    pub async fn revoke_user(&self, user: &str) -> Result<()> {
        self.revoke_sessions(user, None).await
    }

    /// Ends all sessions of a user but the one that a request has opened; for adapters.
    ///
    /// ```
    /// # use hipflask::{Result, SessionInterface, core::visit::Visit};
    /// async fn only_mine(sessions: &SessionInterface, mine: &Visit) -> Result<()> {
    ///     sessions.revoke_others(mine, "7").await
    /// }
    /// # let _ = only_mine;
    /// ```
    ///
    /// # Errors
    ///
    /// As [`revoke_user`](Self::revoke_user), and when the session itself was ended meanwhile.
    pub async fn revoke_others(&self, visit: &Visit, user: &str) -> Result<()> {
        if let Some(mut marking) = visit.revoke_others(self.now()) {
            return Ok(self.drive(&mut marking).await?);
        }
        let key = visit.held().map(|held| held.snapshot().key());
        self.revoke_sessions(user, key).await
    }

    async fn revoke_sessions(&self, user: &str, but: Option<&RecordKey>) -> Result<()> {
        let live = self.live();
        match &live.sessions {
            Sessions::Revocable(_) => {
                if let Some(mut marking) = live.sessions.revoke_user(user, self.now()) {
                    self.drive(&mut marking).await?;
                }
                Ok(())
            }
            Sessions::Signed(_) => {
                Err(unsupported("revoke signed cookies: see SESSION_REVOCATIONS"))
            }
            Sessions::Stored(_) => {
                for _ in 0..MOST_WALKS {
                    let mut sessions = self.sessions_of(user).await?;
                    sessions.retain(|session| Some(&session.key) != but);
                    if sessions.is_empty() {
                        return Ok(());
                    }
                    for session in sessions {
                        self.drive(&mut Revoking::of_record(session.key)).await?;
                    }
                }
                Err(EngineError::Contended.into())
            }
        }
    }

    /// Returns the sessions of a user. All records of this application are read.
    ///
    /// ```
    /// # async fn count(sessions: &hipflask::SessionInterface) -> hipflask::Result<usize> {
    /// Ok(sessions.sessions_of("7").await?.len())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the store does not answer, or when sessions are signed cookies: nobody
    /// knows how many there are.
    pub async fn sessions_of(&self, user: &str) -> Result<Vec<UserSession>> {
        let (Sessions::Stored(rules), Some(store)) = (self.sessions(), self.store()) else {
            return Err(unsupported("list sessions that lie in signed cookies"));
        };
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.scan(&rules.settings().key_prefix, cursor.as_deref(), PART).await;
            let page = page.map_err(|error| EngineError::Store(Arc::new(error)))?;
            for entry in page.entries {
                let Some(content) = rules.content_of(&entry, self.now()) else { continue };
                if self.user_of(|key| content.get(key).cloned()).as_deref() == Some(user) {
                    found.push(UserSession {
                        key: entry.key,
                        authenticated_at: content.get(AUTHENTICATED).and_then(session::time_of),
                        expires_in: entry.expires_in,
                        len: entry.record.payload.len(),
                    });
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

impl Session {
    /// Ends all other sessions of this session's user, for instance after a change of the password.
    /// Nothing happens in a session without a user.
    ///
    /// ```
    /// # async fn after_the_change(session: hipflask::Session) -> hipflask::Result<()> {
    /// session.revoke_others().await?;
    /// session.renew()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`SessionInterface::revoke_user`], and when this session itself was ended meanwhile.
    pub async fn revoke_others(&self) -> Result<()> {
        let request = self.request();
        let interface = request.interface();
        let (visit, user) = {
            let state = request.lock();
            (state.visit.clone(), interface.user_of(|key| state.session.value(key)))
        };
        let (Some(visit), Some(user)) = (visit, user) else { return Ok(()) };
        interface.revoke_others(&visit, &user).await
    }
}

fn unsupported(what: &'static str) -> crate::Error {
    EngineError::Store(Arc::new(StoreError::Unsupported(what))).into()
}
