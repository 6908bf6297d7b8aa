//! Three-way merge of a session's content, key by key and at every depth.

use crate::value::{Dict, Text, Value};

/// Where flash messages lie: the one list that is only ever appended to and taken.
const FLASHES: &[u8] = b"_flashes";

/// Deeper dicts are taken as one value, which bounds the recursion.
const MAX_DEPTH: u32 = 64;

/// What wins when two requests change the same key to different values.
///
/// ```
/// use hipflask_core::engine::ConflictPolicy;
///
/// assert_eq!(ConflictPolicy::default(), ConflictPolicy::LastWriter);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConflictPolicy {
    /// Neither: the later save fails with [`MergeConflict`].
    Error,
    /// The value that is in the store already.
    FirstWriter,
    /// The value that is saved later, as in Flask.
    #[default]
    LastWriter,
}

/// Two requests changed the same key, and the policy was [`ConflictPolicy::Error`].
///
/// ```
/// use hipflask_core::{engine::{ConflictPolicy, merge}, value::{Dict, Value}};
///
/// let dict = |n: i32| Dict::from_iter([("n".into(), Value::from(n))]);
/// let error = merge(&dict(0), &dict(1), &dict(2), ConflictPolicy::Error).unwrap_err();
/// assert_eq!(error.key(), "n");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("another request has changed the key {key:?} of the session meanwhile: try again")]
pub struct MergeConflict {
    key: String,
}

impl MergeConflict {
    /// Returns the key of the session under which both have changed something.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Returns `theirs` with all that differs between `base` and `mine`.
///
/// Different keys merge at every depth. If one side has only appended to a list, what it appended
/// follows what the other side has made of the list; a list that was removed was taken as it was
/// seen, so that what is appended meanwhile stays. All else that both have changed goes to the
/// policy.
///
/// ```
/// use hipflask_core::{engine::{ConflictPolicy, merge}, value::{Dict, Value}};
///
/// let list = |items: &[&str]| -> Value {
///     items.iter().map(|item| Value::from(*item)).collect::<Vec<_>>().into()
/// };
/// let cart = |items: &[&str]| Dict::from_iter([("cart".into(), list(items))]);
///
/// let (base, mine, theirs) = (cart(&["tea"]), cart(&["tea", "milk"]), cart(&["tea", "jam"]));
/// let merged = merge(&base, &mine, &theirs, ConflictPolicy::LastWriter)?;
/// assert_eq!(merged, cart(&["tea", "jam", "milk"]));
/// # Ok::<(), hipflask_core::engine::MergeConflict>(())
/// ```
///
/// # Errors
///
/// [`MergeConflict`] if the policy says so.
pub fn merge(
    base: &Dict,
    mine: &Dict,
    theirs: &Dict,
    policy: ConflictPolicy,
) -> Result<Dict, MergeConflict> {
    let mut merged = Dict::new();
    for (key, mine, theirs) in both(mine, theirs) {
        let sides = Sides { base: base.get_text(key), mine, theirs };
        let value = sides.merge(key, policy, MAX_DEPTH).map_err(|Clash| {
            let key = key.to_string_lossy().chars().take(40).collect();
            MergeConflict { key }
        })?;
        if let Some(value) = value {
            merged.insert(key.clone(), value);
        }
    }
    Ok(merged)
}

/// Returns each key of either side once, theirs first.
fn both<'a>(
    mine: &'a Dict,
    theirs: &'a Dict,
) -> impl Iterator<Item = (&'a Text, Option<&'a Value>, Option<&'a Value>)> {
    let shared = theirs.iter().map(|(key, value)| (key, mine.get_text(key), Some(value)));
    let own = mine.iter().filter(|(key, _)| theirs.get_text(key).is_none());
    shared.chain(own.map(|(key, value)| (key, Some(value), None)))
}

/// Both have changed the same, and the policy is an error.
struct Clash;

/// One key as it was, and as either side has it now.
#[derive(Clone, Copy)]
struct Sides<'a> {
    base: Option<&'a Value>,
    mine: Option<&'a Value>,
    theirs: Option<&'a Value>,
}

impl Sides<'_> {
    fn merge(self, key: &Text, policy: ConflictPolicy, depth: u32) -> Result<Option<Value>, Clash> {
        let Self { base, mine, theirs } = self;
        if theirs == base {
            return Ok(mine.cloned());
        }
        if mine == base {
            return Ok(theirs.cloned());
        }
        if let Some(list) = self.append(key.as_bytes() == FLASHES) {
            return Ok(list);
        }
        if mine == theirs {
            return Ok(theirs.cloned());
        }
        if let (Some(Value::Dict(mine)), Some(Value::Dict(theirs)), true) =
            (mine, theirs, depth > 0)
        {
            return merge_dicts(base, mine, theirs, policy, depth).map(Some);
        }
        match policy {
            ConflictPolicy::Error => Err(Clash),
            ConflictPolicy::FirstWriter => Ok(theirs.cloned()),
            ConflictPolicy::LastWriter => Ok(mine.cloned()),
        }
    }

    /// Returns both sides' list if at least one side has only appended to what was there.
    fn append(self, even_equal: bool) -> Option<Option<Value>> {
        let base = match self.base {
            Some(value) => value.as_list()?,
            // Both have made the list. Equal ones were set rather than appended to.
            None if self.mine == self.theirs && !even_equal => return None,
            None => {
                self.mine.and(self.theirs)?;
                &[]
            }
        };
        let (mine, theirs) = (items(self.mine)?, items(self.theirs)?);
        let merged = match (mine.strip_prefix(base), theirs.strip_prefix(base)) {
            (Some(tail), _) => [theirs, tail].concat(),
            (None, Some(tail)) => [mine, tail].concat(),
            (None, None) => return None,
        };
        let taken = self.mine.is_none() || self.theirs.is_none();
        Some((!merged.is_empty() || !taken).then_some(Value::List(merged)))
    }
}

/// Returns the items of a list; none where the list was removed.
fn items(value: Option<&Value>) -> Option<&[Value]> {
    value.map_or(Some(&[]), Value::as_list)
}

fn merge_dicts(
    base: Option<&Value>,
    mine: &Dict,
    theirs: &Dict,
    policy: ConflictPolicy,
    depth: u32,
) -> Result<Value, Clash> {
    let base = base.and_then(Value::as_dict);
    let mut merged = Dict::new();
    for (key, mine, theirs) in both(mine, theirs) {
        let sides = Sides { base: base.and_then(|base| base.get_text(key)), mine, theirs };
        if let Some(value) = sides.merge(key, policy, depth - 1)? {
            merged.insert(key.clone(), value);
        }
    }
    Ok(Value::Dict(merged))
}
