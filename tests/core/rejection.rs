//! H5: backends that refuse a token, or fail to take one.

use crate::harness::fake::token_of;
use crate::harness::*;
use clerk_bridge::core::Event;
use clerk_bridge::core::backend::policy::{CONVEX, CUSTOM};
use clerk_bridge::core::backend::{Policy, Template};
use clerk_bridge::core::effect::{Command, Reason};
use clerk_bridge::core::event::{Ask, Refusal, Wake};
use clerk_bridge::core::failure::{Code, Failure};
use clerk_bridge::core::identity::Name;
use clerk_bridge::core::snapshot::Status::{Authenticated, Loading, Unauthenticated};

const SESSION_TOKEN: Template = Template::Fixed(Name::NONE);
const REFUSE: End = End::Not(50, Refusal::Refused);

fn attached(policy: Policy) -> Stage {
    Stage::attached(policy, SESSION_TOKEN, alice())
}

#[test]
fn h5_a_rejected_token_is_replaced_by_a_minted_one_and_nobody_notices() {
    for policy in [CUSTOM, CONVEX] {
        let mut stage = attached(policy);
        stage.advance(10 * SECOND);
        stage.reject(0, Refusal::Refused);
        assert_eq!((stage.status(), stage.state().is_refreshing), (Authenticated, true));
        stage.advance(SECOND);
        assert_eq!((stage.status(), stage.state().is_refreshing), (Authenticated, false));
        assert_eq!(stage.fetches().len(), 2);
        assert!(stage.fetches()[1].minted);
        assert_eq!(stage.statuses(), [Loading, Authenticated]);
    }
}

#[test]
fn h5_three_tries_then_the_backend_is_unauthenticated_and_clerk_stays() {
    for (policy, usual) in [(CUSTOM, Reply::Well), (CONVEX, Reply::Well), (CONVEX, Reply::Same)] {
        let mut stage = attached(policy);
        stage.clerk.usual = usual;
        stage.advance(10 * SECOND);
        let before = stage.backends[0].handed().len();
        stage.backends[0].script = [REFUSE; 3].into();
        let start = stage.now;
        stage.reject(0, Refusal::Refused);
        stage.until("the end", |stage| stage.status() == Unauthenticated);
        assert!(stage.now - start <= 10 * SECOND, "{}", stage.now - start);
        assert_eq!(stage.backends[0].handed().len() - before, 3);
        assert_eq!(stage.state().error, Some(Code::BackendRejected));
        assert_eq!(stage.state().session, alice());
        stage.advance(SECOND);
        assert_eq!(stage.backends[0].detached(), [Reason::Rejected]);
        assert!(!stage.state().is_refreshing, "A4");
    }
}

#[test]
fn h5_who_was_authenticated_stays_so_while_the_tries_last() {
    let mut stage = attached(CUSTOM);
    stage.advance(10 * SECOND);
    stage.backends[0].script = [REFUSE; 2].into();
    stage.reject(0, Refusal::Refused);
    stage.advance(10 * SECOND);
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
    assert!(!stage.state().is_refreshing);
    assert_eq!(stage.backends[0].handed().len(), 4);
}

#[test]
fn h5_a_refused_backend_is_tried_again_with_back_off() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.reject(0, Refusal::Refused);
    stage.backends[0].script = vec![REFUSE; 3].into();
    stage.until("the end", |stage| stage.status() == Unauthenticated);
    stage.advance(SECOND);
    let mut waits = Vec::new();
    for _ in 0..8 {
        stage.backends[0].script = [REFUSE].into();
        let (from, count) = (stage.now, stage.backends[0].handed().len());
        stage.until("another try", |stage| stage.backends[0].handed().len() > count);
        waits.push(stage.now - from);
        stage.advance(SECOND);
        assert_eq!(stage.status(), Unauthenticated);
    }
    assert!(waits.iter().all(|wait| (28_000..=301_000).contains(wait)), "{waits:?}");
    stage.advance(5 * MINUTE);
    assert_eq!(stage.status(), Authenticated, "and in the end accepted");
}

