//! When a token is refreshed: by its remaining life, a leeway before it ends, spread a little, and never
//! so often that a short-lived token makes a hot loop (C1, C2, C5). It must follow the clock: what is
//! learnt of Clerk's time later moves the refresh of a token that is held already (C3).

use super::clock::{Clock, Millis};
use super::context::Context;
use super::rules::{Rule, holds};
use super::token::Claims;

/// No two scheduled fetches are closer together (C2).
const FLOOR: Millis = Millis::seconds(1);

/// The times of a held token.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// On Clerk's clock. Never, where it says nothing of an end: it is used until refused (C5).
    exp: Millis,
    leeway: Millis,
    spread: Millis,
    /// The refresh is not before this local time (C2).
    floor: Millis,
}

impl Lifetime {
    /// Reads the claims of a token that was asked for at `sent`. An answer of Clerk's cache was no fetch,
    /// so a quarter of its life need not pass before the next; nor where its life is not known (C2).
    pub fn new(claims: Claims, context: &mut Context, sent: Millis, minted: bool) -> Self {
        let exp = claims.exp.unwrap_or(Millis::MAX);
        // Without `iat`, what was left of its life on arrival (C5).
        let from = claims.iat.unwrap_or(context.clock.server());
        let quarter = (exp - from).max(Millis::ZERO).part(4);
        let leeway = if holds(Rule::Leeway) { quarter.min(context.options.leeway) } else { Millis::ZERO };
        let whole = minted && claims.iat.is_some();
        let floor = sent + if whole { quarter.max(FLOOR) } else { FLOOR };
        Self { exp, leeway, spread: context.random.up_to(leeway.part(10)), floor }
    }

    fn floor(self) -> Millis {
        if holds(Rule::Floor) { self.floor } else { Millis::ZERO }
    }

    /// How long the token is good still; negative once it ran out.
    pub fn remaining(self, clock: &Clock) -> Millis {
        if self.exp == Millis::MAX { Millis::MAX } else { self.exp - clock.server() }
    }

    /// Refreshes as soon as the floor allows (C2): somebody else's time has come.
    pub fn hasten(&mut self, clock: &Clock) {
        self.leeway = self.leeway.max(self.remaining(clock));
    }

    /// Whether a refresh that finds this token has to ask for a minted one (B7): it is within the leeway,
    /// the spread included.
    pub fn is_spent(self, clock: &Clock) -> bool {
        self.remaining(clock) <= self.leeway + self.leeway.part(10)
    }

    /// The local time at which it runs out.
    pub fn ends(self, clock: &Clock) -> Millis {
        if self.exp == Millis::MAX { Millis::MAX } else { clock.local(self.exp) }
    }

    /// The local time of its refresh: `min(leeway, life / 4)` before its end, and a little (C1).
    pub fn refresh_at(self, clock: &Clock) -> Millis {
        let ends = self.ends(clock);
        if ends == Millis::MAX { ends } else { (ends - self.leeway - self.spread).max(self.floor()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Now;
    use super::super::options::Options;
    use super::*;

    /// In how many milliseconds a token that arrives `now` is refreshed; times in seconds.
    fn refresh_in(iat: Option<i64>, exp: Option<i64>, now: i64, minted: bool) -> Option<i64> {
        let mut context = Context::new(Options::default());
        context.clock.advance(Now { wall: Millis::seconds(now), mono: Millis::ZERO });
        let (iat, exp) = (iat.map(Millis::seconds), exp.map(Millis::seconds));
        let claims = Claims { iat, exp, ..Claims::default() };
        let now = context.time();
        let at = Lifetime::new(claims, &mut context, now, minted).refresh_at(&context.clock);
        (at < Millis::MAX).then_some((at - now).0)
    }

    #[test]
    fn c1_refreshes_by_remaining_life() {
        let minted = refresh_in(Some(1000), Some(1060), 1000, true).unwrap_or_default();
        assert!((49_000..=50_000).contains(&minted), "{minted}");
        let cached = refresh_in(Some(960), Some(1020), 980, false).unwrap_or_default(); // 40 s left of 60
        assert!((29_000..=30_000).contains(&cached), "{cached}");
        // Fourteen seconds left: before its end, though a quarter of its life has not passed.
        let late = refresh_in(Some(960), Some(1020), 1006, false).unwrap_or_default();
        assert!((3_000..=4_000).contains(&late), "{late}");
    }

    #[test]
    fn c2_short_lived_tokens_make_no_hot_loop() {
        let eight = refresh_in(Some(1000), Some(1008), 1000, true).unwrap_or_default();
        assert!((5_800..=6_000).contains(&eight), "{eight}");
        assert_eq!(refresh_in(Some(1000), Some(1001), 1000, true), Some(1_000));
        assert_eq!(refresh_in(Some(1000), Some(1060), 1059, true), Some(15_000));
        assert_eq!(refresh_in(Some(1000), Some(1000), 1000, false), Some(1_000));
    }

    #[test]
    fn c5_missing_claims_are_handled() {
        assert_eq!(refresh_in(Some(1000), None, 1000, true), None);
        let no_iat = refresh_in(None, Some(1060), 1000, true).unwrap_or_default();
        assert!((49_000..=50_000).contains(&no_iat), "{no_iat}");
        assert_eq!(refresh_in(None, None, 1000, false), None);
    }
}
