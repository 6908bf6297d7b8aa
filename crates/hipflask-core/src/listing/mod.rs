//! Which sessions a user has in the store: an index beside the sessions, one record a user.
//!
//! A log-in is added before its session is written, and looked for once more afterwards: so no
//! session of a user is there that the index does not have, whatever ends sessions meanwhile. What
//! others have written, such as Flask-Session, is added when it is first used. Whoever ends all
//! sessions of a user empties the index, and for a while what is not in it is refused.

mod device;
mod index;
mod user_session;

use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use device::device_of;
pub use index::{Listed, MOST_SESSIONS, UserIndex};
pub use user_session::{UserSession, handle_of};

use crate::{encoding, store::RecordKey};

/// What becomes of a log-in when its user has as many sessions as allowed.
///
/// ```
/// use hipflask_core::listing::OnUserLimit;
///
/// assert_eq!(OnUserLimit::default(), OnUserLimit::EndOldest);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnUserLimit {
    /// The session ends that was not used for the longest time.
    #[default]
    EndOldest,
    /// The log-in fails.
    Refuse,
}

/// How the sessions of users are listed. Nothing is checked here.
///
/// ```
/// use hipflask_core::listing::Settings;
///
/// assert_eq!(Settings::default().seen_every.as_secs(), 300);
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "each field is a setting, and starts with its default"
)]
pub struct Settings {
    /// How many sessions a user may have; [`MOST_SESSIONS`] if that is not said.
    pub most: Option<usize>,
    /// What becomes of one more.
    pub on_user_limit: OnUserLimit,
    /// How often it is noted that a session is used. So long it takes at most until a session ends
    /// that was ended and that nobody had listed.
    pub seen_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            most: None,
            on_user_limit: OnUserLimit::default(),
            seen_every: Duration::from_secs(5 * 60),
        }
    }
}

/// Returns where the index of a user lies. The key says nothing of whom it is about, and no session
/// has such a key.
pub(crate) fn key_of(key_prefix: &str, user: &str) -> RecordKey {
    let digest = Sha256::new_with_prefix(b"hipflask sessions of\0").chain_update(user).finalize();
    RecordKey::new(["sessions_of:", key_prefix, &encoding::encode_url(&digest)].concat())
}
