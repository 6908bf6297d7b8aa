//! Ending sessions from outside of their requests: all of a user, all but this one, or one of a list.

use std::sync::Arc;

use hipflask_core::{
    engine::EngineError,
    listing::{UserSession, handle_of},
    store::StoreError,
    visit::Visit,
};

use crate::{Result, Session, SessionInterface};

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
        let revoking = self.live().sessions.revoke_user(user, self.now());
        Ok(self.drive(&mut revoking.ok_or_else(not_revocable)?).await?)
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
        let revoking = visit.revoke_others(user, self.now());
        Ok(self.drive(&mut revoking.ok_or_else(not_revocable)?).await?)
    }

    /// Returns the sessions of a user. Where they are [listed](crate::SessionConfig::with_user_index),
    /// each is read; else all records of this application are.
    ///
    /// ```
    /// # async fn count(sessions: &hipflask::SessionInterface) -> hipflask::Result<usize> {
    /// Ok(sessions.sessions_of("7").await?.len())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the store does not answer or cannot be read through, or when sessions
    /// are signed cookies: nobody knows how many there are.
    pub async fn sessions_of(&self, user: &str) -> Result<Vec<UserSession>> {
        let listing = self.live().sessions.sessions_of(user, self.now());
        let mut listing = listing.ok_or_else(not_listable)?;
        self.drive(&mut listing).await?;
        Ok(listing.into_sessions())
    }

    /// Ends one session of a user, by the [handle](UserSession::handle) that a page has shown, and reports
    /// whether it was there. The handle of another user's session ends nothing. A session that gets another
    /// id at the same moment, as with a log-in, goes on under that, with another handle.
    ///
    /// ```
    /// # async fn end(sessions: &hipflask::SessionInterface, handle: &str) -> hipflask::Result<()> {
    /// let was_there = sessions.revoke_session_of("7", handle).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sessions_of`](Self::sessions_of).
    pub async fn revoke_session_of(&self, user: &str, handle: &str) -> Result<bool> {
        let revoking = self.live().sessions.revoke_session_of(user, handle, self.now());
        let mut revoking = revoking.ok_or_else(not_listable)?;
        self.drive(&mut revoking).await?;
        Ok(revoking.was_there())
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

    /// Returns the [handle](UserSession::handle) of this session, to tell it from the user's others in a
    /// list; `None` if it lies in no store yet.
    ///
    /// ```
    /// # use hipflask::{Result, Session, SessionInterface};
    /// async fn others(session: Session, sessions: &SessionInterface) -> Result<usize> {
    ///     let (mine, all) = (session.handle(), sessions.sessions_of("7").await?);
    ///     Ok(all.iter().filter(|it| Some(it.handle()) != mine).count())
    /// }
    /// # let _ = others;
    /// ```
    pub fn handle(&self) -> Option<String> {
        let state = self.request().lock();
        let held = state.visit.as_ref().and_then(Visit::held)?;
        Some(handle_of(held.snapshot().key()))
    }
}

fn not_revocable() -> crate::Error {
    unsupported("revoke signed cookies: see SESSION_REVOCATIONS")
}

fn not_listable() -> crate::Error {
    unsupported("list sessions that lie in signed cookies")
}

fn unsupported(what: &'static str) -> crate::Error {
    EngineError::Store(Arc::new(StoreError::Unsupported(what))).into()
}
