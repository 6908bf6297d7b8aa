//! The sessions of a store, page by page, with what is known of each.

use hipflask::store::{AnyStore, Entry, StoreError};
use hipflask_core::UnixTime;

use super::{
    access::{Access, now},
    info::{Info, Reader},
    users::Users,
    walk::Walk,
};

/// Reads the sessions of an application.
pub(super) struct Sessions<'a> {
    access: &'a Access,
    walk: Walk<'a>,
    users: Users<'a>,
}

/// A part of them, as it was at a moment.
pub(super) struct Part {
    pub(super) sessions: Vec<(Entry, Info)>,
    /// Records that only say that their session has another id now.
    pub(super) n_renewed: usize,
    pub(super) now: UnixTime,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(access: &'a Access, store: &'a AnyStore) -> Self {
        let users = Users::new(store, &access.rules, access.config.is_some());
        Self { access, walk: Walk::new(store, access.key_prefix()), users }
    }

    /// Returns those of the next page that are wanted, without what the lists of users know.
    pub(super) async fn next_bare(
        &mut self,
        mut is_wanted: impl FnMut(&Info) -> bool,
    ) -> Result<Option<Part>, StoreError> {
        let Some(page) = self.walk.next().await? else { return Ok(None) };
        let now = now();
        let reader = Reader::new(self.access.rules.settings(), now, self.access.knows_life);
        let mut part = Part { sessions: Vec::with_capacity(page.len()), n_renewed: 0, now };
        for entry in page {
            match reader.info(&entry) {
                Some(info) if is_wanted(&info) => part.sessions.push((entry, info)),
                Some(_) => {}
                None => part.n_renewed += 1,
            }
        }
        Ok(Some(part))
    }

    /// Returns those of the next page that are wanted.
    pub(super) async fn next(
        &mut self,
        is_wanted: impl FnMut(&Info) -> bool,
    ) -> Result<Option<Part>, StoreError> {
        let Some(mut part) = self.next_bare(is_wanted).await? else { return Ok(None) };
        self.users.complete(&mut part.sessions, part.now).await?;
        Ok(Some(part))
    }
}
