//! What a person sees while a chore runs: a line when a step begins, and how long it took.
//! It must never hide the output of the step itself.

use std::time::{Duration, Instant};

use crate::Outcome;

/// Do one step in public.
pub fn step<T>(name: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    println!("==> {name}");
    let begun = Instant::now();
    let outcome = work();
    let word = if outcome.is_ok() { "done" } else { "failed" };
    println!("    {name}: {word} in {}", seconds(begun.elapsed()));
    outcome
}

/// A remark below the step that is running.
pub fn note(text: impl std::fmt::Display) {
    println!("    {text}");
}

/// A duration as people read it.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
