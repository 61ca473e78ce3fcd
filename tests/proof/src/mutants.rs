//! The machine with one of its rules switched off: the simulation has to find a world in which that breaks a promise.

use crate::random::Random;
use crate::scenario::{Happening, Kind, MINUTE, SECOND, Scenario, Weather};
use crate::world::{Violation, World};
use clerk_bridge::core::rules::{Rule, break_rule};

/// In so many worlds a broken rule has to be noticed.
pub const WORLDS: u64 = 3_000;

/// Where it is missed, if anywhere: the seed, and the promise that is broken.
pub fn catch(rule: Rule) -> Option<(u64, Violation)> {
    // What this rule is about decides in which worlds to look.
    let kinds: &[Kind] = match rule {
        Rule::Leeway | Rule::Lease => &[Kind::Leaders],
        Rule::Asks | Rule::Tells => &[Kind::Calm],
        Rule::RetryAfter | Rule::SharedBackoff => &[Kind::Refused],
        _ => &[Kind::Storm, Kind::Storm, Kind::Chaos],
    };
    break_rule(Some(rule));
    let caught = (0..WORLDS).find_map(|seed| {
        let kind = kinds[seed as usize % kinds.len()];
        let mut scenario = Scenario::of_kind(seed, kind);
        scenario.most = scenario.most.min(12);
        scenario.tabs = scenario.tabs.min(6);
        crowd(rule, &mut scenario);
        let (violation, _) = World::run(&scenario).violation?;
        break_rule(None);
        let whole = World::run(&scenario).violation.is_none();
        break_rule(Some(rule));
        whole.then_some((seed, violation))
    });
    break_rule(None);
    caught
}

/// Has more of what this rule is for happen, where that is rare otherwise.
fn crowd(rule: Rule, scenario: &mut Scenario) {
    let mut random = Random::new(scenario.seed);
    for at in (30..scenario.end.min(10 * MINUTE) / SECOND).step_by(7) {
        let at = at * SECOND + random.within(0, 5 * SECOND);
        match rule {
            Rule::Floor if scenario.kind == Kind::Chaos => {
                scenario.story.push((at, Happening::Garbage(random.number())));
            }
            Rule::Since => {
                scenario.story.push((at, Happening::Weather(Weather::Slow, 6 * SECOND)));
                let role = random.of(&[30, 31]);
                scenario.story.push((at + random.within(0, 6 * SECOND), Happening::Role(role, 5 * SECOND)));
            }
            _ => {}
        }
    }
}

/// All rules, on two threads: each with where it is missed, if anywhere.
pub fn catch_all() -> Vec<(Rule, Option<(u64, Violation)>)> {
    let (ours, theirs) = Rule::ALL.split_at(Rule::ALL.len() / 2);
    let all = |rules: &[Rule]| -> Vec<_> { rules.iter().map(|rule| (*rule, catch(*rule))).collect() };
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| all(theirs));
        let mut caught = all(ours);
        caught.extend(theirs.join().unwrap_or_default());
        caught
    })
}
