//! C: when tokens are refreshed.

use crate::harness::fake::token_of;
use crate::harness::*;
use clerk_bridge::core::backend::Template;
use clerk_bridge::core::backend::policy::{CONVEX, CUSTOM};
use clerk_bridge::core::effect::{Command, Effect, Reason};
use clerk_bridge::core::event::{Ask, Wake};
use clerk_bridge::core::failure::Failure;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::snapshot::Status::{Authenticated, Loading};

const SESSION_TOKEN: Template = Template::Fixed(Name::NONE);
const DAY: i64 = 24 * 60 * MINUTE;

fn custom() -> Stage {
    Stage::attached(CUSTOM, SESSION_TOKEN, alice())
}

fn gaps(stage: &Stage) -> Vec<i64> {
    stage.fetches().windows(2).map(|pair| pair[1].at - pair[0].at).collect()
}

#[test]
fn c1_tokens_are_refreshed_a_leeway_before_their_end() {
    let mut stage = custom();
    stage.clerk.caches = false;
    stage.clerk.cache.clear();
    stage.advance(10 * MINUTE);
    let gaps = gaps(&stage);
    assert!(gaps.iter().all(|gap| (48_000..=50_200).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap != gaps[0]), "spread");
}

#[test]
fn c1_a_backend_never_holds_a_token_that_is_dead() {
    let mut stage = custom();
    for _ in 0..600 {
        stage.advance(SECOND);
        let run = *stage.backends[0].handed().last().unwrap();
        let claims = stage.claims_of(token_of(run.command).unwrap());
        assert!(claims.exp > Some(stage.server()), "{}", stage.now);
    }
    assert!(stage.published.iter().all(|(_, state)| !state.is_refreshing));
}

#[test]
fn c2_short_lived_tokens_make_no_hot_loop() {
    for (life, most) in [(8_000, 11), (2_000, 41), (1_000, 61), (500, 61), (0, 61)] {
        let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
        stage.clerk.life = Some(life);
        stage.sign_in(alice());
        stage.advance(MINUTE);
        let minted = stage.clerk.minted();
        assert!(minted <= most, "{life} ms: {minted} in a minute");
    }
}

#[test]
fn c3_a_clock_a_day_off_refreshes_on_time_once_a_minted_token_was_seen() {
    for skew in [-DAY, -5 * MINUTE, -90_000, 90_000, 5 * MINUTE, DAY] {
        let mut stage = Stage::new();
        stage.set_clock(skew);
        stage.backend(CUSTOM, SESSION_TOKEN);
        stage.tell(clerk_bridge::core::Event::Start);
        stage.sign_in(alice());
        stage.advance(SECOND);
        stage.ask(Ask::Fresh(Name::NONE));
        stage.advance(2 * SECOND);
        let entry = stage.published.len();
        for _ in 0..300 {
            stage.advance(SECOND);
            let run = *stage.backends[0].handed().last().unwrap();
            let claims = stage.claims_of(token_of(run.command).unwrap());
            assert!(claims.exp > Some(stage.server()), "{skew}: a dead token at {}", stage.now);
        }
        assert_eq!(stage.published.len(), entry, "{skew}: no premature refreshing");
        let minted = stage.clerk.minted();
        assert!(minted <= 16, "{skew}: {minted} minted in five minutes");
    }
}

#[test]
fn c3_what_is_learnt_of_clerks_time_moves_the_refresh_of_a_token_that_is_held() {
    // The client is five minutes behind, and holds a token of unknown age for its backend.
    let mut stage = Stage::new();
    stage.set_clock(-5 * MINUTE);
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.tell(clerk_bridge::core::Event::Start);
    stage.clerk.session = Some(alice());
    stage.clerk.life = Some(6 * MINUTE);
    let answer = stage.clerk.answer(-4 * MINUTE, stage.wall(), Name::NONE, true);
    assert!(answer.is_some());
    stage.sign_in(alice());
    stage.advance(SECOND);
    // A minted token of another template tells how late it is.
    stage.ask(Ask::Fresh(TEMPLATE));
    stage.advance(SECOND);
    for _ in 0..300 {
        stage.advance(SECOND);
        let run = *stage.backends[0].handed().last().unwrap();
        let claims = stage.claims_of(token_of(run.command).unwrap());
        assert!(claims.exp > Some(stage.server()), "a dead token at {}", stage.now);
    }
}

#[test]
fn c3_a_source_that_passes_an_old_token_off_for_a_new_one_does_not_move_the_clock() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Same;
    stage.advance(50 * SECOND);
    stage.ask(Ask::Fresh(Name::NONE));
    stage.advance(20 * SECOND);
    assert!(stage.state().is_refreshing, "the token is dead, and known to be");
    stage.clerk.usual = Reply::Well;
    assert!(stage.until("recovery", |stage| !stage.state().is_refreshing) <= 31 * SECOND);
}

