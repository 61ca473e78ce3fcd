//! A: the state that is published. H: how backends are held, attached and switched.

use crate::harness::fake::token_of;
use crate::harness::*;
use clerk_bridge::core::backend::Template;
use clerk_bridge::core::backend::policy::{CONVEX, CUSTOM};
use clerk_bridge::core::effect::{Command, Effect, Reason};
use clerk_bridge::core::event::{Ask, Event, Refusal};
use clerk_bridge::core::failure::{Code, Failure};
use clerk_bridge::core::identity::{Name, Session, Source};
use clerk_bridge::core::snapshot::Status::{Authenticated, Loading, Unauthenticated};

const SESSION_TOKEN: Template = Template::Fixed(Name::NONE);
const AUTO: Template = Template::UnlessFits(TEMPLATE);

#[test]
fn a1_while_clerk_loads_nothing_is_fetched_and_the_last_user_is_remembered() {
    let mut stage = Stage::new();
    stage.backend(CONVEX, AUTO);
    stage.tell(Event::Remembered(Name(1), Name(20)));
    stage.tell(Event::Start);
    stage.advance(14 * SECOND);
    assert_eq!(stage.status(), Loading);
    assert_eq!(stage.state().remembered, (Name(1), Name(20)));
    assert_eq!(stage.fetches(), []);
    stage.sign_in(bob());
    assert_eq!(stage.state().remembered, Default::default());
}

#[test]
fn a2_authenticated_is_entered_once_and_rotations_publish_nothing() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.backends[0].usual = End::Well(300);
    stage.sign_in(alice());
    stage.advance(350);
    assert_eq!(stage.status(), Loading, "the backend has not accepted yet");
    stage.advance(100);
    assert_eq!(stage.status(), Authenticated);
    let published = stage.published.len();
    stage.advance(10 * MINUTE);
    assert_eq!(stage.published.len(), published);
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
    let updates = stage.backends[0].handed().len();
    assert!((12..=14).contains(&updates), "{updates} tokens in ten minutes");
}

#[test]
fn a2_a_bridge_without_backends_is_authenticated_once_it_holds_a_token() {
    let mut stage = Stage::new();
    stage.tell(Event::Start);
    stage.sign_in(alice());
    assert_eq!(stage.status(), Loading);
    stage.advance(100);
    assert_eq!(stage.status(), Authenticated);
}

#[test]
fn a3_signed_out_is_unauthenticated_and_calls_go_through() {
    let mut stage = Stage::of(CONVEX, AUTO);
    stage.sign_out();
    assert_eq!(stage.status(), Unauthenticated);
    let caller = stage.ask(Ask::Good(TEMPLATE));
    assert_eq!(stage.answer(caller), Some(Ok(None)));
}

#[test]
fn a4_refreshing_ends_when_a_token_that_ran_out_is_replaced() {
    let mut stage = Stage::attached(CONVEX, AUTO, alice());
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    stage.advance(3 * MINUTE);
    assert_eq!((stage.status(), stage.state().is_refreshing), (Authenticated, true));
    assert_eq!(stage.state().error, Some(Code::TokenTransient));
    stage.clerk.usual = Reply::Well;
    let took = stage.until("recovery", |stage| !stage.state().is_refreshing);
    assert!(took <= 31 * SECOND, "{took}");
    assert_eq!(stage.status(), Authenticated);
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn a6_clerk_that_does_not_load_is_reported_and_may_turn_up_later() {
    let mut stage = Stage::of(CONVEX, AUTO);
    let caller = stage.ask(Ask::Good(Name::NONE));
    stage.advance(14_999);
    assert_eq!(stage.status(), Loading);
    stage.advance(1);
    assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::SourceTimeout)));
    assert_eq!(stage.answer(caller), Some(Err(Code::SourceTimeout)));
    assert_eq!(stage.backends[0].commands().last(), Some(&Command::Nobody), "public data is not held");
    stage.source(Source::Failed);
    assert_eq!(stage.state().error, Some(Code::SourceFailed));
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert_eq!((stage.status(), stage.state().error), (Authenticated, None));
}

#[test]
fn a6_clerk_that_cannot_start_is_reported_at_once() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.source(Source::Failed);
    assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::SourceFailed)));
    let caller = stage.ask(Ask::Good(Name::NONE));
    assert_eq!(stage.answer(caller), Some(Err(Code::SourceFailed)));
    stage.sign_out();
    assert_eq!((stage.status(), stage.state().error), (Unauthenticated, None));
}

#[test]
fn a7_clerk_not_loaded_for_a_moment_tears_nothing_down() {
    let mut stage = Stage::attached(CONVEX, AUTO, alice());
    let before = (stage.published.len(), stage.backends[0].runs.len());
    for _ in 0..3 {
        stage.source(Source::Unknown);
        stage.advance(300);
        stage.sign_in(alice());
        stage.advance(300);
    }
    stage.source(Source::Unknown);
    stage.source(Source::Failed);
    stage.advance(20 * SECOND);
    assert_eq!((stage.published.len(), stage.backends[0].runs.len()), before);
    assert_eq!(stage.leaves, []);
}

#[test]
fn a7_nothing_is_fetched_while_clerk_does_not_show_the_session() {
    let mut stage = Stage::attached(CUSTOM, SESSION_TOKEN, alice());
    let before = stage.fetches().len();
    stage.source(Source::Unknown);
    stage.advance(5 * MINUTE);
    assert_eq!(stage.fetches().len(), before);
    let caller = stage.ask(Ask::Good(Name::NONE));
    stage.advance(10 * SECOND);
    assert_eq!(stage.answer(caller), Some(Err(Code::TokenTransient)), "B10");
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert!(!stage.state().is_refreshing);
}

