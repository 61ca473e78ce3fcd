//! When two states are the same: whatever has the same future. Moments count from now, what is long past counts
//! as long past, ids count by their order, tokens by what they say; how far the jitter's seed is drawn does
//! not count. So a state met again later, or on another way, is not looked at again.

use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};

use super::clerk::DAWN;
use super::tab::Tab;
use super::world::World;

/// What is longer ago than any lease, back-off or token lasts is long ago.
const LONG: i64 = 70_000;

/// Reads what `Debug` writes, piece by piece, and hashes it.
struct Reader<'a> {
    world: &'a World,
    hasher: &'a mut DefaultHasher,
    /// The last name that was read.
    name: Name,
    ids: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Name {
    Id,
    LastId,
    Token,
    Random,
    Moment,
    Millis,
    Other,
}

impl Name {
    fn read(text: &str) -> Self {
        match text {
            "RequestId" | "StepId" | "LeaveId" | "serial" => Self::Id,
            "last_id" => Self::LastId,
            "TokenId" => Self::Token,
            "Random" => Self::Random,
            "Millis" => Self::Millis,
            "sent" | "timer" | "at" | "until" | "heard_at" | "asked_at" | "stole_at" | "stolen_until" => {
                Self::Moment
            }
            _ => Self::Other,
        }
    }
}

impl Reader<'_> {
    fn moment(&mut self, at: i64) {
        (at - self.world.now).max(-LONG).hash(self.hasher);
    }

    fn number(&mut self, number: i64) {
        match self.name {
            Name::LastId | Name::Random => {}
            Name::Id => self.ids.push(number as u32),
            Name::Token if number > 0 && number < i64::from(u32::MAX) => {
                let token = self.world.clerk.token(clerk_bridge::core::effect::TokenId(number as u32));
                token.session.id.0.hash(self.hasher);
                self.moment(token.minted);
            }
            Name::Moment => self.moment(number),
            // Spans are short, before the time is known it is zero, and the end of time never comes nearer.
            Name::Millis if number > DAWN / 2 && number < 2 * DAWN => self.moment(number - DAWN),
            _ => number.hash(self.hasher),
        }
    }
}

impl Write for Reader<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text.as_bytes().first() {
            Some(b'0'..=b'9') => match text.parse() {
                Ok(number) => self.number(number),
                Err(_) => text.hash(self.hasher),
            },
            Some(b'a'..=b'z' | b'A'..=b'Z') => {
                match Name::read(text) {
                    // What is wrapped is of the kind that its field's name says.
                    Name::Other if text == "Some" => {}
                    name => self.name = name,
                }
                text.hash(self.hasher);
            }
            _ => text.hash(self.hasher),
        }
        Ok(())
    }
}

impl World {
    /// Takes the fingerprint of what there is now.
    pub fn fingerprint(&mut self) {
        self.locks.forget(self.now);
        let mut hasher = DefaultHasher::new();
        for tab in &self.tabs {
            self.read(tab, &mut hasher);
        }
        let mut reader = Reader { world: self, hasher: &mut hasher, name: Name::Other, ids: Vec::new() };
        let (clerk, sub) = (&self.clerk, self.now.rem_euclid(1_000)); // tokens say the second
        let _ = write!(reader, "{:?} {:?} {:?} {:?} {sub}", self.locks, self.left, clerk.alive, self.broken);
        self.print = hasher.finish();
    }

    fn read(&self, tab: &Tab, hasher: &mut DefaultHasher) {
        let mut reader = Reader { world: self, hasher, name: Name::Other, ids: Vec::new() };
        let _ = write!(reader, "{tab:?}");
        for flight in &tab.flights {
            let ended = self.clerk.ended_at(flight.session.id);
            ended.map(|at| flight.sent < at).hash(reader.hasher);
        }
        let mut order: Vec<u32> = reader.ids.iter().copied().filter(|id| *id > 0 && *id < u32::MAX).collect();
        order.sort_unstable();
        order.dedup();
        let ids = std::mem::take(&mut reader.ids);
        for id in ids {
            match order.binary_search(&id) {
                Ok(rank) => (rank + 1).hash(hasher),
                Err(_) => id.hash(hasher),
            }
        }
    }
}
