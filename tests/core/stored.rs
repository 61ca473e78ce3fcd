//! F and D4: what survives a reload.

use crate::harness::*;
use clerk_bridge::core::backend::Template;
use clerk_bridge::core::backend::policy::{CONVEX, CUSTOM};
use clerk_bridge::core::effect::{Command, Effect, Reason};
use clerk_bridge::core::event::{Ask, Event};
use clerk_bridge::core::failure::Code;
use clerk_bridge::core::identity::{Name, Source};
use clerk_bridge::core::options::{Options, Persist};
use clerk_bridge::core::snapshot::Status::{Authenticated, Loading, Unauthenticated};
use clerk_bridge::core::token::Claims;

const SESSION_TOKEN: Template = Template::Fixed(Name::NONE);

fn keeping(persist: Persist) -> Stage {
    Stage::with(Options { persist, ..Options::default() })
}

/// A page that an earlier load left in Alice's session, with a token that lives so long still.
fn restored(template: Template, name: Name, left: i64) -> Stage {
    let mut stage = keeping(Persist::Tokens);
    stage.backend(CONVEX, template);
    stage.clerk.session = Some(alice());
    let Some((_, Ok(token))) = stage.clerk.answer(left - MINUTE, stage.wall(), name, true) else {
        panic!("no token")
    };
    stage.clerk.fetches.clear();
    stage.tell(Event::Restored(alice()));
    let id = stage.token(token);
    stage.tell(Event::RestoredToken(name, id, token.claims(alice())));
    stage.tell(Event::Start);
    stage.advance(100);
    stage
}

#[test]
fn f1_a_record_is_stored_when_it_changes_and_only_then() {
    let mut stage = keeping(Persist::Identity);
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.tell(Event::Start);
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert_eq!((stage.bridge.record(), stage.bridge.owner(0)), ((Name(1), Name(20)), Name(1)));
    let entry = stage.log.len();
    stage.advance(10 * MINUTE);
    assert!(!stage.effects_since(entry).any(|effect| effect == Effect::Store));
}

#[test]
fn f2_no_token_is_stored_but_with_tokens() {
    for (persist, records, live) in
        [(Persist::Nothing, false, false), (Persist::Identity, true, false), (Persist::Tokens, true, true)]
    {
        let mut stage = keeping(persist);
        stage.backend(CUSTOM, SESSION_TOKEN);
        stage.tell(Event::Start);
        stage.sign_in(alice());
        stage.advance(MINUTE);
        assert_eq!(stage.effects_since(0).any(|effect| effect == Effect::Store), records);
        assert_eq!(stage.effects_since(0).any(|effect| effect == Effect::StoreLive), live);
        assert_eq!(stage.bridge.live().1.count() > 0, live);
    }
}

#[test]
fn f3_a_reload_is_authenticated_before_clerk_is_there() {
    for (template, name) in [(SESSION_TOKEN, Name::NONE), (Template::UnlessFits(TEMPLATE), TEMPLATE)] {
        let stage = restored(template, name, 40 * SECOND);
        assert_eq!((stage.status(), stage.state().session), (Authenticated, alice()));
        assert_eq!(stage.fetches(), []);
    }
}

#[test]
fn f3_clerk_agreeing_changes_nothing() {
    let mut stage = restored(SESSION_TOKEN, Name::NONE, 40 * SECOND);
    let before = (stage.published.len(), stage.backends[0].runs.len());
    stage.advance(2 * SECOND);
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert_eq!((stage.published.len(), stage.backends[0].runs.len()), before);
    stage.advance(5 * MINUTE);
    assert!(stage.fetches().len() > 4);
    assert_eq!(stage.statuses(), [Loading, Authenticated]);
}

#[test]
fn f3_clerk_disagreeing_detaches_at_once() {
    let mut stage = restored(SESSION_TOKEN, Name::NONE, 40 * SECOND);
    stage.sign_out();
    assert_eq!(stage.status(), Unauthenticated);
    assert_eq!(stage.backends[0].commands().last(), Some(&Command::Detach(Reason::SignedOut)));
    let mut stage = restored(SESSION_TOKEN, Name::NONE, 40 * SECOND);
    stage.sign_in(bob());
    assert_eq!(stage.status(), Loading);
    assert_eq!(stage.backends[0].commands().last(), Some(&Command::Hold(true)));
    stage.advance(SECOND);
    assert_eq!((stage.status(), stage.state().session), (Authenticated, bob()));
    assert_eq!(stage.leaves.len(), 1);
}

