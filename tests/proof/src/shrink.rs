//! Makes a failing scenario smaller: leaves out what happens, and tabs, while the same promise is still broken.

use crate::scenario::Scenario;
use crate::world::{Violation, World};

fn breaks(scenario: &Scenario, violation: &Violation) -> bool {
    World::run(scenario).violation.is_some_and(|(other, _)| other.promise == violation.promise)
}

/// The smallest scenario found within so many runs.
pub fn shrink(scenario: &Scenario, violation: &Violation, mut runs: usize) -> Scenario {
    let mut best = scenario.clone();
    let mut size = best.story.len().div_ceil(2).max(1);
    while runs > 0 {
        let mut from = 0;
        let mut smaller = false;
        while from < best.story.len() && runs > 0 {
            let mut candidate = best.clone();
            let end = (from + size).min(candidate.story.len());
            candidate.story.drain(from..end);
            runs -= 1;
            if breaks(&candidate, violation) {
                best = candidate;
                smaller = true;
            } else {
                from += size;
            }
        }
        if size > 1 {
            size /= 2;
        } else if !smaller {
            break;
        }
    }
    for backend in (0..best.backends.len()).rev() {
        let mut candidate = best.clone();
        candidate.backends.remove(backend);
        if breaks(&candidate, violation) {
            best = candidate;
        }
    }
    for tabs in 1..best.tabs {
        let candidate = Scenario { tabs, ..best.clone() };
        if breaks(&candidate, violation) {
            return candidate;
        }
    }
    best
}
