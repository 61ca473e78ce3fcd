//! What is counted.

use std::collections::BTreeMap;

/// Counts over one world or many.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Worlds run to their end.
    pub worlds: u64,
    /// Virtual milliseconds.
    pub millis: i64,
    /// Events that machines handled.
    pub events: u64,
    /// Messages posted.
    pub says: u64,
    /// Messages heard.
    pub heard: u64,
    /// Tokens minted.
    pub mints: u64,
    /// Fetches that reached Clerk's servers while they refused.
    pub tries_refused: u64,
    /// Tabs opened.
    pub tabs: u64,
    /// What happened, by kind.
    pub happened: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.worlds += other.worlds;
        self.millis += other.millis;
        self.events += other.events;
        self.says += other.says;
        self.heard += other.heard;
        self.mints += other.mints;
        self.tries_refused += other.tries_refused;
        self.tabs += other.tabs;
        for (kind, count) in &other.happened {
            *self.happened.entry(kind).or_default() += count;
        }
    }
}
