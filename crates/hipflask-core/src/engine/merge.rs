//! Three-way merge of a session's content, key by key and at every depth.
//!
//! The rules are the table in `docs/merging.md`; `tests/it/merging.rs` has a test for each row.

use std::convert::Infallible;

use crate::{
    flash::FLASHES,
    session::STARTED,
    value::{Dict, Text, Value},
};

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
/// use hipflask_core::{engine::{Changes, ConflictPolicy}, value::{Dict, Value}};
///
/// let [base, mine, theirs] = [0, 1, 2].map(|n| Dict::from_iter([("n".into(), Value::from(n))]));
/// let error = Changes::new(&base, &mine).merge(&theirs, ConflictPolicy::Error).unwrap_err();
/// assert_eq!(error.key(), "n");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("another request has changed the key {key:?} of the session meanwhile: try again")]
pub struct MergeConflict {
    key: String,
}

impl MergeConflict {
    fn on(key: &Text) -> Self {
        // A key may be as long as a value.
        Self { key: key.to_string_lossy().chars().take(40).collect() }
    }

    /// Returns the key of the session under which both have changed something.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// What a request has made of the content that it read.
///
/// Different keys merge at every depth. What either side has appended to a list stays, what is in
/// the store already first. All else that both have changed goes to the policy.
///
/// ```
/// use hipflask_core::{engine::{Changes, ConflictPolicy}, value::{Dict, Value}};
///
/// let cart = |items: &[&str]| -> Dict {
///     let items: Vec<Value> = items.iter().map(|item| Value::from(*item)).collect();
///     Dict::from_iter([("cart".into(), items.into())])
/// };
/// let (base, mine, theirs) = (cart(&["tea"]), cart(&["tea", "milk"]), cart(&["tea", "jam"]));
/// let merged = Changes::new(&base, &mine).merge(&theirs, ConflictPolicy::LastWriter)?;
/// assert_eq!(merged, cart(&["tea", "jam", "milk"]));
/// # Ok::<(), hipflask_core::engine::MergeConflict>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    base: &'a Dict,
    mine: &'a Dict,
    grown: &'a [Text],
}

/// One of the two who have changed the same.
#[derive(Clone, Copy)]
enum Writer {
    Mine,
    Theirs,
}

impl<'a> Changes<'a> {
    /// Takes what was read, and what it has become.
    pub const fn new(base: &'a Dict, mine: &'a Dict) -> Self {
        Self { base, mine, grown: &[] }
    }

    /// Takes the keys of lists whose items were all [pushed](crate::session::Session::push) in this
    /// request. Any other list that was not there, or was empty, counts as assigned.
    #[must_use]
    pub const fn with_grown(self, grown: &'a [Text]) -> Self {
        Self { grown, ..self }
    }

    /// Returns `theirs`, which another request has written meanwhile, with the changes in it.
    ///
    /// # Errors
    ///
    /// [`MergeConflict`] if the policy says so.
    pub fn merge(self, theirs: &Dict, policy: ConflictPolicy) -> Result<Dict, MergeConflict> {
        self.onto(theirs, |key| match policy {
            ConflictPolicy::Error => Err(MergeConflict::on(key)),
            ConflictPolicy::FirstWriter => Ok(Writer::Theirs),
            ConflictPolicy::LastWriter => Ok(Writer::Mine),
        })
    }

    /// As [`merge`](Self::merge) with [`ConflictPolicy::LastWriter`], which cannot fail.
    pub fn rebase(self, theirs: &Dict) -> Dict {
        let Ok(merged) = self.onto(theirs, |_| Ok::<_, Infallible>(Writer::Mine));
        merged
    }

    /// Returns the lists that have only been appended to, and of which `theirs` has nothing left: on
    /// top of `theirs`, all that is in them was pushed in this request.
    pub(crate) fn grown_anew(self, theirs: &'a Dict) -> impl Iterator<Item = &'a Text> {
        let is_grown = move |(key, mine): &(&'a Text, &'a Value)| {
            let [was, now] = [self.base, theirs].map(|dict| items(dict.get_text(key)));
            let appended = was.zip(mine.as_list()).and_then(|(was, mine)| mine.strip_prefix(was));
            let has_appended = appended.is_some_and(|appended| !appended.is_empty());
            has_appended && was != Some(&[]) && now == Some(&[])
        };
        self.mine.iter().filter(is_grown).map(|(key, _)| key)
    }

    /// Merges without recursion, so that depth costs heap and never the stack. `choose` gets the key
    /// of the session under which both have changed the same.
    fn onto<E>(
        self,
        theirs: &'a Dict,
        choose: impl Fn(&Text) -> Result<Writer, E>,
    ) -> Result<Dict, E> {
        let mut open: Vec<(&Text, Level<'_>)> = Vec::new();
        let mut level = Level::new(Some(self.base), self.mine, theirs);
        loop {
            let Some((key, sides)) = level.rest.next() else {
                let merged = level.merged;
                let Some((key, outer)) = open.pop() else { return Ok(merged) };
                level = outer;
                level.merged.insert(key.clone(), Value::Dict(merged));
                continue;
            };
            if let (Some(Value::Dict(mine)), Some(Value::Dict(theirs))) = (sides.mine, sides.theirs)
            {
                let inner = Level::new(sides.base.and_then(Value::as_dict), mine, theirs);
                open.push((key, std::mem::replace(&mut level, inner)));
                continue;
            }
            let top = open.first().map(|(key, _)| *key);
            let merged = match sides.merge(self.kind_of(key, top.is_none())) {
                Some(merged) => merged,
                None => match choose(top.unwrap_or(key))? {
                    Writer::Mine => sides.mine.cloned(),
                    Writer::Theirs => sides.theirs.cloned(),
                },
            };
            if let Some(value) = merged {
                level.merged.insert(key.clone(), value);
            }
        }
    }

    fn kind_of(&self, key: &Text, is_top: bool) -> Kind {
        match key.as_bytes() {
            _ if !is_top => Kind::Any,
            key if key == STARTED.as_bytes() => Kind::Start,
            key if key == FLASHES.as_bytes() => Kind::Grown,
            _ if self.grown.contains(key) => Kind::Grown,
            _ => Kind::Any,
        }
    }
}

/// What is known of a key besides its values.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Any,
    /// The list is one that this request has only appended to since it was empty. Of flash messages
    /// that is true in every request: they are only ever appended and taken, all at once.
    Grown,
    /// The start of the session, which two requests may note a moment apart.
    Start,
}

/// A dict that both sides have.
struct Level<'a> {
    rest: std::vec::IntoIter<(&'a Text, Sides<'a>)>,
    merged: Dict,
}

