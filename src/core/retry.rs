//! Back-off after failures: exponential with full jitter (B3). Randomness is drawn from a seed that the
//! shell brings, so that a schedule can be run again.

use super::clock::Millis;
use super::rules::{Rule, holds};

/// A small generator of random numbers (xorshift64*): good enough to spread clients, not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from any seed.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    /// A span of time from zero up to `most`, each as likely.
    pub fn up_to(&mut self, most: Millis) -> Millis {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        let most = u64::try_from(most.0).unwrap_or(0).min(u64::from(u32::MAX));
        Millis((bits.wrapping_mul(most.wrapping_add(1)) >> 32) as i64)
    }
}

/// The range of a back-off: the first wait is at most `first`, none is longer than `last`.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// No wait is shorter.
    pub least: Millis,
    /// The longest first wait; doubled for each further failure.
    pub first: Millis,
    /// No wait is longer.
    pub last: Millis,
}

/// Passing failures of a token fetch (B3).
pub const FETCH: Range = Range { least: Millis(50), first: Millis(500), last: Millis::seconds(30) };
/// A template that does not exist (B5).
pub const TEMPLATE: Range =
    Range { least: Millis::seconds(5), first: Millis::seconds(5), last: Millis::seconds(60) };
/// A step of a backend that failed for a passing reason.
pub const STEP: Range = FETCH;
/// A backend that refused three fresh tokens (H5).
pub const REFUSED: Range =
    Range { least: Millis::seconds(30), first: Millis::seconds(30), last: Millis::seconds(300) };

/// A try made early waits so long after the failure before it (B3).
const PACE: Millis = Millis::seconds(1);

/// How many failures there were in a row, and when the next try is due.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
    at: Millis,
    earliest: Millis,
}

impl Backoff {
    /// Plans the next try after one more failure; not before `retry_after` has passed.
    pub fn fail(&mut self, time: Millis, range: Range, retry_after: Millis, random: &mut Random) -> Millis {
        let retry_after = if holds(Rule::RetryAfter) { retry_after } else { Millis::ZERO };
        let doubled = range.first.0.wrapping_shl(self.failures.min(20));
        let most = Millis(doubled).min(range.last);
        let wait = random.up_to(most).max(range.least).max(retry_after);
        self.failures = self.failures.saturating_add(1);
        self.at = time + wait;
        self.earliest = time + retry_after.max(PACE);
        wait
    }

    /// Plans the next try after so long, as another tab does (E7); `firm`: not before, whatever happens.
    pub fn wait(&mut self, time: Millis, wait: Millis, firm: bool) {
        self.at = time + wait;
        self.earliest = time + if firm { wait } else { PACE };
    }

    /// The next try may be made at once, as far as what failed asked for no longer wait.
    pub fn hurry(&mut self, time: Millis) {
        if self.waits(time) {
            let earliest = if holds(Rule::WakePace) { self.earliest } else { time };
            self.at = self.at.min(earliest.max(time));
        }
    }

    /// All is well again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// When the next try is due; long ago if none is waited for.
    pub fn at(&self) -> Millis {
        self.at
    }

    /// Whether a try has to wait still.
    pub fn waits(&self, time: Millis) -> bool {
        time < self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_waits_grow_to_thirty_seconds_with_full_jitter() {
        let mut longest = [Millis::ZERO; 12];
        for seed in 0..500 {
            let (mut random, mut backoff) = (Random::new(seed), Backoff::default());
            for (n, longest) in longest.iter_mut().enumerate() {
                let wait = backoff.fail(Millis::ZERO, FETCH, Millis::ZERO, &mut random);
                assert!(wait >= FETCH.least && wait.0 <= (500_i64 << n).min(30_000), "{n}: {wait:?}");
                *longest = wait.max(*longest);
            }
        }
        assert!(longest[0].0 > 400 && longest[11].0 > 29_000, "jitter is full: {longest:?}");
    }

    #[test]
    fn b3_a_wake_retries_at_once_but_once_a_second() {
        let (mut random, mut backoff) = (Random::new(1), Backoff::default());
        for _ in 0..8 {
            backoff.fail(Millis::ZERO, FETCH, Millis::ZERO, &mut random);
        }
        backoff.fail(Millis(100), Range { least: Millis::seconds(9), ..FETCH }, Millis::ZERO, &mut random);
        backoff.hurry(Millis(300));
        assert_eq!(backoff.at(), Millis(1_100));
        backoff.fail(Millis(1_200), Range { least: Millis::seconds(9), ..FETCH }, Millis::ZERO, &mut random);
        backoff.hurry(Millis(8_000));
        assert_eq!(backoff.at(), Millis(8_000));
    }

    #[test]
    fn b3_retry_after_is_honoured() {
        let (mut random, mut backoff) = (Random::new(1), Backoff::default());
        let wait = backoff.fail(Millis(10), FETCH, Millis::seconds(45), &mut random);
        assert_eq!((wait, backoff.at()), (Millis(45_000), Millis(45_010)));
        backoff.hurry(Millis(20));
        assert_eq!(backoff.at(), Millis(45_010), "a focused page is no reason to ask before");
    }
}
