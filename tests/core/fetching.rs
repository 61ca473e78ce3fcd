//! B: fetching tokens.

use crate::harness::fake::token_of;
use crate::harness::*;
use clerk_bridge::core::backend::Template;
use clerk_bridge::core::backend::policy::{CONVEX, CUSTOM};
use clerk_bridge::core::event::{Ask, Event, Refusal, Wake};
use clerk_bridge::core::failure::{Code, Failure};
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::snapshot::Status::{Authenticated, Loading, Unauthenticated};
use clerk_bridge::core::{Effect, Millis};

const SESSION_TOKEN: Template = Template::Fixed(Name::NONE);

fn custom() -> Stage {
    Stage::attached(CUSTOM, SESSION_TOKEN, alice())
}

#[test]
fn b1_backends_with_the_same_template_and_all_callers_share_one_fetch() {
    let mut stage = Stage::new();
    for _ in 0..3 {
        stage.backend(CUSTOM, SESSION_TOKEN);
    }
    stage.tell(Event::Start);
    let early: Vec<_> = (0..5).map(|_| stage.ask(Ask::Good(Name::NONE))).collect();
    stage.sign_in(alice());
    let late: Vec<_> = (0..5).map(|_| stage.ask(Ask::Good(Name::NONE))).collect();
    stage.advance(SECOND);
    assert_eq!(stage.fetches().len(), 1);
    let token = stage.answer(early[0]);
    assert!(matches!(token, Some(Ok(Some(_)))));
    assert!(early.into_iter().chain(late).all(|caller| stage.answer(caller) == token));
    assert!(stage.backends.iter().all(|fake| fake.handed().len() == 1));
}

#[test]
fn b1_forced_calls_share_one_fetch() {
    let mut stage = custom();
    let callers: Vec<_> = (0..10).map(|_| stage.ask(Ask::Fresh(Name::NONE))).collect();
    stage.advance(SECOND);
    assert_eq!(stage.fetches().len(), 2);
    let token = stage.answer(callers[0]);
    assert!(callers.iter().all(|caller| stage.answer(*caller) == token));
}

#[test]
fn b1_a_forced_call_while_a_cached_fetch_is_in_the_air_gets_a_minted_token() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.sign_in(alice());
    let any = stage.ask(Ask::Good(Name::NONE));
    let fresh = stage.ask(Ask::Fresh(Name::NONE));
    stage.advance(100);
    assert!(matches!(stage.answer(any), Some(Ok(Some(_)))), "content with what the first brought");
    assert_eq!(stage.answer(fresh), None);
    stage.advance(SECOND);
    let minted: Vec<_> = stage.fetches().iter().map(|fetch| fetch.minted).collect();
    assert_eq!(minted, [false, true], "one after the other");
    assert!(matches!(stage.answer(fresh), Some(Ok(Some(_)))));
}

#[test]
fn b2_passing_failures_are_retried_and_sign_nobody_out() {
    for failure in [Failure::Transient, Failure::RateLimited(Millis::ZERO), Failure::Malformed] {
        let mut stage = custom();
        stage.clerk.usual = Reply::Fail(failure);
        stage.advance(5 * MINUTE);
        assert_eq!((stage.status(), stage.state().session.user), (Authenticated, Name(1)));
        assert_eq!(stage.backends[0].detached(), []);
        stage.clerk.usual = Reply::Well;
        let took = stage.until("recovery", |stage| !stage.state().is_refreshing);
        assert!(took <= 31 * SECOND);
    }
}

#[test]
fn b2_failures_at_the_first_token_are_told_and_retried() {
    let mut stage = Stage::of(CONVEX, SESSION_TOKEN);
    stage.clerk.script = [Reply::Fail(Failure::Transient); 3].into();
    stage.sign_in(alice());
    stage.advance(110);
    assert_eq!((stage.status(), stage.state().error), (Loading, Some(Code::TokenTransient)));
    stage.advance(10 * SECOND);
    assert_eq!((stage.status(), stage.state().error), (Authenticated, None));
}

