//! D: leaving, switching, and what comes too late.

use crate::harness::*;
use clerk_bridge::core::backend::Template;
use clerk_bridge::core::backend::policy::{CONVEX, CUSTOM};
use clerk_bridge::core::effect::{Command, Effect, Reason};
use clerk_bridge::core::event::{Ask, Event, Refusal};
use clerk_bridge::core::failure::Code;
use clerk_bridge::core::identity::{Name, Session, Source};
use clerk_bridge::core::snapshot::Status::{Authenticated, Unauthenticated};

const SESSION_TOKEN: Template = Template::Fixed(Name::NONE);

fn custom() -> Stage {
    Stage::attached(CUSTOM, SESSION_TOKEN, alice())
}

#[test]
fn d1_a_result_of_an_older_epoch_changes_nothing() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.clerk.script = [Reply::After(3_000)].into();
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.sign_in(bob());
    stage.advance(SECOND);
    let before = (stage.published.len(), stage.backends[0].runs.len());
    let entry = stage.log.len();
    stage.advance(5 * SECOND);
    assert_eq!((stage.published.len(), stage.backends[0].runs.len()), before);
    let effects: Vec<_> = stage.effects_since(entry).collect();
    assert!(matches!(effects[..], [Effect::Forget(_)]), "{effects:?}");
}

#[test]
fn d1_what_on_leave_asks_for_is_not_the_token_of_who_left() {
    let mut stage = custom();
    let entry = stage.log.len();
    stage.sign_in(bob());
    let effects: Vec<_> = stage.effects_since(entry).collect();
    let place = |found: fn(&Effect) -> bool| effects.iter().position(found);
    let cleared = place(|effect| matches!(effect, Effect::Cache(_, None)));
    let left = place(|effect| matches!(effect, Effect::Leave { .. }));
    assert!(cleared.is_some() && cleared < left, "{effects:?}");
}

#[test]
fn d2_sign_out_detaches_all_at_once_and_stops_the_timers() {
    for policy in [CUSTOM, CONVEX] {
        let mut stage = Stage::new();
        for _ in 0..3 {
            stage.backend(policy, SESSION_TOKEN);
        }
        stage.tell(Event::Start);
        stage.sign_in(alice());
        stage.advance(SECOND);
        stage.leave_takes = None;
        let fetches = stage.fetches().len();
        stage.sign_out();
        for fake in &stage.backends {
            let last = fake.runs.last().unwrap();
            assert_eq!((last.at, last.command), (stage.now, Command::Detach(Reason::SignedOut)));
        }
        stage.advance(10 * MINUTE);
        assert_eq!((stage.fetches().len(), stage.timer_in()), (fetches, None));
        assert_eq!(stage.status(), Unauthenticated);
    }
}

#[test]
fn d2_a_fetch_in_the_air_at_sign_out_attaches_nobody() {
    let mut stage = Stage::of(CONVEX, SESSION_TOKEN);
    stage.clerk.usual = Reply::After(2_000);
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.sign_out();
    stage.advance(MINUTE);
    assert_eq!(stage.backends[0].handed(), []);
    assert_eq!(stage.backends[0].commands().last(), Some(&Command::Nobody));
}

#[test]
fn d2_a_step_that_hangs_is_told_and_holds_up_the_detaching_for_five_seconds() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.backends[0].script = [End::Hang].into();
    stage.sign_in(alice());
    stage.advance(SECOND);
    let attach = stage.backends[0].runs[0].step;
    stage.sign_out();
    assert_eq!(stage.backends[0].aborted, [attach]);
    stage.advance(4_999);
    assert_eq!(stage.backends[0].detached(), []);
    stage.advance(1);
    assert_eq!(stage.backends[0].detached(), [Reason::SignedOut]);
}

#[test]
fn d2_an_attach_that_succeeds_after_it_was_given_up_is_undone() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.backends[0].script = [End::Well(20_000)].into();
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.sign_out();
    stage.advance(8 * SECOND);
    assert_eq!(stage.backends[0].detached(), [Reason::SignedOut]);
    stage.advance(MINUTE);
    assert_eq!(stage.backends[0].detached(), [Reason::SignedOut, Reason::SignedOut]);
    assert_eq!(stage.bridge.owner(0), Name::NONE);
}

