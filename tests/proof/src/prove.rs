//! Runs many worlds, on two threads, and says what came of them.

use crate::scenario::Scenario;
use crate::shrink::shrink;
use crate::world::{Stats, Violation, World};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A promise that was broken, made small.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What reproduces it.
    pub seed: u64,
    /// Which promise, and how.
    pub violation: Violation,
    /// The smallest scenario that breaks it.
    pub scenario: Scenario,
    /// What happened in it.
    pub history: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Scenario { kind, tabs, share, persist, skew, latency, delay, life, .. } = &self.scenario;
        writeln!(f, "seed {} breaks {}", self.seed, self.violation)?;
        writeln!(
            f,
            "{kind:?} world of {tabs} tabs, {share} % sharing, {persist:?}, skew {skew}, latency {latency}, messages take {delay}, tokens live {life}"
        )?;
        writeln!(f, "backends {:?}", self.scenario.backends)?;
        for (at, happening) in &self.scenario.story {
            writeln!(f, "  at {:.3}: {happening:?}", *at as f64 / 1000.0)?;
        }
        writeln!(f, "history\n{}", self.history)?;
        write!(f, "again: cargo xtask prove --seed {}", self.seed)
    }
}

/// What came of many worlds.
#[derive(Debug, Default)]
pub struct Report {
    /// What was counted.
    pub stats: Stats,
    /// The promises that were broken.
    pub failures: Vec<Failure>,
}

/// One world; what breaks a promise in it is made small within so many runs; 0: it is not.
pub fn one(seed: u64, runs: usize) -> (Stats, Option<Failure>) {
    try_out(seed, &Scenario::new(seed), runs)
}

fn try_out(seed: u64, scenario: &Scenario, runs: usize) -> (Stats, Option<Failure>) {
    let outcome = World::run(scenario);
    let failure = outcome.violation.map(|(violation, history)| {
        let small = if runs > 0 { shrink(scenario, &violation, runs) } else { scenario.clone() };
        let (violation, history) = World::run(&small).violation.unwrap_or((violation, history));
        Failure { seed, violation, scenario: small, history }
    });
    (outcome.stats, failure)
}

/// Worlds from this seed on, until `enough` says so or so many promises were broken.
pub fn many(
    first: u64,
    threads: usize,
    most: usize,
    runs: usize,
    enough: impl Fn(&Stats) -> bool + Sync,
) -> Report {
    let next = AtomicU64::new(first);
    let done = AtomicBool::new(false);
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let (stats, failure) = one(next.fetch_add(1, Ordering::Relaxed), runs);
                    let mut report = report.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    report.stats.add(&stats);
                    report.failures.extend(failure);
                    if enough(&report.stats) || report.failures.len() >= most {
                        done.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    report.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}