#[test]
fn b3_retries_back_off_to_thirty_seconds_and_a_wake_retries_at_once() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    stage.advance(20 * MINUTE);
    let gaps: Vec<_> = stage.fetches().windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(gaps[1..].iter().all(|gap| (150..=30_100).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().skip(9).any(|gap| *gap > 15_000), "{gaps:?}");
    for wake in [Wake::Seen, Wake::Online] {
        stage.until("a wait", |stage| {
            stage.timer_in() > Some(5_000) && stage.fetches().last().unwrap().at + 500 < stage.now
        });
        let before = stage.fetches().len();
        stage.advance(2 * SECOND);
        stage.wake(wake);
        assert_eq!(stage.fetches().len(), before + 1, "{wake:?} retries at once");
    }
}

#[test]
fn b3_wakes_retry_at_most_once_a_second() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    stage.advance(5 * MINUTE);
    let before = stage.fetches().len();
    for _ in 0..100 {
        stage.wake(Wake::Seen);
        stage.wake(Wake::Online);
        stage.advance(100);
    }
    let retried = stage.fetches().len() - before;
    assert!((7..=16).contains(&retried), "{retried} in ten seconds"); // and what falls due by itself
}

#[test]
fn b3_retry_after_is_honoured_also_by_wakes() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Fail(Failure::RateLimited(Millis::seconds(45)));
    stage.until("the refresh", |stage| stage.fetches().len() == 2);
    stage.advance(40 * SECOND);
    stage.wake(Wake::Seen);
    stage.wake(Wake::Online);
    stage.advance(4 * SECOND);
    assert_eq!(stage.fetches().len(), 2);
    stage.advance(2 * SECOND);
    assert_eq!(stage.fetches().len(), 3);
}

#[test]
fn b3_b4_online_looks_for_a_fetch_that_is_stuck() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Hang;
    stage.until("the refresh", |stage| stage.fetches().len() == 2);
    stage.wake(Wake::Online);
    stage.advance(900);
    assert_eq!(stage.fetches().len(), 2, "not within a second of it");
    stage.clerk.usual = Reply::Well;
    stage.advance(100);
    for _ in 0..5 {
        stage.wake(Wake::Online);
    }
    assert_eq!(stage.fetches().len(), 3, "one beside it, whatever the page says");
    assert!(stage.fetches()[2].minted, "Clerk's cache would hand back the stuck one (B7)");
    stage.advance(SECOND);
    assert!(!stage.state().is_refreshing);
}

#[test]
fn b4_a_fetch_that_hangs_counts_as_failed_and_its_late_token_is_used() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.script = [Reply::After(12_000), Reply::Hang].into();
    stage.sign_in(alice());
    stage.advance(9_999);
    assert_eq!(stage.state().error, None);
    stage.advance(1);
    assert_eq!((stage.status(), stage.state().error), (Loading, Some(Code::TokenTransient)));
    stage.advance(1_900);
    assert_eq!(stage.fetches().len(), 2, "a retry beside it");
    assert!(stage.fetches()[1].minted, "B7: Clerk's cache would hand back the hung one");
    stage.advance(200);
    assert_eq!((stage.status(), stage.state().error), (Authenticated, None));
}

#[test]
fn b4_a_late_token_that_is_no_better_is_not_used() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.script = [Reply::After(15_000)].into();
    stage.clerk.usual = Reply::Well;
    stage.sign_in(alice());
    stage.advance(12 * SECOND);
    assert_eq!(stage.status(), Authenticated);
    let handed = stage.backends[0].handed().len();
    stage.advance(10 * SECOND);
    assert_eq!(stage.backends[0].handed().len(), handed);
}

#[test]
fn b5_a_missing_template_is_told_and_retried_slowly_and_at_once_for_another_user() {
    let mut stage = Stage::of(CUSTOM, Template::Fixed(TEMPLATE));
    stage.clerk.usual = Reply::Fail(Failure::NoTemplate);
    stage.sign_in(alice());
    let caller = stage.ask(Ask::Good(TEMPLATE));
    stage.advance(200);
    assert_eq!((stage.status(), stage.state().error), (Loading, Some(Code::TokenTemplate)));
    assert_eq!(stage.answer(caller), Some(Err(Code::TokenTemplate)));
    stage.advance(10 * MINUTE);
    let gaps: Vec<_> = stage.fetches().windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(gaps.iter().all(|gap| (5_000..=60_100).contains(gap)), "{gaps:?}");
    let before = stage.fetches().len();
    stage.sign_in(bob());
    assert_eq!(stage.fetches().len(), before + 1);
    stage.clerk.usual = Reply::Well;
    let took = stage.until("recovery", |stage| stage.status() == Authenticated);
    assert!(took <= 61 * SECOND, "{took}");
}

