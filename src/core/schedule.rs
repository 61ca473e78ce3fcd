//! When a token is refreshed: by its remaining life, a leeway before it ends, spread a little, and never
//! so often that a short-lived token makes a hot loop (C1, C2, C5).

use super::clock::{Clock, Millis};
use super::context::Context;
use super::token::Claims;

/// No two scheduled fetches are closer together (C2).
const FLOOR: Millis = Millis::seconds(1);

/// The times of a held token.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// On Clerk's clock. `None`: it says nothing of an end and is used until refused (C5).
    exp: Option<Millis>,
    /// The whole life, or what was left of it on arrival where `iat` is missing (C5).
    life: Millis,
}

impl Lifetime {
    /// Reads the claims of a token that has just arrived.
    pub fn new(claims: Claims, clock: &Clock) -> Self {
        let from = claims.iat.unwrap_or_else(|| clock.server());
        let life = claims.exp.map_or(Millis::ZERO, |exp| exp - from).max(Millis::ZERO);
        Self { exp: claims.exp, life }
    }

    /// How long the token is good still; negative once it ran out.
    pub fn remaining(self, clock: &Clock) -> Millis {
        self.exp.map_or(Millis::MAX, |exp| exp - clock.server())
    }

    /// The local time at which it runs out.
    pub fn ends(self, clock: &Clock) -> Option<Millis> {
        self.exp.map(|exp| clock.local(exp))
    }

    /// So long before its end a token is due: `min(leeway, life / 4)` (C1).
    pub fn leeway(self, most: Millis) -> Millis {
        most.min(self.life.part(4))
    }

    /// The local time of the refresh of a token that has just arrived.
    pub fn refresh_at(self, context: &mut Context) -> Option<Millis> {
        let leeway = self.leeway(context.options.leeway);
        let spread = context.random.up_to(leeway.part(10));
        let floor = context.time() + FLOOR.max(self.life.part(4));
        Some((self.ends(&context.clock)? - leeway - spread).max(floor))
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Now;
    use super::super::options::Options;
    use super::*;

    fn refresh_in(iat: Option<i64>, exp: Option<i64>, now: i64) -> Option<i64> {
        let mut context = Context::new(Options::default());
        context.clock.advance(Now { wall: Millis::seconds(now), mono: Millis::ZERO });
        let (iat, exp) = (iat.map(Millis::seconds), exp.map(Millis::seconds));
        let claims = Claims { iat, exp, ..Claims::default() };
        let at = Lifetime::new(claims, &context.clock).refresh_at(&mut context)?;
        Some((at - Millis::seconds(now)).0)
    }

    #[test]
    fn c1_refreshes_by_remaining_life() {
        let minted = refresh_in(Some(1000), Some(1060), 1000).unwrap_or_default();
        assert!((49_000..=50_000).contains(&minted), "{minted}");
        let cached = refresh_in(Some(960), Some(1020), 980).unwrap_or_default(); // 40 s left of 60
        assert!((29_000..=30_000).contains(&cached), "{cached}");
    }

    #[test]
    fn c2_short_lived_tokens_make_no_hot_loop() {
        let eight = refresh_in(Some(1000), Some(1008), 1000).unwrap_or_default();
        assert!((5_800..=6_000).contains(&eight), "{eight}");
        assert_eq!(refresh_in(Some(1000), Some(1001), 1000), Some(1_000));
        assert_eq!(refresh_in(Some(1000), Some(1060), 1059), Some(15_000));
        assert_eq!(refresh_in(Some(1000), Some(1000), 1000), Some(1_000));
    }

    #[test]
    fn c5_missing_claims_are_handled() {
        assert_eq!(refresh_in(Some(1000), None, 1000), None);
        let no_iat = refresh_in(None, Some(1060), 1000).unwrap_or_default();
        assert!((49_000..=50_000).contains(&no_iat), "{no_iat}");
        assert_eq!(refresh_in(None, None, 1000), None);
    }
}
