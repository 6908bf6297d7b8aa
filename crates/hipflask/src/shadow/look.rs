//! Looks at one request after the other, and counts.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hipflask_core::{UnixTime, cookie, reason::Reason, visit::Opened};
use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

use super::{ShadowReport, TheirSession, budget::Budget};
use crate::{SessionInterface, spans};

/// What all clones of a layer share.
pub(super) struct Look {
    pub(super) interface: SessionInterface,
    pub(super) share: f64,
    pub(super) cost: f64,
    counts: Mutex<Counts>,
}

struct Counts {
    report: ShadowReport,
    budget: Budget,
}

impl Look {
    pub(super) fn new(interface: SessionInterface, share: f64, cost: f64) -> Self {
        let counts = Counts { report: ShadowReport::default(), budget: Budget::new(cost) };
        Self { interface, share, cost, counts: Mutex::new(counts) }
    }

    /// Counts a request, and reports whether it is to be looked at.
    pub(super) fn draws(&self) -> bool {
        let Counts { report, budget } = &mut *self.counts();
        #[expect(clippy::cast_precision_loss, reason = "it may be off by a request in 10^15")]
        let looked_at = |n: u64| (n as f64 * self.share).floor();
        let before = looked_at(report.requests);
        report.requests += 1;
        looked_at(report.requests) > before && budget.allows()
    }

    /// Notes how long a request has taken, and the looking.
    pub(super) fn spend(&self, spent: Duration, request: Duration) {
        let Counts { report, budget } = &mut *self.counts();
        report.looked_at += 1;
        report.time += request;
        report.time_looking += spent;
        budget.spend(spent, request);
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut ShadowReport) -> T) -> T {
        change(&mut self.counts().report)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the session of a request; nothing, if the store does not answer.
    pub(super) async fn open_lines(&self, lines: &[HeaderValue]) -> Option<Opened> {
        let lines = lines.iter().map(HeaderValue::as_bytes);
        let value = cookie::find_in(lines, self.interface.cookie_name());
        let opened = self.open(value.as_deref(), self.interface.now()).await;
        let reason = opened.as_ref().map_or(Reason::StoreUnavailable, |it| it.visit().reason());
        self.change(|report| *report.reasons.entry(reason.code()).or_default() += 1);
        opened
    }

    async fn open(&self, value: Option<&[u8]>, now: UnixTime) -> Option<Opened> {
        let opening = self.interface.live().sessions.look_at(value, now);
        self.interface.carry_on(opening, spans::opening()).await.ok()
    }

    /// Compares what both have opened, and what the other side sends with what would be sent here.
    pub(super) async fn compare(
        &self,
        opened: Option<Opened>,
        theirs: Option<&TheirSession>,
        headers: &HeaderMap,
    ) {
        let unlike = match (opened, theirs) {
            (Some(opened), Some(TheirSession(Some(theirs)))) => opened.unlike(theirs),
            _ => None,
        };
        let name = self.interface.cookie_name();
        let is_ours = |line: &&str| line.split('=').next().is_some_and(|it| it.trim() == name);
        let lines = headers.get_all(SET_COOKIE).iter();
        let sent = lines.filter_map(|line| line.to_str().ok()).rfind(is_ours);
        let differs = match sent {
            None => None,
            Some(line) => {
                let now = self.interface.now();
                let value = line.split(';').next().unwrap_or_default();
                let value = cookie::find_in([value.as_bytes()], name);
                let opened = self.open(value.as_deref(), now).await;
                let sessions = &self.interface.live().sessions;
                opened.and_then(|opened| sessions.compare(line, opened, now))
            }
        };
        let differences = [unlike, differs];
        self.change(|report| differences.iter().flatten().for_each(|it| report.count(it)));
    }
}