impl<'a> Level<'a> {
    /// Takes each key of either side once, theirs first.
    fn new(base: Option<&'a Dict>, mine: &'a Dict, theirs: &'a Dict) -> Self {
        let added = mine.iter().filter(|(key, _)| theirs.get_text(key).is_none());
        let keys = theirs.iter().chain(added).map(|(key, _)| key);
        let sides = |key: &'a Text| Sides {
            base: base.and_then(|base| base.get_text(key)),
            mine: mine.get_text(key),
            theirs: theirs.get_text(key),
        };
        let rest: Vec<_> = keys.map(|key| (key, sides(key))).collect();
        Self { merged: Dict::with_capacity(rest.len()), rest: rest.into_iter() }
    }
}

/// One key as it was, and as either side has it now.
#[derive(Clone, Copy)]
struct Sides<'a> {
    base: Option<&'a Value>,
    mine: Option<&'a Value>,
    theirs: Option<&'a Value>,
}

impl Sides<'_> {
    /// Returns what both agree on, a removal included; `None` if the policy has to decide.
    fn merge(self, kind: Kind) -> Option<Option<Value>> {
        let Self { base, mine, theirs } = self;
        if theirs == base {
            return Some(mine.cloned());
        }
        if mine == base {
            return Some(theirs.cloned());
        }
        if let Some(items) = self.lists(kind == Kind::Grown) {
            let is_removed = mine.is_none() || theirs.is_none();
            return Some((!items.is_empty() || !is_removed).then_some(Value::List(items)));
        }
        (mine == theirs || kind == Kind::Start).then(|| theirs.cloned())
    }

    /// Returns the items of both lists if one side has only appended, or has taken all that was
    /// there.
    fn lists(self, is_grown: bool) -> Option<Vec<Value>> {
        let (mine, theirs) = (items(self.mine)?, items(self.theirs)?);
        let base = items(self.base).or(is_grown.then_some(&[]))?;
        // Of what was added to nothing, only the request itself knows that it was not assigned.
        let tail = |list| <[_]>::strip_prefix(list, base).filter(|_| !base.is_empty());
        if let Some(appended) = tail(mine) {
            return Some([theirs, appended].concat());
        }
        if is_grown {
            return Some(match tail(theirs) {
                Some(appended) => [appended, mine].concat(),
                None => theirs.iter().chain(not_kept(base, mine, theirs)).cloned().collect(),
            });
        }
        if let Some(appended) = tail(theirs) {
            return Some([mine, appended].concat());
        }
        match (mine, theirs) {
            ([], other) | (other, []) => added(base, other).map(<[_]>::to_vec),
            _ => None,
        }
    }
}

/// Returns the items of a list; none where the list was removed.
fn items(value: Option<&Value>) -> Option<&[Value]> {
    value.map_or(Some(&[]), Value::as_list)
}

/// Leaves out what both sides have of a list from which either has taken something.
fn not_kept<'a>(
    base: &'a [Value],
    mine: &'a [Value],
    theirs: &'a [Value],
) -> impl Iterator<Item = &'a Value> {
    let is_few = mine.len() * (base.len() + theirs.len()) < MANY;
    mine.iter().filter(move |it| !is_few || !base.contains(it) || !theirs.contains(it))
}

/// Returns what was added to a list of which nothing else is left than some items in their order.
fn added<'a>(base: &[Value], list: &'a [Value]) -> Option<&'a [Value]> {
    let mut rest = base.iter();
    let n_left = list.iter().take_while(|item| rest.any(|was| was == *item)).count();
    let added = &list[n_left..];
    let is_new = |item| base.len() * added.len() < MANY && !base.contains(item);
    added.iter().all(is_new).then_some(added)
}
