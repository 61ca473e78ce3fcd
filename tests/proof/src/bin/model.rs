//! The model, gone through to a depth: `model [DEPTH]`.
#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge_proof::model;
use std::process::ExitCode;

/// What a minute or two are enough for.
const DEPTH: usize = 6;

fn main() -> ExitCode {
    let depth = std::env::args().nth(1).and_then(|depth| depth.parse().ok()).unwrap_or(DEPTH);
    let report = model::check(depth);
    for violation in &report.violations {
        println!("{violation}\n");
    }
    println!(
        "model: {} states, up to {} happenings, {} promises broken, {:.1} s",
        report.states,
        report.depth,
        report.violations.len(),
        report.seconds
    );
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
