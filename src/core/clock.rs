//! Time as the bridge sees it: a local time that never goes back and never stands still through a
//! sleep, and what Clerk's clock says compared to it. It must never trust the wall clock alone (C3).

use ::core::ops::{Add, Sub};

use super::rules::{Rule, holds};

/// A moment (milliseconds since the Unix epoch) or a span of time. Whatever comes from outside is cut to
/// [`Millis::MAX`] either way, a quarter million years, so that sums and differences stay in range; they
/// wrap without a check because the checks of saturating ones were a tenth of the wasm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub i64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Never.
    pub const MAX: Self = Self(1 << 53);

    /// So many seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.wrapping_mul(1000))
    }

    /// Brings a time from outside into range.
    pub fn bounded(self) -> Self {
        Self(self.0.clamp(-Self::MAX.0, Self::MAX.0))
    }

    /// The `n`th part of it.
    pub fn part(self, n: i64) -> Self {
        Self(self.0.checked_div(n).unwrap_or(0))
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl Sub for Millis {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

/// The clocks of a browser are never this far apart by themselves.
const LEAP: Millis = Millis(500);

/// Clerk's time is known no better than this (C3).
const EXACT: Millis = Millis::seconds(5);

/// A reading of the two clocks a browser has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// `Date.now()`: can be set by hand, forwards and back.
    pub wall: Millis,
    /// `performance.now()`: steady, but may stop while the machine sleeps.
    pub mono: Millis,
}

/// Local time, and the offset of Clerk's clock from it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    last: Option<Now>,
    time: Millis,
    offset: Millis,
}

impl Clock {
    /// Takes a reading. What elapsed is the larger of the two clocks' answers: the wall clock tells of
    /// a sleep, the monotonic one of a wall clock set back (C3). Tells whether the local time leapt, so
    /// that timers set before are late (C4).
    pub fn advance(&mut self, now: Now) -> bool {
        let last = self.last.replace(now).unwrap_or(Now { wall: Millis::ZERO, mono: now.mono });
        let (wall, mono) = (now.wall - last.wall, now.mono - last.mono);
        let elapsed = if holds(Rule::LargerClock) { wall.max(mono) } else { mono };
        self.time = self.time + elapsed.max(Millis::ZERO);
        wall > mono + LEAP
    }

    /// The local time; all deadlines of the bridge are on this line.
    pub fn time(&self) -> Millis {
        self.time
    }

    /// The time Clerk's servers are thought to have.
    pub fn server(&self) -> Millis {
        self.time + self.offset
    }

    /// The moment on the local line at which Clerk's clock shows `server`.
    pub fn local(&self, server: Millis) -> Millis {
        server - self.offset
    }

    /// Learns from a token minted between these two moments. Its `iat`, cut to whole seconds, was read off
    /// Clerk's clock at some moment between the two: an offset inside that window stays as it is, one
    /// outside is replaced by the window's middle (C3). A wide window, of an answer that took long, says
    /// too little for that: one not far outside is brought to its edge. So a token of unknown age, asked for
    /// long ago, tells only that an `iat` ahead of Clerk's supposed time proves the local clock to be behind.
    pub fn learn(&mut self, iat: Millis, (sent, came): (Millis, Millis)) {
        let low = iat - came;
        let high = iat + Millis(999) - sent;
        let half = (high - low).part(2);
        let middle = low + half;
        let nearest = self.offset.max(low).min(high);
        let near = half > EXACT && nearest - self.offset < half && self.offset - nearest < half;
        if nearest != self.offset && holds(Rule::Learns) {
            self.offset = if near { nearest } else { middle };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, mono: i64) -> Now {
        Now { wall: Millis(wall), mono: Millis(mono) }
    }

    #[test]
    fn c3_elapsed_time_is_the_larger_of_both_clocks() {
        let mut clock = Clock::default();
        clock.advance(at(1_000_000, 0));
        clock.advance(at(1_000_000 - 7_200_000, 500)); // set back two hours
        assert_eq!(clock.time(), Millis(1_000_500));
        clock.advance(at(1_000_000 - 7_200_000 + 60_000, 510)); // slept a minute
        assert_eq!(clock.time(), Millis(1_060_500));
    }

    #[test]
    fn c3_one_minted_token_tells_the_offset_within_five_seconds_at_a_day_of_skew() {
        for skew in [-86_400_000_i64, -90_000, 0, 90_000, 86_400_000] {
            for latency in [0, 150, 7_000] {
                let server = 1_700_000_000_000_i64;
                let mut clock = Clock::default();
                clock.advance(at(server + skew, 0));
                let sent = clock.time();
                clock.advance(at(server + skew + latency, latency));
                for minted_after in [0, latency] {
                    let iat = (server + minted_after).div_euclid(1000) * 1000;
                    clock.learn(Millis(iat), (sent, clock.time()));
                    let error = clock.server() - Millis(server + latency);
                    assert!(error.0.abs() <= 5_000, "skew {skew}, latency {latency}: off by {error:?}");
                }
            }
        }
    }

    #[test]
    fn c3_a_token_that_took_long_does_not_spoil_what_is_known() {
        let server = 1_700_000_000_000_i64;
        let mut clock = Clock::default();
        clock.advance(at(server - 86_400_000, 0));
        let sent = clock.time();
        clock.advance(at(server - 86_400_000 + 100, 100));
        clock.learn(Millis(server), (sent, clock.time()));
        let (sent, known) = (clock.time(), clock.server());
        clock.advance(at(server - 86_400_000 + 70_100, 100)); // a sleep between the two
        clock.learn(Millis(server - 1_000), (sent, clock.time()));
        let error = clock.server() - known - Millis(70_000);
        assert!(error.0.abs() <= 2_000, "off by {error:?}");
    }

    #[test]
    fn c3_a_cached_token_only_proves_that_the_clock_is_behind() {
        let mut clock = Clock::default();
        clock.advance(at(1_000_000, 0));
        clock.learn(Millis(940_000), (Millis::ZERO, clock.time()));
        assert_eq!(clock.server(), Millis(1_000_000));
        clock.learn(Millis(1_090_000), (Millis::ZERO, clock.time()));
        assert_eq!(clock.server(), Millis(1_090_000));
    }
}