#[test]
fn f3_a6_a_clerk_that_never_comes_ends_a_restored_session_with_its_token() {
    for fails in [false, true] {
        let mut stage = restored(SESSION_TOKEN, Name::NONE, 40 * SECOND);
        if fails {
            stage.source(Source::Failed);
        }
        stage.advance(30 * SECOND);
        assert_eq!(stage.status(), Authenticated);
        let caller = stage.ask(Ask::Fresh(Name::NONE));
        stage.advance(11 * SECOND);
        let code = if fails { Code::SourceFailed } else { Code::SourceTimeout };
        assert_eq!((stage.status(), stage.state().error), (Unauthenticated, Some(code)));
        assert!(stage.answer(caller).is_some_and(|answer| answer.is_err()), "B10");
        stage.sign_in(alice());
        stage.advance(SECOND);
        assert_eq!((stage.status(), stage.state().error), (Authenticated, None));
    }
}

#[test]
fn f3_a_forced_call_does_not_hold_up_a_restored_token() {
    let mut stage = keeping(Persist::Tokens);
    stage.backend(CONVEX, SESSION_TOKEN);
    stage.clerk.session = Some(alice());
    let Some((_, Ok(token))) = stage.clerk.answer(-10 * SECOND, DAWN, Name::NONE, true) else {
        panic!("no token")
    };
    stage.tell(Event::Restored(alice()));
    stage.ask(Ask::Fresh(Name::NONE));
    let id = stage.token(token);
    stage.tell(Event::RestoredToken(Name::NONE, id, token.claims(alice())));
    stage.tell(Event::Start);
    stage.advance(100);
    assert_eq!(stage.status(), Authenticated);
}

#[test]
fn b11_a_stored_token_of_another_user_is_not_used() {
    let mut stage = keeping(Persist::Tokens);
    stage.backend(CONVEX, SESSION_TOKEN);
    stage.clerk.session = Some(alice());
    let Some((_, Ok(token))) = stage.clerk.answer(-10 * SECOND, stage.wall(), Name::NONE, true) else {
        panic!("no token")
    };
    let claims = token.claims(alice());
    let id = stage.token(token);
    stage.tell(Event::Restored(alice()));
    stage.tell(Event::RestoredToken(Name::NONE, id, Claims { foreign: true, ..claims }));
    assert!(stage.effects_since(0).any(|effect| effect == Effect::Forget(id)));
    stage.tell(Event::Start);
    stage.advance(100);
    assert_eq!(stage.backends[0].handed().len(), 0);
}

#[test]
fn f3_a_stored_token_that_is_dead_is_not_used() {
    let stage = restored(SESSION_TOKEN, Name::NONE, -5 * SECOND);
    assert_eq!(stage.backends[0].handed(), []);
}

#[test]
fn f4_sign_out_leaves_nothing_but_whose_data_is_not_cleared_yet() {
    let mut stage = keeping(Persist::Tokens);
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.tell(Event::Start);
    stage.sign_in(alice());
    stage.advance(SECOND);
    stage.backends[0].usual = End::Well(1_000);
    let entry = stage.log.len();
    stage.sign_out();
    assert_eq!((stage.bridge.record(), stage.bridge.owner(0)), (Default::default(), Name(1)));
    assert_eq!(stage.bridge.live().1.count(), 0);
    stage.advance(2 * SECOND);
    assert_eq!(stage.bridge.owner(0), Name::NONE);
    let stored: Vec<_> = stage
        .effects_since(entry)
        .filter(|effect| matches!(effect, Effect::Store | Effect::StoreLive))
        .collect();
    assert_eq!(stored, [Effect::Store, Effect::StoreLive, Effect::Store]);
}

#[test]
fn d4_data_that_a_crash_left_is_cleared_before_another_user_and_kept_for_the_same() {
    let mut stage = Stage::new();
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.tell(Event::Owner(0, Name(1)));
    stage.tell(Event::Start);
    stage.sign_in(bob());
    stage.advance(SECOND);
    let commands = stage.backends[0].commands();
    assert!(
        matches!(commands[..], [Command::Detach(Reason::UserSwitched), Command::Attach(_)]),
        "{commands:?}"
    );

    let mut stage = Stage::new();
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.tell(Event::Owner(0, Name(1)));
    stage.tell(Event::Start);
    stage.sign_in(alice());
    stage.advance(SECOND);
    assert!(matches!(stage.backends[0].commands()[..], [Command::Attach(_)]));

    let mut stage = Stage::new();
    stage.backend(CUSTOM, SESSION_TOKEN);
    stage.tell(Event::Owner(0, Name(1)));
    stage.tell(Event::Start);
    stage.sign_out();
    stage.advance(SECOND);
    assert_eq!(stage.backends[0].commands(), [Command::Detach(Reason::SignedOut)]);
}
