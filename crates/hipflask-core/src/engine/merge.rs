//! Three-way merge of a session's content, key by key and at every depth.

use crate::{
    flash::FLASHES,
    session::STARTED,
    value::{Dict, Text, Value},
};

/// Deeper dicts are taken as one value, which bounds the recursion.
const MAX_DEPTH: u32 = 64;

/// So many comparisons of items are not worth their time.
const MANY: usize = 1 << 20;

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
    fn of(key: &Text) -> Self {
        // A key may be as long as a value.
        Self { key: key.to_string_lossy().chars().take(40).collect() }
    }

    /// Returns the key of the session under which both have changed something.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Returns `theirs` with all that differs between `base` and `mine`.
///
/// Different keys merge at every depth. If one side has only appended to a list, what it appended
/// follows what the other side has made of the list; a list that was removed was taken as it was
/// seen, so that what was added meanwhile stays. All else that both have changed goes to the policy.
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
    merge_dicts(Some(base), mine, theirs, policy, MAX_DEPTH).map_err(MergeConflict::of)
}

/// As [`merge`]; the error is the key of this dict under which both have changed the same.
fn merge_dicts<'a>(
    base: Option<&Dict>,
    mine: &'a Dict,
    theirs: &'a Dict,
    policy: ConflictPolicy,
    depth: u32,
) -> Result<Dict, &'a Text> {
    let mut merged = Dict::new();
    for (key, mine, theirs) in both(mine, theirs) {
        let sides = Sides { base: base.and_then(|base| base.get_text(key)), mine, theirs };
        if let Some(value) = sides.merge(key, policy, depth).map_err(|Clash| key)? {
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
        if let Some(list) = self.append(key.as_bytes() == FLASHES.as_bytes()) {
            return Ok(list);
        }
        // Two requests may note the start of one session, a moment apart.
        if mine == theirs || key.as_bytes() == STARTED.as_bytes() {
            return Ok(theirs.cloned());
        }
        if let (Some(Value::Dict(mine)), Some(Value::Dict(theirs)), true) =
            (mine, theirs, depth > 0)
        {
            let base = base.and_then(Value::as_dict);
            let merged = merge_dicts(base, mine, theirs, policy, depth - 1);
            return merged.map(|merged| Some(Value::Dict(merged))).map_err(|_| Clash);
        }
        match policy {
            ConflictPolicy::Error => Err(Clash),
            ConflictPolicy::FirstWriter => Ok(theirs.cloned()),
            ConflictPolicy::LastWriter => Ok(mine.cloned()),
        }
    }

    /// Returns both sides' list if at least one side has only appended to what was there, or has
    /// removed the list, and with it what was there.
    ///
    /// Flash messages are only ever appended and taken, all at once: who has not what was there has
    /// taken it, and all that he has is new.
    fn append(self, are_flashes: bool) -> Option<Option<Value>> {
        let base = match self.base {
            Some(value) => value.as_list()?,
            // Both have made the list. Equal ones were set rather than appended to.
            None if self.mine == self.theirs && !are_flashes => return None,
            None => {
                self.mine.and(self.theirs)?;
                &[]
            }
        };
        let (mine, theirs) = (items(self.mine)?, items(self.theirs)?);
        let is_removed = self.mine.is_none() || self.theirs.is_none();
        let merged = match (mine.strip_prefix(base), theirs.strip_prefix(base)) {
            (Some(tail), _) => [theirs, tail].concat(),
            (None, Some(tail)) => [mine, tail].concat(),
            (None, None) if are_flashes => [theirs, mine].concat(),
            (None, None) if is_removed && base.len() * (mine.len() + theirs.len()) < MANY => {
                let rest = mine.iter().chain(theirs);
                rest.filter(|item| !base.contains(item)).cloned().collect()
            }
            (None, None) => return None,
        };
        Some((!merged.is_empty() || !is_removed).then_some(Value::List(merged)))
    }
}

/// Returns the items of a list; none where the list was removed.
fn items(value: Option<&Value>) -> Option<&[Value]> {
    value.map_or(Some(&[]), Value::as_list)
}
