//! Watches a session after its request: for WebSockets, server-sent events, and whatever else outlives
//! the request that has started it.
//!
//! One task a session looks what the core's [`Watch`] says, and only while somebody holds a
//! [`SessionWatch`].

use std::{future::Future, sync::Arc};

use hipflask_core::{reason::Reason, visit::Watch};
use tokio::{
    runtime::Handle,
    sync::watch::{Receiver, Sender, channel},
};

use crate::{
    SessionInterface, report,
    waking::{End, Watched},
};

/// Watches a session from outside of its request, and knows when it ends.
///
/// [`Session::watch`](crate::Session::watch) gives one. It is cheap to clone, keeps no request alive, and
/// never extends the session's life: it looks without touching. What ends the session in this process is
/// known at once; what ends it elsewhere, after
/// [`SESSION_REVOCATIONS_DELAY`](crate::SessionConfig::with_revocation_delay) at most.
///
/// ```
/// # use hipflask::{Reason, Session};
/// # async fn next_message() {}
/// # async fn send(text: &str) {}
/// async fn chat(session: Session) {
///     let watch = session.watch();
///     tokio::spawn(async move {
///         loop {
///             tokio::select! {
///                 reason = watch.ended() => return send(reason.code()).await, // such as "revoked"
///                 () = next_message() => send("hello").await,
///             }
///         }
///     });
/// }
/// # let _ = chat;
/// ```
///
/// The page [WebSockets and server-sent events](crate::guide::live) says what ends a session, and what
/// nobody can know.
#[derive(Clone)]
pub struct SessionWatch(Receiver<Option<End>>);

/// What tells a [`SessionWatch`] that its request is done.
pub(crate) struct Start(Sender<Option<End>>);

impl SessionWatch {
    /// Waits until the session has ended, and returns why: what a request with its cookie would find as its
    /// [`reason`](crate::Session::reason). It ends at once where there is no session.
    ///
    /// While the request that has started it is under way, it waits for that one to be saved: so it follows
    /// the session as it is after a log-in or a renewal.
    ///
    /// - [`Reason::Expired`]: its time is up.
    /// - [`Reason::UnknownId`]: it was ended in its store, or has expired there.
    /// - [`Reason::Revoked`]: its signed cookie was revoked, or this very request has ended it.
    /// - [`Reason::Renewed`]: it goes on under another id, as after a log-in: open the connection anew.
    /// - [`Reason::UserChanged`]: it is another user's, or nobody's.
    /// - [`Reason::StoreUnavailable`]: its store has not answered for a minute.
    /// - [`Reason::NoCookie`]: there was none, and the request has made none.
    ///
    /// The future borrows nothing and can be dropped at any time.
    #[doc(alias = "cancelled")]
    pub fn ended(&self) -> impl Future<Output = Reason> + Send + use<> {
        let mut started = self.0.clone();
        async move {
            let end = started.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
            let Some(mut end) = end else { return Reason::StoreUnavailable };
            let reason = end.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
            reason.unwrap_or(Reason::StoreUnavailable)
        }
    }

    /// Ends a stream when the session ends: for server-sent events.
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use axum::response::sse::{Event, Sse};
    /// use futures_util::{Stream, StreamExt, stream};
    /// use hipflask::Session;
    ///
    /// async fn news(session: Session) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    ///     let news = stream::pending().map(|text: String| Ok(Event::default().data(text)));
    ///     Sse::new(session.watch().take_until_ended(news))
    /// }
    /// # let _ = news;
    /// ```
    #[cfg(feature = "axum")]
    #[doc(alias = "take_until")]
    pub fn take_until_ended<S>(
        &self,
        stream: S,
    ) -> impl futures_util::Stream<Item = S::Item> + use<S>
    where
        S: futures_util::Stream,
    {
        // Boxed, so that the stream can be moved if the one inside can.
        futures_util::StreamExt::take_until(stream, Box::pin(self.ended()))
    }
}

impl std::fmt::Debug for SessionWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionWatch").finish_non_exhaustive()
    }
}

impl Start {
    pub(crate) fn new() -> Self {
        Self(channel(None).0)
    }

    pub(crate) fn watch(&self) -> SessionWatch {
        SessionWatch(self.0.subscribe())
    }

    /// Lets those who wait follow a session, or tells them why there is none.
    pub(crate) fn follow(&self, interface: &SessionInterface, watch: Result<Watch, Reason>) {
        // Nobody watches any more.
        if self.0.is_closed() {
            return;
        }
        let end = match watch {
            Ok(watch) => follow(interface, watch),
            Err(reason) => channel(Some(reason)).1,
        };
        self.0.send_replace(Some(end));
    }
}

/// Follows a session together with those who follow it already.
fn follow(interface: &SessionInterface, watch: Watch) -> End {
    let keys = interface.live().sessions.keys_of(&watch, interface.now());
    let (end, watched) = interface.watches().join(&watch, keys);
    if let Some(watched) = watched {
        let looking = look(Looking { interface: interface.clone(), watched }, watch);
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(looking));
        }
    }
    end
}

/// Whoever looks. When that ends before the session does, with its runtime or by a panic of a store,
/// nobody waits for ever.
struct Looking {
    interface: SessionInterface,
    watched: Arc<Watched>,
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.interface.watches().leave(&self.watched, Some(Reason::StoreUnavailable));
    }
}

/// Looks from time to time until the session has ended, or nobody watches it any more.
async fn look(looking: Looking, mut watch: Watch) {
    let Looking { interface, watched } = &looking;
    loop {
        if !watched.is_watched() && interface.watches().leave(watched, None) {
            return;
        }
        let sessions = &interface.live().sessions;
        let mut opening = sessions.look(&watch, interface.now());
        let driven = interface.drive(&mut opening).await;
        let looked = driven.map(|()| opening.finish());
        if let Some(reason) = watch.looked(looked, interface.now()) {
            report::ended(reason);
            interface.watches().leave(watched, Some(reason));
            return;
        }
        let random = getrandom::u32().unwrap_or(u32::MAX);
        watched.wait(sessions.pause(&watch, random)).await;
    }
}
