//! Some worlds of each kind, in every run of the tests. `cargo xtask prove` runs far more of them.

#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge_proof::prove::many;

/// Worlds, from the first seed on.
const WORLDS: u64 = 250;

#[test]
fn no_promise_is_broken_in_any_of_the_first_worlds() {
    let report = many(0, 2, 1, 300, |stats| stats.worlds >= WORLDS);
    for failure in &report.failures {
        println!("{failure}");
    }
    assert!(report.failures.is_empty(), "{} promises are broken", report.failures.len());
    assert!(report.stats.events > 10_000, "{:?}", report.stats);
}
