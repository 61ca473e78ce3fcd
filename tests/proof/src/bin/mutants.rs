//! Which broken rules are noticed, and where.
#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge::core::rules::Rule;
use clerk_bridge_proof::mutants::{WORLDS, catch_all};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut caught = 0;
    for (rule, found) in catch_all() {
        match found {
            Some((seed, violation)) => {
                caught += 1;
                println!("  {:<14} missed in world {seed}: {violation}", format!("{rule:?}"));
            }
            None => println!("  {:<14} NOT MISSED in {WORLDS} worlds", format!("{rule:?}")),
        }
    }
    println!("mutants: {caught} of {} rules are missed when they are gone", Rule::ALL.len());
    if caught == Rule::ALL.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