#[test]
fn c3_clocks_set_forwards_and_back_leave_the_bridge_right() {
    let mut stage = custom();
    for jump in [2 * 60 * MINUTE, -3 * 60 * MINUTE, 5_000, -5_000] {
        stage.set_clock(jump);
        stage.wake(Wake::Seen);
        stage.advance(5 * SECOND);
        assert_eq!((stage.status(), stage.state().is_refreshing), (Authenticated, false), "{jump}");
        let before = stage.fetches().len();
        stage.advance(5 * MINUTE);
        let count = stage.fetches().len() - before;
        assert!((3..=20).contains(&count), "{jump}: {count} fetches in five minutes");
        assert!(!stage.state().is_refreshing);
    }
}

#[test]
fn c4_after_sleep_the_refresh_comes_before_anything_is_sent() {
    let mut stage = Stage::attached(CONVEX, SESSION_TOKEN, alice());
    let before = stage.backends[0].runs.len();
    stage.sleep(60 * MINUTE);
    let entry = stage.log.len();
    stage.wake(Wake::Seen);
    let effects: Vec<_> = stage.effects_since(entry).collect();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Fetch { .. })), "{effects:?}");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cache(_, None))), "{effects:?}");
    stage.advance(2 * SECOND);
    let commands = &stage.backends[0].commands()[before..];
    assert!(matches!(commands, [Command::Hold(false), Command::Update(_)]), "{commands:?}");
    assert_eq!((stage.status(), stage.state().is_refreshing), (Authenticated, false));
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn c4_the_timer_is_set_anew_when_the_clock_is_set_forwards() {
    let mut stage = custom();
    stage.advance(10 * SECOND);
    stage.set_clock(30 * SECOND);
    stage.ask(Ask::Good(Name::NONE));
    assert!(stage.timer_in() < Some(11 * SECOND), "{:?}", stage.timer_in());
}

#[test]
fn c4_one_timer_never_further_than_a_browser_can_set() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.life = Some(60 * DAY);
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert_eq!(stage.timer_in(), Some(0x7fff_ffff - 890));
    stage.advance(50 * DAY);
    assert_eq!(stage.fetches().len(), 1);
    stage.advance(10 * DAY);
    assert_eq!(stage.fetches().len(), 2 + stage.clerk.minted());
}

#[test]
fn c5_tokens_without_iat_or_exp_are_used() {
    for (life, has_iat, fetches) in [(Some(60_000), false, 12), (None, true, 1), (None, false, 1)] {
        let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
        (stage.clerk.life, stage.clerk.has_iat) = (life, has_iat);
        stage.clerk.caches = false;
        stage.sign_in(alice());
        stage.advance(10 * MINUTE);
        assert_eq!(stage.status(), Authenticated);
        assert_eq!(stage.statuses(), [Loading, Authenticated]);
        let count = stage.fetches().len();
        assert!((fetches..=fetches + 1).contains(&count), "{life:?} {has_iat}: {count}");
    }
}

#[test]
fn c5_a_clock_ahead_of_tokens_without_iat_makes_no_loop() {
    let mut stage = Stage::new();
    stage.set_clock(10 * MINUTE);
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.tell(clerk_bridge::core::Event::Start);
    stage.clerk.has_iat = false;
    stage.sign_in(alice());
    stage.advance(5 * MINUTE);
    assert_eq!(stage.status(), Authenticated);
    assert!(stage.fetches().len() <= 3, "{}", stage.fetches().len());
}

#[test]
fn c6_a_role_change_is_one_minted_fetch_and_one_hand_over() {
    for next in [Session { role: Name(31), ..alice() }, Session { org: Name(21), ..alice() }] {
        let mut stage = Stage::attached(CONVEX, SESSION_TOKEN, alice());
        let before = (stage.fetches().len(), stage.backends[0].runs.len());
        stage.sign_in(next);
        stage.advance(10 * SECOND);
        let fetches = &stage.fetches()[before.0..];
        assert!(matches!(fetches, [Fetch { minted: true, .. }]), "{fetches:?}");
        let commands = &stage.backends[0].commands()[before.1..];
        assert!(matches!(commands, [Command::Update(_)]), "{commands:?}");
        assert_eq!(stage.statuses(), [Loading, Authenticated]);
        assert_eq!((stage.state().session, stage.leaves.len()), (next, 0));
    }
}

#[test]
fn c6_a_backend_that_cannot_change_is_detached_and_attached_anew() {
    let mut stage = custom();
    let before = stage.backends[0].runs.len();
    stage.sign_in(Session { org: Name(21), ..alice() });
    stage.advance(10 * SECOND);
    let commands = &stage.backends[0].commands()[before..];
    assert!(
        matches!(commands, [Command::Detach(Reason::IdentityChanged), Command::Attach(_)]),
        "{commands:?}"
    );
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn c6_an_organization_switch_while_clerk_fails_recovers() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    stage.sign_in(Session { org: Name(21), ..alice() });
    stage.advance(MINUTE);
    assert_eq!(stage.status(), Authenticated);
    stage.clerk.usual = Reply::Well;
    let recovered = |stage: &Stage| {
        let token = stage.backends[0].handed().last().and_then(|run| token_of(run.command));
        token.is_some_and(|token| stage.claims_of(token).org == Name(21))
    };
    assert!(stage.until("the new organization", recovered) <= 31 * SECOND);
}

#[test]
fn j2_the_timer_stands_still_when_nothing_is_pending() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.sign_out();
    stage.advance(10 * SECOND);
    assert_eq!(stage.timer_in(), None);
}
