//! H10-H33 and D3-D5: how Instant, Triplit, Hasura and plain HTTP are led, as far as the machine decides it.

use crate::harness::*;
use clerk_bridge::core::backend::policy::{CALLS, INSTANT, TRIPLIT};
use clerk_bridge::core::backend::{Policy, Template};
use clerk_bridge::core::effect::{Command, Effect, Reason, TokenId};
use clerk_bridge::core::event::{Event, Refusal, Wake};
use clerk_bridge::core::failure::Code;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::snapshot::Status::{Authenticated, Loading, Unauthenticated};

const SESSION_TOKEN: Template = Template::Fixed(Name::NONE);
const REFUSE: End = End::Not(50, Refusal::Refused);

fn attached(policy: Policy) -> Stage {
    Stage::attached(policy, SESSION_TOKEN, alice())
}

/// What a backend was told since its run of this number, tokens left out.
fn told(stage: &Stage, from: usize) -> Vec<&'static str> {
    let word = |command: &Command| match command {
        Command::Hold(false) => "hold",
        Command::Hold(true) => "hold, somebody left",
        Command::Attach(_) => "attach",
        Command::Update(_) => "update",
        Command::Detach(_) => "detach",
        Command::Nobody => "nobody",
        Command::Revoke(_) => "revoke",
    };
    stage.backends[0].commands()[from..].iter().map(word).collect()
}

#[test]
fn h10_instant_is_told_one_token_and_no_rotation_session_or_organization() {
    let mut stage = attached(INSTANT);
    stage.advance(10 * MINUTE);
    stage.sign_in(Session { org: Name(21), ..alice() });
    stage.advance(MINUTE);
    stage.sign_in(Session { id: Name(99), ..alice() });
    stage.advance(MINUTE);
    assert_eq!(told(&stage, 0), ["attach"]);
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn h12_h10_a_switch_revokes_the_last_session_before_the_next_exchange() {
    let mut stage = attached(INSTANT);
    stage.sign_in(bob());
    stage.advance(MINUTE);
    assert_eq!(told(&stage, 0), ["attach", "detach", "revoke", "attach"]);
    assert_eq!(stage.backends[0].detached(), [Reason::UserSwitched]);
}

#[test]
fn h12_a_revocation_that_hangs_holds_up_the_next_exchange_for_five_seconds() {
    let mut stage = attached(INSTANT);
    stage.backends[0].script = [End::Well(10), End::Hang].into();
    stage.sign_in(bob());
    stage.until("the attach", |stage| stage.backends[0].handed().len() == 2);
    let runs = &stage.backends[0].runs;
    assert_eq!(runs[3].at - runs[2].at, 5 * SECOND);
    assert_eq!(stage.bridge.owed(0).len(), 1, "and is owed still");
}

#[test]
fn h11_sign_out_during_an_exchange_ends_signed_out_and_its_session_is_revoked() {
    let mut stage = Stage::of(INSTANT, SESSION_TOKEN);
    stage.backends[0].script = [End::Well(20 * SECOND)].into();
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.sign_out();
    stage.advance(MINUTE);
    assert_eq!(told(&stage, 0), ["attach", "detach", "revoke", "detach", "revoke"]);
    assert_eq!((stage.bridge.owner(0), stage.bridge.owed(0)), (Name::NONE, [].as_slice()));
}

#[test]
fn h14_h21_a_refused_token_is_replaced_once() {
    for policy in [INSTANT, TRIPLIT] {
        let mut stage = Stage::of(policy, SESSION_TOKEN);
        stage.backends[0].script = [REFUSE].into();
        stage.sign_in(alice());
        stage.advance(10 * SECOND);
        assert_eq!(stage.status(), Authenticated);
        assert!(stage.fetches()[1].minted);

        let mut stage = Stage::of(policy, SESSION_TOKEN);
        stage.backends[0].script = [REFUSE, REFUSE].into();
        stage.sign_in(alice());
        stage.advance(20 * SECOND);
        assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::BackendRejected)));
        assert_eq!(told(&stage, 0)[..3], ["attach", "attach", "detach"]);
        assert_eq!(stage.backends[0].handed().len(), 2, "until the next try");
        stage.advance(6 * MINUTE);
        assert_eq!(stage.status(), Authenticated);
    }
}

