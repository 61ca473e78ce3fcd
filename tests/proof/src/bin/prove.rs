//! The long run: `prove [--seed N] [--days N]`.
#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge_proof::prove::{many, one};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let day = 86_400_000;
    let runs = number("--shrink").unwrap_or(300) as usize;
    let limit = number("--seconds").unwrap_or(u64::MAX);
    let begun = Instant::now();
    let report = match (number("--seed"), number("--days")) {
        (Some(seed), None) => {
            let (stats, failure) = one(seed, runs);
            clerk_bridge_proof::prove::Report { stats, failures: failure.into_iter().collect() }
        }
        (seed, days) => {
            let days = days.unwrap_or(10_000) as i64;
            let most = number("--failures").unwrap_or(1) as usize;
            many(seed.unwrap_or(0), 2, most, runs, |stats| {
                stats.millis >= days * day || begun.elapsed().as_secs() >= limit
            })
        }
    };
    for failure in &report.failures {
        println!("{failure}\n");
    }
    let stats = &report.stats;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "simulation: {} worlds, {} tabs, {:.1} virtual days",
        stats.worlds,
        stats.tabs,
        stats.millis as f64 / day as f64
    );
    println!(
        "  {} core events ({:.0} a second), {} messages said, {} heard, {} tokens minted",
        stats.events,
        stats.events as f64 / seconds,
        stats.says,
        stats.heard,
        stats.mints
    );
    for (kind, count) in &stats.happened {
        println!("  {count:>9} x {kind}");
    }
    println!("  {} promises broken, {seconds:.1} s", report.failures.len());
    if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
