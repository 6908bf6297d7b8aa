//! What a request does to its session, and what must be left of it.

use hipflask_core::{
    session::{Session, SessionError},
    value::{Dict, Value},
};

/// The one thing that a request does. Each request has a number, so that its traces are its own.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Program {
    Append,
    ClearAndSet,
    Destroy,
    DestroyAndSet,
    Flash,
    Nested,
    Read,
    Remove,
    Renew,
    RenewAndSet,
    Set,
    TakeFlashes,
}

impl Program {
    pub(crate) const ALL: [Self; 12] = [
        Self::Append,
        Self::ClearAndSet,
        Self::Destroy,
        Self::DestroyAndSet,
        Self::Flash,
        Self::Nested,
        Self::Read,
        Self::Remove,
        Self::Renew,
        Self::RenewAndSet,
        Self::Set,
        Self::TakeFlashes,
    ];

    /// All but the one that only reads.
    pub(crate) const WRITERS: [Self; 11] = [
        Self::Append,
        Self::ClearAndSet,
        Self::Destroy,
        Self::DestroyAndSet,
        Self::Flash,
        Self::Nested,
        Self::Remove,
        Self::Renew,
        Self::RenewAndSet,
        Self::Set,
        Self::TakeFlashes,
    ];
    /// One of each kind.
    pub(crate) const FEW: [Self; 5] =
        [Self::Append, Self::ClearAndSet, Self::Destroy, Self::RenewAndSet, Self::Set];

    /// Does it, as a handler would.
    pub(crate) fn run(self, session: &mut Session, number: usize) -> Result<(), SessionError> {
        match self {
            Self::Append => session.push("list", trace(number)),
            Self::ClearAndSet => {
                session.clear()?;
                session.set(own_key(number), trace(number))
            }
            Self::Destroy => session.destroy(),
            Self::DestroyAndSet => {
                session.destroy()?;
                session.set(own_key(number), trace(number))
            }
            Self::Flash => session.flash("message", trace(number)),
            Self::Nested => {
                let mut dict = match session.value("dict") {
                    Some(Value::Dict(dict)) => dict,
                    _ => Dict::new(),
                };
                dict.insert(own_key(number), trace(number));
                session.set("dict", dict)
            }
            Self::Read => Ok(()),
            Self::Remove => session.remove("removable").map(|_| ()),
            Self::Renew => session.renew(),
            Self::RenewAndSet => {
                session.renew()?;
                session.set(own_key(number), trace(number))
            }
            Self::Set => session.set(own_key(number), trace(number)),
            Self::TakeFlashes => session.take_flashes().map(|_| ()),
        }
    }

    pub(crate) const fn renews(self) -> bool {
        matches!(self, Self::Renew | Self::RenewAndSet)
    }

    /// Reports whether what it has written is there, exactly once.
    pub(crate) fn is_in(self, content: &Dict, number: usize) -> bool {
        let count = |key: &str, trace: &dyn Fn(&Value) -> bool| {
            items(content.get(key)).iter().filter(|item| trace(item)).count()
        };
        let is_trace = |value: &Value| *value == trace(number);
        match self {
            Self::Append => count("list", &is_trace) == 1,
            Self::Flash => count("_flashes", &|flash| items(Some(flash)).iter().any(is_trace)) == 1,
            Self::Nested => {
                let dict = content.get("dict").and_then(Value::as_dict);
                dict.and_then(|dict| dict.get(&own_key(number))).is_some_and(is_trace)
            }
            Self::Remove => !content.contains("removable"),
            Self::ClearAndSet | Self::DestroyAndSet | Self::RenewAndSet | Self::Set => {
                content.get(&own_key(number)).is_some_and(is_trace)
            }
            Self::Destroy | Self::Read | Self::Renew | Self::TakeFlashes => true,
        }
    }

    /// Reports whether any trace of it is there.
    pub(crate) fn is_traced_in(self, content: &Dict, number: usize) -> bool {
        self != Self::Remove && self.traces_in(content, number) > 0
    }

    /// Returns how often its trace is there.
    pub(crate) fn traces_in(self, content: &Dict, number: usize) -> usize {
        fn count(value: &Value, trace: &Value) -> usize {
            match value {
                Value::Dict(dict) => dict.iter().map(|(_, value)| count(value, trace)).sum(),
                Value::List(items) | Value::Tuple(items) => {
                    items.iter().map(|item| count(item, trace)).sum()
                }
                value => usize::from(value == trace),
            }
        }
        let trace = trace(number);
        content.iter().map(|(_, value)| count(value, &trace)).sum()
    }
}

/// What one request leaves behind: nobody else does.
fn trace(number: usize) -> Value {
    Value::from(format!("trace {number}"))
}

fn own_key(number: usize) -> String {
    format!("key {number}")
}

pub(crate) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_list).unwrap_or_default()
}
