//! What a store has to do, as a test suite that any store can run: its definition in tests.
//!
//! Knows only [`Store`]: each rule is a question to a store, and the answer that it must give.

mod case;
mod expiry;
mod keys;
mod races;
mod renewing;
mod scanning;
mod two_steps;
mod writing;

use std::{fmt::Debug, future::Future, pin::Pin, time::Duration};

pub use self::two_steps::renew;

use self::case::{Case, Failure, Outcome};
use super::{Store, StoreError};

/// Runs every rule on a store. Takes about five seconds, for some rules wait until records expire.
///
/// All keys start with `prefix`, which nobody else may use: so the store can be in use otherwise,
/// and many suites can run on one server. It must be called in a tokio runtime.
///
/// ```
/// # #[cfg(feature = "memory")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), hipflask::store::conformance::Violation> {
/// use hipflask::store::{MemoryStore, conformance::{self, Abilities}};
///
/// let passed = conformance::run(&MemoryStore::new(), "suite:", Abilities::new()).await?;
/// assert!(passed.rules().contains(&"create_never_overwrites"));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "memory"))] fn main() {}
/// ```
///
/// # Errors
///
/// [`Violation`] says which rule is broken first, and how.
pub async fn run<S: Store + Clone>(
    store: &S,
    prefix: &str,
    abilities: Abilities,
) -> Result<Passed, Violation> {
    let mut passed = Passed { rules: Vec::new() };
    for (rule, outcome) in prompt_rules(store, prefix, abilities) {
        passed.add(rule, start(outcome).await)?;
    }
    // They do little but wait, so they wait together.
    let timed = timed_rules(store, prefix, abilities);
    let tasks = timed.map(|(rule, outcome)| (rule, start(outcome)));
    for (rule, task) in tasks {
        passed.add(rule, task.await)?;
    }
    Ok(passed)
}

/// Longer than any rule takes on a store that answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a rule in a task of its own, where it cannot stop the suite.
fn start(outcome: impl Future<Output = Outcome> + Send + 'static) -> impl Future<Output = Outcome> {
    let task = tokio::spawn(tokio::time::timeout(PATIENCE, outcome));
    async {
        match task.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::new("an answer", &"none within a minute")),
            Err(_) => Err(Failure::new("an answer", &"a panic")),
        }
    }
}

type Rule = (&'static str, Pin<Box<dyn Future<Output = Outcome> + Send>>);

/// Pairs each rule with its name, and gives it keys of its own.
macro_rules! rules {
    ($store:ident, $prefix:ident, $abilities:ident: $($module:ident::$rule:ident,)*) => {
        [$({
            let case = Case::new($store, $prefix, stringify!($rule), $abilities);
            (stringify!($rule), Box::pin($module::$rule(case)))
        },)*]
    };
}

fn prompt_rules<S: Store + Clone>(
    store: &S,
    prefix: &str,
    abilities: Abilities,
) -> impl Iterator<Item = Rule> {
    let rules: [Rule; _] = rules![store, prefix, abilities:
        writing::absent_is_absent,
        writing::payloads_are_any_bytes,
        writing::create_never_overwrites,
        writing::create_many_never_overwrites,
        writing::replace_needs_what_was_read,
        writing::replace_needs_a_record,
        writing::conflict_shows_the_current_record,
        writing::touch_keeps_the_payload,
        writing::delete_ends_a_record,
        writing::sizes_are_kept_or_refused,
        keys::keys_are_exact,
        keys::keys_are_any_printable_ascii,
        keys::many_records_are_kept_apart,
        renewing::renew_moves_a_record,
        renewing::renew_needs_what_was_read,
        renewing::renew_never_overwrites,
        races::one_of_many_creates_wins,
        races::one_of_many_replaces_wins,
        races::one_of_many_renewals_wins,
        races::no_increment_is_lost,
        races::no_field_is_lost,
        races::delete_wins_over_replaces,
        scanning::scan_finds_a_prefix,
        writing::prepare_keeps_what_is_there,
    ];
    rules.into_iter()
}

fn timed_rules<S: Store + Clone>(store: &S, prefix: &str, abilities: Abilities) -> [Rule; 8] {
    rules![store, prefix, abilities:
        expiry::expired_is_absent,
        expiry::expired_is_free_again,
        expiry::touch_sets_the_lifetime,
        expiry::load_touches_when_due,
        expiry::load_leaves_what_is_not_due,
        expiry::replace_sets_the_lifetime,
        expiry::retired_is_never_touched,
        expiry::purge_removes_only_what_expired,
    ]
}

/// What a store can do; by default, everything.
///
/// ```
/// use hipflask::store::conformance::Abilities;
///
/// let memcached = Abilities::new().without_scan().with_max_payload(1024 * 1024 - 1024);
/// # let _ = memcached;
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Abilities {
    scan: bool,
    max_payload: usize,
}

impl Abilities {
    /// Returns all abilities.
    pub const fn new() -> Self {
        Self { scan: true, max_payload: usize::MAX }
    }

    /// Says that the store cannot list its keys; then it has to say so itself.
    #[must_use]
    pub const fn without_scan(mut self) -> Self {
        self.scan = false;
        self
    }

    /// Says how long a payload may be; then a longer one must be refused.
    #[must_use]
    pub const fn with_max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }
}

impl Default for Abilities {
    fn default() -> Self {
        Self::new()
    }
}

/// The rules that a store has kept.
///
/// See [`run`].
///
/// ```no_run
/// # fn show(passed: hipflask::store::conformance::Passed) {
/// println!("{} rules kept", passed.rules().len());
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passed {
    rules: Vec<&'static str>,
}

impl Passed {
    /// Returns their names.
    pub fn rules(&self) -> &[&'static str] {
        &self.rules
    }

    fn add(&mut self, rule: &'static str, outcome: Outcome) -> Result<(), Violation> {
        outcome.map_err(|failure| Violation { rule, failure })?;
        self.rules.push(rule);
        Ok(())
    }
}

/// The first rule that a store breaks. Its text shows neither keys nor payloads.
///
/// ```no_run
/// # fn show(violation: hipflask::store::conformance::Violation) {
/// assert_eq!(violation.rule(), "create_never_overwrites");
/// println!("{violation}"); // the store breaks the rule create_never_overwrites: expected …
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the store breaks the rule {rule}: {failure}")]
pub struct Violation {
    rule: &'static str,
    failure: Failure,
}

impl Violation {
    /// Returns the rule's name.
    pub const fn rule(&self) -> &'static str {
        self.rule
    }

    /// Returns the store's error, if it should have answered and did not.
    pub const fn store_error(&self) -> Option<&StoreError> {
        self.failure.store_error()
    }
}

/// Checks an answer.
fn ensure(holds: bool, expected: &'static str, found: &impl Debug) -> Outcome {
    if holds { Ok(()) } else { Err(Failure::new(expected, found)) }
}