#[test]
fn h5_c2_calls_of_a_backend_that_was_given_up_cost_no_fetches() {
    let mut stage = attached(CUSTOM);
    stage.advance(10 * SECOND);
    stage.backends[0].script = [REFUSE; 3].into();
    stage.reject(0, Refusal::Refused);
    stage.until("the end", |stage| stage.status() == Unauthenticated);
    stage.advance(SECOND);
    let fetches = stage.fetches().len();
    let mut refused = token_of(stage.backends[0].handed().last().unwrap().command).unwrap();
    let mut answers = Vec::new();
    for _ in 0..20 {
        let caller = stage.ask(Ask::Instead(0, refused));
        answers.push(stage.answer(caller));
        if let Some(Ok(Some(other))) = stage.answer(caller) {
            refused = other;
        }
        stage.advance(500);
    }
    assert_eq!(stage.fetches().len(), fetches);
    assert_eq!(answers.last(), Some(&Some(Err(Code::BackendRejected))));
    assert!(answers.iter().all(Option::is_some), "at once: {answers:?}");
}

#[test]
fn h5_back_online_or_another_user_is_tried_at_once() {
    let given_up = || {
        let mut stage = attached(CUSTOM);
        stage.reject(0, Refusal::Refused);
        stage.backends[0].script = [REFUSE; 3].into();
        stage.until("the end", |stage| stage.status() == Unauthenticated);
        stage.advance(3 * SECOND);
        stage
    };
    let mut stage = given_up();
    stage.wake(Wake::Online);
    stage.advance(100);
    assert_eq!(stage.status(), Authenticated);
    let mut stage = given_up();
    stage.sign_in(bob());
    stage.advance(SECOND);
    assert_eq!(stage.status(), Authenticated);
    // Online again and again is no reason to try more than once a second.
    let mut stage = given_up();
    stage.backends[0].usual = REFUSE;
    stage.backends[0].script = [REFUSE, End::Well(0)].into();
    let before = stage.backends[0].handed().len();
    for _ in 0..100 {
        stage.wake(Wake::Online);
        stage.advance(10);
    }
    assert!(stage.backends[0].handed().len() - before <= 2);
}

#[test]
fn h5_b2_a_clerk_that_cannot_be_reached_does_not_count() {
    let mut stage = attached(CONVEX);
    stage.clerk.usual = Reply::Fail(Failure::Transient);
    stage.reject(0, Refusal::Refused);
    stage.advance(5 * MINUTE);
    assert_eq!((stage.status(), stage.state().is_refreshing), (Authenticated, true));
    stage.clerk.usual = Reply::Well;
    let took = stage.until("recovery", |stage| !stage.state().is_refreshing);
    assert!(took <= 31 * SECOND, "{took}");
    assert_eq!(stage.status(), Authenticated, "the first token after the outage is tried");
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn h5_a_backend_that_takes_every_token_and_refuses_it_a_moment_later_is_given_up() {
    let mut stage = attached(CUSTOM);
    stage.advance(10 * SECOND);
    let start = stage.now;
    for _ in 0..4 {
        stage.reject(0, Refusal::Refused);
        let count = stage.backends[0].handed().len();
        stage.until("a try or the end", |stage| {
            stage.backends[0].handed().len() > count || stage.status() == Unauthenticated
        });
        stage.advance(20);
    }
    assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::BackendRejected)));
    assert!(stage.now - start <= 10 * SECOND);
}

#[test]
fn h5_a_refusal_while_a_newer_token_is_on_its_way_is_ignored() {
    let mut stage = attached(CUSTOM);
    let old = stage.backends[0].handed()[0].step;
    stage.backends[0].usual = End::Well(5_000);
    stage.until("the update", |stage| stage.backends[0].handed().len() == 2);
    stage.tell(Event::Rejected(old, Refusal::Refused));
    stage.advance(10 * SECOND);
    assert_eq!((stage.status(), stage.fetches().len()), (Authenticated, stage.fetches().len()));
    assert!(stage.published.iter().all(|(_, state)| !state.is_refreshing));
    stage.tell(Event::Rejected(old, Refusal::Refused));
    assert!(!stage.state().is_refreshing, "nor afterwards");
}

