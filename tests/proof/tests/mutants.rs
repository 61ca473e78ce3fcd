//! Is every rule missed when it is gone? Each is switched off in turn, and the simulation has to notice within a
//! bounded number of worlds: what it does not notice, it does not prove.

#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge::core::rules::Rule;
use clerk_bridge_proof::mutants::catch_all;

#[test]
fn every_broken_rule_breaks_a_promise() {
    let caught = catch_all();
    assert_eq!(caught.len(), Rule::ALL.len());
    let missed = |rule: &Rule| caught.iter().any(|(one, found)| one == rule && found.is_some());
    let survivors: Vec<_> = Rule::ALL.into_iter().filter(|rule| !missed(rule)).collect();
    assert!(survivors.is_empty(), "nobody misses {survivors:?}");
}