#[test]
fn b6_a_good_token_answers_at_once_whatever_the_fetches_do() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    stage.until("the refresh", |stage| stage.fetches().len() == 3);
    let caller = stage.ask(Ask::Good(Name::NONE));
    assert!(matches!(stage.answer(caller), Some(Ok(Some(_)))));
    assert_eq!((stage.state().is_refreshing, stage.state().error), (false, None));
}

#[test]
fn b6_a_call_that_finds_the_token_due_refreshes_it_behind_its_back() {
    let mut stage = Stage::new(); // nobody wants this template but the caller
    stage.tell(Event::Start);
    stage.sign_in(alice());
    stage.ask(Ask::Good(TEMPLATE));
    stage.advance(55 * SECOND);
    let of = |stage: &Stage| stage.fetches().iter().filter(|fetch| fetch.template == TEMPLATE).count();
    assert_eq!(of(&stage), 1, "what no backend uses is not refreshed without being asked for");
    let caller = stage.ask(Ask::Good(TEMPLATE));
    assert!(matches!(stage.answer(caller), Some(Ok(Some(_)))));
    assert_eq!(of(&stage), 2);
}

#[test]
fn b7_clerks_cache_is_asked_first_and_passed_by_when_its_token_is_at_its_end() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.session = Some(alice());
    stage.clerk.answer(0, DAWN, Name::NONE, false);
    stage.clerk.fetches.clear();
    stage.advance(14 * SECOND);
    stage.sign_in(alice()); // 46 s left
    stage.advance(SECOND);
    assert_eq!(stage.fetches().iter().map(|fetch| fetch.minted).collect::<Vec<_>>(), [false]);
    assert_eq!(stage.status(), Authenticated);

    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.session = Some(alice());
    stage.clerk.answer(-48_000, DAWN, Name::NONE, false);
    stage.clerk.fetches.clear();
    stage.advance(3 * SECOND);
    stage.sign_in(alice()); // 9 s left
    stage.advance(SECOND);
    assert_eq!(stage.fetches().iter().map(|fetch| fetch.minted).collect::<Vec<_>>(), [false, true]);
    assert_eq!(stage.backends[0].handed().len(), 1, "H1: told once");
}

#[test]
fn b7_a_token_within_the_leeway_is_used_when_the_minted_one_does_not_come() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.session = Some(alice());
    stage.clerk.answer(-48_000, DAWN, Name::NONE, false);
    stage.clerk.script = [Reply::Well, Reply::Fail(Failure::Transient)].into();
    stage.advance(3 * SECOND);
    stage.sign_in(alice());
    stage.advance(150);
    assert_eq!(stage.status(), Authenticated, "a failed fetch starves no attach");
}

#[test]
fn b7_a_refresh_never_leaves_a_gap_when_clerks_cache_gives_the_old_token_again() {
    for seed in 0..20 {
        let mut stage = Stage::with(clerk_bridge::core::Options { seed, ..Default::default() });
        stage.backend(CUSTOM, SESSION_TOKEN);
        stage.tell(Event::Start);
        stage.clerk.session = Some(alice());
        stage.clerk.answer(-45_000, DAWN, Name::NONE, false);
        stage.sign_in(alice()); // 15 s left of 60, of which Clerk's cache serves 10
        stage.advance(5 * MINUTE);
        assert!(stage.published.iter().all(|(_, state)| !state.is_refreshing), "seed {seed}");
    }
}

#[test]
fn b9_a_token_that_says_nothing_is_attached_and_refreshed_on_rejection() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    (stage.clerk.life, stage.clerk.has_iat) = (None, false);
    stage.sign_in(alice());
    stage.advance(10 * MINUTE);
    assert_eq!((stage.status(), stage.fetches().len()), (Authenticated, 1));
    stage.reject(0, Refusal::Refused);
    stage.advance(SECOND);
    assert_eq!((stage.status(), stage.fetches().len()), (Authenticated, 2));
    assert!(stage.fetches()[1].minted);
}

#[test]
fn b9_what_is_no_token_is_a_passing_failure() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.script = [Reply::Fail(Failure::Malformed)].into();
    stage.sign_in(alice());
    stage.advance(100);
    assert_eq!(stage.state().error, Some(Code::TokenMalformed));
    stage.advance(2 * SECOND);
    assert_eq!(stage.status(), Authenticated);
}