#[test]
fn d2_late_attaches_of_two_users_are_both_undone_before_the_third_counts() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.backends[0].script = [End::Well(30_000), End::Well(0), End::Well(25_000), End::Well(0)].into();
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.sign_in(bob());
    stage.advance(8 * SECOND);
    stage.sign_in(user(3));
    stage.advance(8 * SECOND);
    assert_eq!((stage.status(), stage.state().session), (Authenticated, user(3)));
    let before = stage.backends[0].runs.len();
    stage.advance(30 * SECOND);
    let detached: Vec<_> = stage.backends[0].runs[before..]
        .iter()
        .filter(|run| matches!(run.command, Command::Detach(Reason::UserSwitched)))
        .collect();
    assert_eq!(detached.len(), 2, "one for each late session");
    assert_eq!((stage.status(), stage.bridge.owner(0)), (Authenticated, Name(3)));
    let last = *stage.backends[0].handed().last().unwrap();
    assert_eq!(last.session, user(3));
}

#[test]
fn d2_a_late_attach_under_a_running_one_starts_over() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.backends[0].script = [End::Well(9_000), End::Well(10), End::Well(4_000)].into();
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.sign_in(bob()); // Alice's attach is given up at six seconds and succeeds at nine, under Bob's
    stage.advance(20 * SECOND);
    assert_eq!(stage.status(), Authenticated);
    let tail: Vec<_> = stage.backends[0].commands().into_iter().rev().take(2).collect();
    assert!(
        matches!(tail[..], [Command::Attach(_), Command::Detach(Reason::UserSwitched)]),
        "what Alice's left is cleared before Bob counts: {tail:?}"
    );
}

#[test]
fn d3_what_was_stored_for_a_is_cleared_before_b_is_attached() {
    let mut stage = custom();
    stage.backends[0].usual = End::Well(2_000);
    let before = stage.backends[0].runs.len();
    stage.sign_in(bob());
    assert_eq!(stage.bridge.owner(0), Name(1));
    stage.advance(10 * SECOND);
    let runs = &stage.backends[0].runs[before..];
    assert!(matches!(runs[0].command, Command::Detach(Reason::UserSwitched)));
    assert!(matches!(runs[1].command, Command::Attach(_)) && runs[1].at >= runs[0].at + 2_000);
    assert_eq!((stage.status(), stage.bridge.owner(0)), (Authenticated, Name(2)));
}

#[test]
fn d3_b_is_kept_out_until_a_is_cleared() {
    let mut stage = custom();
    stage.backends[0].usual = End::Not(10, Refusal::Transient);
    stage.sign_in(bob());
    stage.advance(5 * MINUTE);
    assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::BackendRejected)));
    assert_eq!(stage.backends[0].handed().len(), 1);
    assert!(stage.backends[0].detached().len() <= 30, "with back-off");
    stage.backends[0].usual = End::Well(10);
    assert!(stage.until("Bob", |stage| stage.status() == Authenticated) <= 31 * SECOND);
}

#[test]
fn d3_on_leave_is_awaited_for_five_seconds_before_anybody_is_attached() {
    for policy in [CUSTOM, CONVEX] {
        for (takes, waits) in [(Some(2_000), 2_000), (None, 5_000)] {
            let mut stage = Stage::attached(policy, SESSION_TOKEN, alice());
            stage.leave_takes = takes;
            let start = stage.now;
            stage.sign_in(bob());
            stage.advance(10 * SECOND);
            let attached = stage.backends[0].handed().last().unwrap().at;
            assert!((waits..=waits + 100).contains(&(attached - start)), "{}", attached - start);
            assert_eq!(stage.status(), Authenticated);
        }
    }
}

#[test]
fn d3_a_switch_while_an_attach_runs_ends_with_the_last_user() {
    for policy in [CUSTOM, CONVEX] {
        for end in [End::Well(3_000), End::Not(3_000, Refusal::Refused), End::Hang] {
            let mut stage = Stage::of(policy, SESSION_TOKEN);
            stage.backends[0].script = [end].into();
            stage.sign_in(alice());
            stage.advance(SECOND);
            stage.sign_in(bob());
            stage.advance(10 * SECOND);
            assert_eq!((stage.status(), stage.state().session), (Authenticated, bob()), "{end:?}");
            let last = stage.backends[0].handed().last().unwrap().session;
            assert_eq!(last, bob());
        }
    }
}

#[test]
fn d5_a_detach_that_failed_while_signed_out_is_tried_again() {
    let mut stage = custom();
    stage.backends[0].script = [End::Not(10, Refusal::Transient); 3].into();
    stage.sign_out();
    stage.until("the data to be cleared", |stage| stage.bridge.owner(0) == Name::NONE);
    assert_eq!(stage.backends[0].detached(), [Reason::SignedOut; 4]);
}

