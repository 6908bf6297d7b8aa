//! Wanting: what a session holds in the end, and where that is to lie.

use crate::{
    UnixTime,
    engine::Wish,
    session::Session,
    stored::{Held, SessionId, StoredSessions},
    value::Dict,
};

/// What a session holds in the end, and when it has started.
pub(super) fn content(
    rules: &StoredSessions,
    session: &Session,
    earlier: Option<&Dict>,
    keeps_id: bool,
    now: UnixTime,
) -> Dict {
    let mut content = match earlier {
        Some(earlier) if !session.is_modified() => earlier.clone(),
        _ => session.to_dict(),
    };
    if !session.is_blank() {
        rules.stamp(&mut content, earlier.filter(|_| keeps_id), now);
    }
    content
}

/// What is asked for: that a session holds this, or that it ends.
pub(super) fn wish(
    rules: &StoredSessions,
    id: &SessionId,
    held: Option<&Held>,
    content: Option<Dict>,
    now: UnixTime,
) -> Wish {
    let settings = rules.settings();
    let key = rules.key_of(id);
    // A record only moves where the store does so in one step.
    let stays = !rules.renews_at_once() && held.is_some_and(|held| held.id() == id);
    Wish {
        ttl: content.as_ref().map_or(settings.idle(), |it| rules.time_to_live(it, now)),
        content,
        grown: Vec::new(),
        moved: held.and_then(|held| rules.moved_from(held.id(), held.snapshot().key())),
        key: held.filter(|_| stays).map_or(key, |held| held.snapshot().key().clone()),
        coding: settings.coding(now),
        policy: settings.conflict_policy,
        renews_at_once: rules.renews_at_once(),
    }
}