#[test]
fn a8_a_pending_session_is_signed_out() {
    // The source says so; the machine takes it for what it is.
    let mut stage = Stage::attached(CUSTOM, SESSION_TOKEN, alice());
    stage.sign_out();
    assert_eq!(stage.status(), Unauthenticated);
    assert_eq!(stage.state().session, Session::default());
}

#[test]
fn a9_a_backend_that_refused_for_good_says_so_and_the_user_stays() {
    let mut stage = Stage::new();
    stage.backend(CONVEX, AUTO);
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.backends[1].script = [End::Not(10, Refusal::Config)].into();
    stage.tell(Event::Start);
    stage.sign_in(alice());
    stage.advance(SECOND);
    let state = stage.state();
    assert_eq!((state.status, state.error), (Unauthenticated, Some(Code::BackendConfig)));
    assert_eq!((state.error_backend, state.session.user), (Some(1), Name(1)));
    assert_eq!(stage.bridge.backend_state(0).status, Authenticated);
}

#[test]
fn h1_one_fetch_and_one_attach_at_start() {
    for (fits, fetches) in [(Some(true), 1), (Some(false), 1), (None, 2)] {
        let mut stage = Stage::of(CONVEX, AUTO);
        stage.clerk.fits = fits == Some(true);
        stage.sign_in(Session { fits, ..alice() });
        stage.advance(30 * SECOND);
        assert_eq!(stage.fetches().len(), fetches, "the session token is looked at first, if need be");
        assert_eq!(stage.backends[0].handed().len(), 1);
    }
}

#[test]
fn b5_for_convex_the_session_token_is_taken_if_its_audience_fits() {
    let mut stage = Stage::of(CONVEX, AUTO);
    stage.clerk.fits = true;
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert!(stage.fetches().iter().all(|fetch| fetch.template == Name::NONE));
    assert_eq!(stage.status(), Authenticated);
}

#[test]
fn b5_an_audience_that_appears_later_is_noticed() {
    let mut stage = Stage::of(CONVEX, AUTO);
    stage.sign_in(Session { fits: Some(false), ..alice() });
    stage.advance(SECOND);
    stage.clerk.fits = true;
    stage.sign_in(Session { fits: Some(true), ..alice() });
    stage.advance(SECOND);
    let last = stage.backends[0].handed().last().and_then(|run| token_of(run.command));
    assert_eq!(last.map(|token| stage.claims_of(token).template), Some(Name::NONE));
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn h4_a_switch_goes_straight_over() {
    let mut stage = Stage::attached(CONVEX, AUTO, alice());
    let before = stage.backends[0].runs.len();
    stage.sign_in(bob());
    stage.advance(SECOND);
    let commands = &stage.backends[0].commands()[before..];
    assert!(
        matches!(commands, [Command::Hold(true), Command::Attach(_)]),
        "no detach and no anonymous run between: {commands:?}"
    );
    assert_eq!(stage.leaves, [(stage.leaves[0].0, Name(1), Reason::UserSwitched)]);
    assert_eq!(stage.state().session, bob());
}

#[test]
fn h6_a_client_is_held_before_the_first_token_and_on_a_switch() {
    let mut stage = Stage::of(CONVEX, AUTO);
    assert_eq!(stage.backends[0].commands(), [Command::Hold(false)]);
    stage.clerk.usual = Reply::Hang;
    stage.sign_in(alice());
    stage.advance(MINUTE);
    assert!(stage.backends[0].commands().iter().all(|command| *command == Command::Hold(false)));
    stage.sign_in(bob());
    stage.advance(SECOND);
    assert_eq!(stage.backends[0].commands().last(), Some(&Command::Hold(true)));
}

#[test]
fn h6_a_client_is_held_while_its_token_has_run_out() {
    let mut stage = Stage::attached(CONVEX, AUTO, alice());
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    stage.advance(2 * MINUTE);
    assert_eq!(stage.backends[0].commands().last(), Some(&Command::Hold(false)));
    stage.clerk.usual = Reply::Well;
    stage.advance(31 * SECOND);
    assert!(matches!(stage.backends[0].commands().last(), Some(Command::Update(_))));
}

#[test]
fn h7_nobody_is_told_to_those_that_wait() {
    let mut stage = Stage::of(CONVEX, AUTO);
    stage.sign_out();
    stage.advance(0);
    assert_eq!(stage.backends[0].commands(), [Command::Hold(false), Command::Nobody]);
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.sign_out();
    stage.advance(0);
    assert_eq!(stage.backends[0].commands(), [], "a backend that cannot be held is told nothing");
}

#[test]
fn j1_events_that_nobody_waits_for_change_nothing() {
    use clerk_bridge::core::effect::{LeaveId, RequestId, StepId, TokenId};
    let mut stage = Stage::attached(CUSTOM, SESSION_TOKEN, alice());
    let entry = stage.log.len();
    for event in [
        Event::Fetched(RequestId(7_777), TokenId(9), Default::default()),
        Event::FetchFailed(RequestId(7_777), Failure::NoTemplate),
        Event::StepDone(StepId(7_777)),
        Event::StepFailed(StepId(7_777), Refusal::Config),
        Event::Rejected(StepId(7_777), Refusal::Refused),
        Event::Owner(99, Name(3)),
        Event::SourceSignedOut(RequestId(7_777), false),
        Event::Left(LeaveId(7_777)),
    ] {
        stage.tell(event);
    }
    let effects: Vec<_> = stage.effects_since(entry).collect();
    assert_eq!(effects, [Effect::Forget(TokenId(9))]);
    assert_eq!(stage.status(), Authenticated);
}
