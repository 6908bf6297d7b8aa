//! What the lists of users' sessions know of the sessions of a page.
//!
//! Without a configuration nobody knows whether there are such lists, so a few users are tried.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hipflask::store::{AnyStore, Entry, Store, StoreError};
use hipflask_core::{UnixTime, stored::StoredSessions};

use super::{info::Info, walk::patiently};

/// So many users without a list mean that there are none.
const TRIES: usize = 8;
/// How many lists are read at the same time.
const AT_ONCE: usize = 32;

/// Reads lists as long as there are some.
pub(super) struct Users<'a> {
    store: &'a AnyStore,
    rules: &'a StoredSessions,
    /// `None` if not even that is known.
    are_listed: Option<bool>,
    n_tried: usize,
}

impl<'a> Users<'a> {
    pub(super) const fn new(
        store: &'a AnyStore,
        rules: &'a StoredSessions,
        is_configured: bool,
    ) -> Self {
        let are_listed =
            if is_configured { Some(rules.settings().listing.is_some()) } else { None };
        Self { store, rules, are_listed, n_tried: 0 }
    }

    /// Completes what is known of sessions.
    pub(super) async fn complete(
        &mut self,
        found: &mut [(Entry, Info)],
        now: UnixTime,
    ) -> Result<(), StoreError> {
        if self.are_listed == Some(false) {
            return Ok(());
        }
        let users: BTreeSet<_> = found.iter().filter_map(|(_, info)| info.user.clone()).collect();
        let most = if self.are_listed.is_none() { TRIES - self.n_tried } else { usize::MAX };
        let (store, rules) = (self.store, self.rules);
        let read = users.into_iter().take(most).map(|user| async move {
            let key = rules.index_of(&user);
            let record = patiently(|| store.load(&key, None)).await?;
            let index = record.and_then(|it| rules.read_index(&user, &it, now));
            Ok::<_, StoreError>((user, index))
        });
        let read: HashMap<_, _> =
            stream::iter(read).buffer_unordered(AT_ONCE).try_collect().await?;
        for (entry, info) in found {
            let index = info.user.as_ref().and_then(|user| read.get(user));
            if let Some(index) = index.and_then(Option::as_ref) {
                info.complete(&entry.key, index);
            }
        }
        self.n_tried += read.len();
        if read.values().any(Option::is_some) {
            self.are_listed = Some(true);
        } else if self.n_tried >= TRIES {
            self.are_listed = self.are_listed.or(Some(false));
        }
        Ok(())
    }
}
