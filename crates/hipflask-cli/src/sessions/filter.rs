//! Which sessions are meant: by user, age and size.

use std::time::Duration;

use hipflask_core::UnixTime;

use super::info::Info;

/// What a session must be; by default anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) user: Option<String>,
    pub(super) older_than: Option<Duration>,
    pub(super) larger_than: Option<usize>,
}

impl Filter {
    /// Reports whether a session is meant. One whose age is not known is not known to be old.
    pub(super) fn has(&self, info: &Info, now: UnixTime) -> bool {
        let age = info.created.map(|created| now.since(created));
        self.user.as_ref().is_none_or(|user| info.user.as_ref() == Some(user))
            && self.older_than.is_none_or(|least| age.is_some_and(|age| age >= least))
            && self.larger_than.is_none_or(|most| info.bytes > most)
    }
}

#[cfg(test)]
mod tests {
    use hipflask_core::value::Dict;

    use super::*;

    #[test]
    fn filter_wants_all_that_it_says() {
        let info = Info {
            id: String::new(),
            user: Some("7".into()),
            created: Some(UnixTime::from_secs(1000)),
            seen: None,
            expires: None,
            bytes: 100,
            format: String::new(),
            is_encrypted: false,
            content: Ok(Dict::new()),
        };
        let has = |filter: Filter| filter.has(&info, UnixTime::from_secs(1060));
        let minute = Some(Duration::from_secs(60));
        let any = Filter::default;
        assert!(has(any()));
        assert!(has(Filter { user: Some("7".into()), older_than: minute, larger_than: Some(99) }));
        assert!(!has(Filter { user: Some("77".into()), ..any() }));
        assert!(!has(Filter { older_than: Some(Duration::from_secs(61)), ..any() }));
        assert!(!has(Filter { larger_than: Some(100), ..any() }));
        let of_unknown_age = Info { created: None, ..info };
        let old = Filter { older_than: minute, ..any() };
        assert!(!old.has(&of_unknown_age, UnixTime::from_secs(1060)));
    }
}
