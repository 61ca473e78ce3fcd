//! Every order in which a few things can happen in two tabs of one browser. `cargo xtask prove` looks deeper.

#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge_proof::model;

#[test]
fn no_order_of_a_few_happenings_breaks_a_promise() {
    let report = model::check(3);
    println!("{} states, up to {} happenings, {:.1} s", report.states, report.depth, report.seconds);
    assert!(report.violations.is_empty(), "{}", report.violations.join("\n\n"));
    assert!(report.states > 5_000, "{} states", report.states);
}