#[test]
fn b10_a_call_waits_for_the_fetch_timeout_and_no_longer() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.usual = Reply::Hang;
    stage.sign_in(alice());
    stage.advance(3 * SECOND);
    let caller = stage.ask(Ask::Good(Name::NONE));
    stage.advance(9_999);
    assert_eq!(stage.answer(caller), None);
    stage.advance(1);
    assert_eq!(stage.answer(caller), Some(Err(Code::TokenTransient)));
    assert!(stage.timer_in().is_some(), "retrying goes on");
}

#[test]
fn b10_a_call_made_while_clerk_loads_waits_from_when_it_is_known_who_is_signed_in() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.usual = Reply::Hang;
    let caller = stage.ask(Ask::Fresh(TEMPLATE));
    stage.advance(14 * SECOND);
    stage.sign_in(alice());
    stage.advance(9 * SECOND);
    assert_eq!(stage.answer(caller), None);
    stage.advance(SECOND);
    assert_eq!(stage.answer(caller), Some(Err(Code::TokenTransient)));
}

#[test]
fn b10_a_forced_call_under_a_good_token_settles_too() {
    let mut stage = custom();
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    let caller = stage.ask(Ask::Fresh(Name::NONE));
    stage.advance(10 * SECOND);
    assert_eq!(stage.answer(caller), Some(Err(Code::TokenTransient)));
    assert_eq!((stage.status(), stage.state().is_refreshing), (Authenticated, false));
}

#[test]
fn b11_a_token_of_somebody_else_is_a_passing_failure() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.caches = false;
    stage.clerk.script = [Reply::Foreign, Reply::Foreign].into();
    stage.sign_in(alice());
    stage.advance(5 * SECOND);
    assert_eq!(stage.status(), Authenticated);
    assert_eq!(stage.backends[0].handed().len(), 1);
}

#[test]
fn g2_waiting_calls_are_told_when_the_user_leaves_and_stay_through_an_organization_switch() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.usual = Reply::Hang;
    stage.sign_in(alice());
    let stays = stage.ask(Ask::Fresh(Name::NONE));
    stage.clerk.usual = Reply::Well;
    stage.sign_in(Session { org: Name(21), ..alice() });
    stage.advance(SECOND);
    let Some(Ok(Some(token))) = stage.answer(stays) else { panic!("no token") };
    assert_eq!(stage.claims_of(token).org, Name(21));

    stage.clerk.usual = Reply::Hang;
    let leaves = stage.ask(Ask::Fresh(Name::NONE));
    stage.sign_in(bob());
    assert_eq!(stage.answer(leaves), Some(Err(Code::SignedOut)));
    let nobody = stage.ask(Ask::Good(Name::NONE));
    stage.sign_out();
    assert_eq!(stage.answer(nobody), Some(Err(Code::SignedOut)));
    assert_eq!(stage.status(), Unauthenticated);
}

#[test]
fn g3_two_hundred_late_refusals_cause_one_fetch_and_lose_no_call() {
    let mut stage = custom();
    let token = token_of(stage.backends[0].handed()[0].command).unwrap();
    let mut callers: Vec<_> = (0..100).map(|_| stage.ask(Ask::Instead(0, token))).collect();
    stage.advance(SECOND);
    callers.extend((0..100).map(|_| stage.ask(Ask::Instead(0, token))));
    stage.advance(SECOND);
    assert_eq!(stage.fetches().len(), 2);
    for caller in callers {
        assert!(matches!(stage.answer(caller), Some(Ok(Some(other))) if other != token));
    }
}

#[test]
fn d1_a_string_that_two_slots_hold_is_kept_until_both_let_go() {
    // An answer for an older epoch brings the very token that is held now.
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.script = [Reply::After(500)].into();
    stage.sign_in(alice());
    stage.sign_out();
    stage.clerk.script = [Reply::Same].into();
    stage.sign_in(alice());
    stage.advance(400);
    let held = token_of(stage.backends[0].handed().last().unwrap().command).unwrap();
    let entry = stage.log.len();
    stage.advance(10 * SECOND);
    assert!(stage.effects_since(entry).all(|effect| effect != Effect::Forget(held)));
    assert_eq!(stage.status(), Authenticated);
}
