//! How JSON is written: the settings of Python's serializers that differ.

/// Which of Python's settings to write with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// No tags, no blanks, the order of insertion, UTF-8.
    Compact,
    /// As `Compact`, with msgspec's forms of floats, bytes, UUIDs and times.
    Record,
    /// No tags, a blank behind `,` and `:`, the order of insertion, ASCII only.
    Spaced,
    /// Tags, no blanks, and what the app's JSON provider says of the rest.
    Tagged(JsonStyle),
}

impl Default for Style {
    fn default() -> Self {
        Self::Tagged(JsonStyle::default())
    }
}

/// What an app's JSON provider says of the text in its cookies; Flask reads any.
///
/// ```
/// use hipflask_core::{serializer::JsonStyle, session::Session};
///
/// let mut session = Session::new();
/// session.insert("z", "é")?;
/// session.insert("a", 1)?;
/// assert_eq!(session.to_json()?, br#"{"a":1,"z":"\u00e9"}"#);
/// session.set_json_style(JsonStyle { sort_keys: false, ensure_ascii: false });
/// assert_eq!(session.to_json()?, r#"{"z":"é","a":1}"#.as_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "both are to be said")]
pub struct JsonStyle {
    /// Whether keys are sorted by code point, and not in the order of insertion.
    pub sort_keys: bool,
    /// Whether characters beyond ASCII are escaped, and not UTF-8.
    pub ensure_ascii: bool,
}

impl Default for JsonStyle {
    /// Flask's own: sorted and escaped.
    fn default() -> Self {
        Self { sort_keys: true, ensure_ascii: true }
    }
}