#[test]
fn h5_a_refusal_of_who_left_does_not_count_against_who_came() {
    let mut stage = attached(CONVEX);
    let step = stage.backends[0].handed()[0].step;
    stage.clerk.usual = Reply::After(2_000);
    stage.sign_in(bob());
    stage.advance(100);
    stage.tell(Event::Rejected(step, Refusal::Config));
    stage.advance(5 * SECOND);
    assert_eq!((stage.status(), stage.state().session), (Authenticated, bob()));
}

#[test]
fn h33_a_wrong_configuration_is_not_retried() {
    let mut stage = Stage::of(CUSTOM, SESSION_TOKEN);
    stage.backends[0].script = [End::Not(10, Refusal::Config)].into();
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::BackendConfig)));
    stage.wake(Wake::Online);
    stage.advance(10 * MINUTE);
    assert_eq!(stage.backends[0].handed().len(), 1);
    stage.sign_in(bob());
    stage.advance(SECOND);
    assert_eq!(stage.status(), Authenticated);
}

#[test]
fn j2_a_backend_in_passing_trouble_is_tried_with_back_off() {
    let mut stage = Stage::of(CONVEX, SESSION_TOKEN);
    stage.backends[0].usual = End::Not(10, Refusal::Transient);
    stage.sign_in(alice());
    stage.advance(5 * MINUTE);
    assert_eq!(stage.status(), Loading);
    let tries = stage.backends[0].handed().len();
    assert!((10..60).contains(&tries), "{tries}");
    stage.backends[0].usual = End::Well(10);
    assert!(stage.until("success", |stage| stage.status() == Authenticated) <= 31 * SECOND);
}

#[test]
fn j2_a_detach_after_a_refusal_that_fails_makes_no_loop() {
    let mut stage = attached(CUSTOM);
    stage.backends[0].usual = End::Not(1, Refusal::Refused);
    stage.reject(0, Refusal::Refused);
    stage.advance(5 * MINUTE);
    let detached = stage.backends[0].detached().len();
    assert!((5..60).contains(&detached), "{detached}");
    stage.backends[0].usual = End::Well(10);
    stage.wake(Wake::Online);
    stage.advance(2 * SECOND);
    stage.wake(Wake::Online);
    stage.advance(2 * SECOND);
    assert_eq!(stage.status(), Authenticated);
}

#[test]
fn b1_a_token_that_one_backend_refuses_is_replaced_for_all_that_share_it() {
    let mut stage = Stage::new();
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.backend(CONVEX, SESSION_TOKEN);
    stage.tell(Event::Start);
    stage.sign_in(alice());
    stage.advance(10 * SECOND);
    stage.reject(0, Refusal::Refused);
    stage.advance(SECOND);
    assert_eq!(stage.fetches().len(), 2);
    assert!(matches!(stage.backends[0].commands()[..], [Command::Attach(_), Command::Attach(_)]));
    assert!(matches!(stage.backends[1].commands().last(), Some(Command::Update(_))));
}

#[test]
fn h2_a_newer_token_goes_straight_to_a_convex_that_still_waits_for_an_older_one() {
    let mut stage = Stage::of(CONVEX, SESSION_TOKEN);
    stage.backends[0].usual = End::Hang; // its socket is down
    stage.sign_in(alice());
    stage.advance(3 * MINUTE);
    let handed = stage.backends[0].handed().len();
    assert!((3..=5).contains(&handed), "{handed}");
    assert_eq!(stage.backends[0].aborted.len(), handed - 1);
    stage.backends[0].usual = End::Well(10);
    stage.until("acceptance", |stage| stage.status() == Authenticated);
}
