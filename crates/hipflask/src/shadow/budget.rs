//! How much of the time of requests may be spent on looking at them.

use std::time::Duration;

/// How many requests are looked at in any case.
const FREE: u32 = 200;

/// Lets requests pass while more than a share of their time was spent.
#[derive(Debug)]
pub(super) struct Budget {
    share: f64,
    free: u32,
    /// What was spent and is not yet paid for.
    debt: Duration,
    /// How long a request takes.
    mean: Duration,
}

impl Budget {
    pub(super) const fn new(share: f64) -> Self {
        // What is no number becomes 0.
        let share = share.max(0.0).min(1.0);
        Self { share, free: FREE, debt: Duration::ZERO, mean: Duration::ZERO }
    }

    /// Reports whether the next request may be looked at.
    pub(super) fn allows(&mut self) -> bool {
        if self.free > 0 {
            self.free -= 1;
            return true;
        }
        self.debt = self.debt.saturating_sub(self.mean.mul_f64(self.share));
        self.debt.is_zero() || self.share >= 1.0
    }

    /// Notes what a look has cost, and how long its request has taken without it.
    pub(super) fn spend(&mut self, spent: Duration, request: Duration) {
        self.mean = if self.mean.is_zero() { request } else { (self.mean * 15 + request) / 16 };
        if self.free == 0 {
            self.debt += spent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_pass_while_looking_is_dear() {
        let looked_at = |share| {
            let mut budget = Budget::new(share);
            let mut n = 0;
            for _ in 0..1200 {
                if budget.allows() {
                    n += 1;
                    budget.spend(Duration::from_micros(200), Duration::from_millis(1));
                }
            }
            n
        };
        // A look takes four times what it may: after the first 200, one of four.
        assert_eq!((looked_at(0.05), looked_at(1.0)), (200 + 1000 / 4, 1200));
    }
}
