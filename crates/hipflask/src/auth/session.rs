//! Log-in and log-out, as handlers call them.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    auth::{LogIn, id_text},
    value::Value,
};

use crate::{Result, Session};

impl Session {
    /// Makes the session this user's, once the password was right: it gets a new id, and loses all that
    /// the anonymous visitor had, the CSRF secret included.
    ///
    /// The keys are Flask-Login's, so that its apps have the same user.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.log_in(7)?;
    /// session.flash("message", "Welcome back!")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    #[doc(alias = "login_user")]
    pub fn log_in(&self, user_id: impl Into<Value>) -> Result<()> {
        self.log_in_with(user_id, &LogIn::new())
    }

    /// Makes the session this user's, and keeps what is named of the anonymous visitor's, or has the
    /// browser remember the user.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// use hipflask::auth::LogIn;
    ///
    /// session.log_in_with(7, &LogIn::new().keeping(["cart"]).remembered())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn log_in_with(&self, user_id: impl Into<Value>, how: &LogIn) -> Result<()> {
        let now = self.request().interface().now();
        Ok(self.request().lock().session.log_in(user_id, how, now)?)
    }

    /// Notes that the user, who is logged in, has given the password once more: the session is fresh
    /// again, gets a new id, and keeps what it holds. Where nobody is logged in, nothing changes.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.confirm_login()?; // the password was right
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn confirm_login(&self) -> Result<()> {
        let now = self.request().interface().now();
        Ok(self.request().lock().session.confirm_login(now)?)
    }

    /// Logs the user out: the session ends, as [`destroy`](Self::destroy) says, and the browser forgets
    /// its remember cookie.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.log_out()?;
    /// session.flash("message", "Good-bye!")?; // lies in a new session
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    #[doc(alias = "logout_user")]
    pub fn log_out(&self) -> Result<()> {
        Ok(self.request().lock().session.log_out()?)
    }

    /// Returns the id of the user who is logged in, as text. It says whom to look up: the user may be
    /// gone.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.log_in(7)?;
    /// assert_eq!(session.user_id().as_deref(), Some("7"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn user_id(&self) -> Option<String> {
        id_text(&self.request().lock().session.user_id()?)
    }

    /// Returns when the user has logged in; `None` for who came by a remember cookie, or was logged in
    /// by Flask.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) {
    /// if let Some(at) = session.authenticated_at() {
    ///     println!("logged in {} seconds after 1970", at.as_secs());
    /// }
    /// # }
    /// ```
    pub fn authenticated_at(&self) -> Option<UnixTime> {
        self.request().lock().session.authenticated_at()
    }

    /// Reports whether the user has given a password in this session, and not longer than `max_age`
    /// ago: to be asked before a password or an address is changed.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) {
    /// use std::time::Duration;
    ///
    /// let may_change = session.is_fresh(Duration::from_secs(15 * 60));
    /// let has_given_a_password = session.is_fresh(None);
    /// # }
    /// ```
    #[doc(alias = "fresh_login_required")]
    pub fn is_fresh(&self, max_age: impl Into<Option<Duration>>) -> bool {
        let now = self.request().interface().now();
        self.request().lock().session.is_fresh(max_age.into(), now)
    }
}
