//! What a layer lets pass, and what it asks for.

use std::collections::BTreeSet;

use http::StatusCode;

/// As many bytes as axum's `Form` takes.
pub(super) const FORM_LIMIT: usize = 2 * 1024 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) exempt: BTreeSet<String>,
    pub(super) form_limit: usize,
    pub(super) needs_referrer: bool,
    pub(super) needs_token: bool,
    pub(super) status: StatusCode,
    pub(super) trusted: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            exempt: BTreeSet::new(),
            form_limit: FORM_LIMIT,
            needs_referrer: false,
            needs_token: false,
            status: StatusCode::BAD_REQUEST,
            trusted: BTreeSet::new(),
        }
    }
}
