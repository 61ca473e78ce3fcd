//! Every order in which a few things can happen in two tabs of one browser. `cargo xtask prove` looks deeper.

#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge::core::rules::{Rule, break_rule};
use clerk_bridge_proof::model;

#[test]
fn no_order_of_a_few_happenings_breaks_a_promise() {
    let report = model::check(3);
    println!("{} states, up to {} happenings, {:.1} s", report.states, report.depth, report.seconds);
    assert!(report.violations.is_empty(), "{}", report.violations.join("\n\n"));
    assert!(report.states > 10_000, "{} states", report.states);
}

/// What holds between tabs is noticed when it is gone. The other rules are about what is not modelled: several
/// users' data, clocks that are wrong, what hangs for ever.
#[test]
fn a_rule_between_tabs_is_missed() {
    let rules = [
        Rule::Leeway,
        Rule::Buried,
        Rule::Ended,
        Rule::Proof,
        Rule::Lease,
        Rule::Asks,
        Rule::Tells,
        Rule::SharedBackoff,
        Rule::SingleFlight,
        Rule::Detaches,
    ];
    let is_missed = |rule: &Rule| {
        let rule = Some(*rule);
        let broken = |depth| !model::check_with(depth, move || break_rule(rule)).violations.is_empty();
        let missed = (0..=2).any(broken);
        break_rule(None);
        missed
    };
    let survivors: Vec<_> = rules.into_iter().filter(|rule| !is_missed(rule)).collect();
    assert!(survivors.is_empty(), "nobody misses {survivors:?}");
}
