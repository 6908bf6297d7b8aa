//! What the entries of a session point into.

use std::{ops::Range, sync::Arc};

use crate::value::{Dict, Text, Value};

#[derive(Clone)]
pub(super) enum Source {
    /// What a record holds, which whoever has read it keeps.
    Content(Arc<Dict>),
    /// The payload of a cookie.
    Text(String),
}

impl Default for Source {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Source {
    /// Returns the payload's text.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Content(_) => "",
            Self::Text(text) => text,
        }
    }

    pub(super) fn slice(&self, range: &Range<u32>) -> &str {
        slice(self.text(), range)
    }

    /// Returns an item of the record: each entry that points to one was made of it.
    pub(super) fn item(&self, at: usize) -> Option<(&Text, &Value)> {
        match self {
            Self::Content(content) => content.item(at),
            Self::Text(_) => None,
        }
    }
}

pub(super) fn slice<'a>(text: &'a str, range: &Range<u32>) -> &'a str {
    &text[range.start as usize..range.end as usize]
}