#[test]
fn h13_a_session_of_its_own_that_is_lost_is_exchanged_for_anew() {
    let mut stage = attached(INSTANT);
    stage.advance(MINUTE);
    stage.sign_in(Session { org: Name(21), ..alice() });
    stage.advance(MINUTE);
    stage.reject(0, Refusal::Refused);
    stage.advance(10 * SECOND);
    assert_eq!(told(&stage, 0), ["attach", "attach"]);
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn h15_d5_what_cannot_be_revoked_now_is_revoked_once_the_network_is_back() {
    let mut stage = attached(INSTANT);
    stage.backends[0].usual = End::Not(10, Refusal::Transient);
    stage.backends[0].script = [End::Well(10)].into();
    stage.sign_out();
    stage.advance(10 * MINUTE);
    let tries = stage.backends[0].revoked().len();
    assert!((10..60).contains(&tries), "with back-off: {tries}");
    let owed = stage.bridge.owed(0).to_vec();
    assert_eq!(owed.len(), 1);
    stage.backends[0].usual = End::Well(10);
    stage.wake(Wake::Online);
    let entry = stage.log.len();
    stage.advance(SECOND);
    assert_eq!(stage.bridge.owed(0), []);
    let effects: Vec<_> = stage.effects_since(entry).collect();
    assert!(effects.contains(&Effect::Store) && effects.contains(&Effect::Forget(owed[0])), "{effects:?}");
    assert_eq!(stage.timer_in(), None, "nothing is left to do");
}

#[test]
fn d5_what_an_earlier_page_load_owed_is_revoked_at_once() {
    let mut stage = Stage::new();
    stage.backend(INSTANT, SESSION_TOKEN);
    stage.tell(Event::Owes(0, TokenId(OWED)));
    stage.tell(Event::Owes(0, TokenId(OWED)));
    stage.tell(Event::Start);
    stage.advance(SECOND);
    assert_eq!(stage.backends[0].revoked(), [TokenId(OWED)]);
    stage.tell(Event::Owes(7, TokenId(OWED))); // of a backend that there is not
}

#[test]
fn d7_sign_out_waits_for_the_revocation() {
    let mut stage = attached(INSTANT);
    stage.backends[0].script = [End::Well(10), End::Well(2_000)].into();
    let caller = stage.bridge_sign_out();
    stage.advance(10 * SECOND);
    let revoked = stage.backends[0].runs.last().map(|run| run.at);
    assert!(stage.answered_at(caller) >= revoked.map(|at| at + 2_000), "{:?}", stage.answered_at(caller));
}

#[test]
fn h20_triplit_is_told_every_rotation_and_every_session() {
    let mut stage = attached(TRIPLIT);
    stage.advance(8 * MINUTE);
    stage.sign_in(Session { id: Name(99), ..alice() });
    stage.advance(MINUTE);
    let told = told(&stage, 0);
    assert!(told[0] == "attach" && told.len() > 10, "{told:?}");
    assert!(told[1..].iter().all(|word| *word == "update"), "{told:?}");
}

#[test]
fn h23_another_organization_or_role_opens_a_new_session_of_triplit() {
    for session in [Session { org: Name(21), ..alice() }, Session { role: Name(31), ..alice() }] {
        let mut stage = attached(TRIPLIT);
        stage.sign_in(session);
        stage.advance(SECOND);
        assert_eq!(told(&stage, 0), ["attach", "detach", "attach"]);
        assert_eq!(stage.backends[0].detached(), [Reason::IdentityChanged]);
        assert_eq!(stage.statuses(), [Loading, Authenticated], "C6");
    }
}

#[test]
fn h22_d3_triplit_is_cleared_before_the_next_user_and_who_cannot_be_cleared_keeps_them_out() {
    let mut stage = attached(TRIPLIT);
    stage.backends[0].script = [End::Not(10, Refusal::Transient)].into();
    stage.sign_in(bob());
    stage.advance(50);
    assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::BackendRejected)));
    stage.advance(MINUTE);
    assert_eq!(told(&stage, 0)[..4], ["attach", "detach", "detach", "attach"]);
    assert_eq!(stage.status(), Authenticated);
}