#[test]
fn d6_after_dispose_nothing_happens_and_calls_are_answered() {
    let mut stage = custom();
    stage.clerk.usual = Reply::After(500);
    let waiting = stage.ask(Ask::Fresh(Name::NONE));
    stage.tell(Event::Dispose);
    assert_eq!(stage.answer(waiting), Some(Err(Code::Disposed)));
    let late = stage.ask(Ask::Good(Name::NONE));
    assert_eq!(stage.answer(late), Some(Err(Code::Disposed)));
    let sign_out = stage.bridge_sign_out();
    assert_eq!(stage.answer(sign_out), Some(Err(Code::Disposed)));
    let runs = stage.backends[0].runs.len();
    stage.sign_in(bob());
    stage.tell(Event::Dispose);
    stage.advance(10 * MINUTE);
    assert_eq!(stage.backends[0].runs.len(), runs, "backends are left as they are");
    assert_eq!(stage.bridge.timer(), None);
}

#[test]
fn d7_sign_out_detaches_then_signs_out_of_clerk_once() {
    let mut stage = custom();
    stage.backends[0].usual = End::Well(1_000);
    let first = stage.bridge_sign_out();
    let second = stage.bridge_sign_out();
    assert_eq!(stage.status(), Unauthenticated);
    stage.advance(10 * SECOND);
    let order: Vec<_> = stage
        .effects_since(0)
        .filter(|effect| {
            matches!(effect, Effect::SourceSignOut(_) | Effect::Run { command: Command::Detach(_), .. })
        })
        .collect();
    assert!(matches!(order[..], [Effect::Run { .. }, Effect::SourceSignOut(_)]), "{order:?}");
    assert_eq!((stage.answer(first), stage.answer(second)), (Some(Ok(None)), Some(Ok(None))));
    assert!(stage.answered_at(first) >= Some(stage.backends[0].runs.last().unwrap().at + 1_000));
}

#[test]
fn d7_sign_out_finishes_when_backends_fail_or_hang() {
    for end in [End::Not(10, Refusal::Transient), End::Not(10, Refusal::Config), End::Hang] {
        for policy in [CUSTOM, CONVEX] {
            let mut stage = Stage::attached(policy, SESSION_TOKEN, alice());
            stage.leave_takes = None;
            stage.backends[0].usual = end;
            let caller = stage.bridge_sign_out();
            stage.advance(5_100);
            assert_eq!(stage.answer(caller), Some(Ok(None)), "{end:?}");
        }
    }
}

#[test]
fn d7_clerk_shows_the_session_a_little_longer_and_nobody_is_attached() {
    let mut stage = custom();
    stage.sign_out_takes = Some((2_000, true));
    stage.bridge_sign_out();
    for _ in 0..10 {
        stage.sign_in(alice());
        stage.advance(200);
    }
    assert_eq!(stage.backends[0].handed().len(), 1);
    assert_eq!(stage.status(), Unauthenticated);
}

#[test]
fn d7_a_clerk_that_cannot_sign_out_is_told_and_agreed_with() {
    for takes in [Some((100, false)), None] {
        let mut stage = custom();
        stage.sign_out_takes = takes;
        let caller = stage.bridge_sign_out();
        stage.advance(11 * SECOND);
        assert_eq!(stage.answer(caller), Some(Err(Code::SourceFailed)));
        stage.advance(SECOND);
        assert_eq!((stage.status(), stage.state().session), (Authenticated, alice()), "J2");
        stage.sign_out_takes = Some((100, true));
        let again = stage.bridge_sign_out();
        stage.advance(SECOND);
        assert_eq!((stage.answer(again), stage.status()), (Some(Ok(None)), Unauthenticated));
    }
}

#[test]
fn d7_whoever_comes_in_while_the_backends_let_go_does_not_hold_up_the_sign_out() {
    let mut stage = custom();
    stage.backends[0].usual = End::Well(1_000);
    let caller = stage.bridge_sign_out();
    stage.advance(500);
    stage.sign_in(bob());
    stage.advance(10 * SECOND);
    assert_eq!(stage.answer(caller), Some(Ok(None)));
    assert_eq!(stage.status(), Unauthenticated);
    stage.sign_in(bob());
    stage.advance(5 * SECOND);
    assert_eq!((stage.status(), stage.state().session), (Authenticated, bob()));
}

#[test]
fn d7_sign_out_before_clerk_is_loaded_reaches_clerk() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    let caller = stage.bridge_sign_out();
    stage.advance(SECOND);
    assert_eq!((stage.answer(caller), stage.status()), (Some(Ok(None)), Unauthenticated));
}

#[test]
fn d1_a_session_of_the_same_user_is_a_new_epoch_but_not_another_user() {
    let mut stage = custom();
    stage.sign_in(Session { id: Name(77), ..alice() });
    stage.source(Source::Unknown);
    stage.sign_in(Session { id: Name(77), ..alice() });
    stage.advance(SECOND);
    assert_eq!((stage.status(), stage.state().session.id), (Authenticated, Name(77)));
    assert_eq!(stage.leaves, []);
}