#[test]
fn h22_data_kept_through_a_sign_out_is_the_same_users_or_is_cleared() {
    let keeping = TRIPLIT.with(Policy::KEEPS_SIGNED_OUT);
    for (next, expected) in [(alice(), vec!["attach"]), (bob(), vec!["detach", "attach"])] {
        let mut stage = attached(keeping);
        stage.sign_out();
        stage.advance(10 * MINUTE);
        assert_eq!(told(&stage, 0), ["attach", "detach"]);
        assert_eq!(stage.bridge.owner(0), Name(1), "whose it is, stays known");
        stage.sign_in(next);
        stage.advance(SECOND);
        assert_eq!(told(&stage, 2), expected);
        assert_eq!(stage.bridge.owner(0), next.user);
    }
}

#[test]
fn h21_d3_a_rejected_triplit_keeps_what_was_not_sent_until_the_user_leaves() {
    let mut stage = attached(TRIPLIT);
    stage.backends[0].script = [REFUSE].into();
    stage.reject(0, Refusal::Refused);
    stage.advance(20 * SECOND);
    assert_eq!(stage.backends[0].detached(), [Reason::Rejected]);
    assert_eq!(stage.bridge.owner(0), Name(1));
    stage.sign_out();
    stage.advance(SECOND);
    assert_eq!(stage.backends[0].detached(), [Reason::Rejected, Reason::SignedOut]);
    assert_eq!(stage.bridge.owner(0), Name::NONE);
}

#[test]
fn h22_d4_data_of_somebody_else_is_cleared_at_the_next_start() {
    let mut stage = Stage::new();
    stage.backend(TRIPLIT, SESSION_TOKEN);
    stage.tell(Event::Owner(0, Name(1)));
    stage.tell(Event::Start);
    stage.sign_in(bob());
    stage.advance(SECOND);
    assert_eq!(told(&stage, 0), ["detach", "attach"]);
}

#[test]
fn h30_calls_follow_every_rotation_and_organization_and_wait_between_users() {
    let mut stage = attached(CALLS);
    stage.sign_in(Session { org: Name(21), ..alice() });
    stage.advance(SECOND);
    assert_eq!(told(&stage, 1), ["hold", "attach", "update"]);
    stage.leave_takes = Some(2_000);
    stage.sign_in(bob());
    stage.advance(1_900);
    assert_eq!(told(&stage, 4), ["hold, somebody left"]);
    stage.advance(SECOND);
    assert_eq!(told(&stage, 5), ["detach", "attach"]);
    stage.sign_out();
    stage.advance(5 * SECOND);
    assert_eq!(told(&stage, 7), ["detach", "hold, somebody left", "nobody"]);
}

#[test]
fn h33_what_is_configured_wrongly_is_not_tried_again() {
    for policy in [INSTANT, TRIPLIT, CALLS] {
        let mut stage = attached(policy);
        stage.reject(0, Refusal::Config);
        stage.advance(SECOND);
        assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(Code::BackendConfig)));
        stage.wake(Wake::Online);
        stage.advance(10 * MINUTE);
        assert_eq!(stage.backends[0].handed().len(), 1);
        stage.sign_in(bob());
        stage.advance(SECOND);
        assert_eq!(stage.status(), Authenticated, "another user may be fine");
    }
}
