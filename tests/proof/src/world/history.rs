//! What happened last, for people to read when a promise was broken.

use clerk_bridge::core::tabs::{Message, Said};
use clerk_bridge::core::token::Claims;
use clerk_bridge::core::{Effect, Event, Millis};
use std::collections::VecDeque;
use std::fmt::Write;

/// One thing.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    Event(Event),
    Effect(Effect),
    Happening(crate::scenario::Happening),
    Gone,
}

/// The last of them.
#[derive(Debug, Default)]
pub struct History(VecDeque<(i64, usize, Entry)>);

const KEPT: usize = 4_000;

impl History {
    pub fn note(&mut self, at: i64, tab: usize, entry: Entry) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((at, tab, entry));
    }

    /// The last `count`, of this tab and the world, or of all; without what says little.
    pub fn tail(&self, count: usize, tab: Option<usize>) -> String {
        let says = |entry: &&(i64, usize, Entry)| {
            let dull = matches!(entry.2, Entry::Effect(Effect::Log(_) | Effect::Timer | Effect::Forget(_)));
            let world = matches!(entry.2, Entry::Happening(_) | Entry::Gone);
            !dull && (world || tab.is_none_or(|tab| tab == entry.1))
        };
        let mut lines: Vec<_> = self.0.iter().rev().filter(says).take(count).collect();
        lines.reverse();
        let mut text = String::new();
        for (at, tab, entry) in lines {
            let _ = writeln!(text, "{:>12.3} tab {tab:<2} {}", *at as f64 / 1000.0, words(entry));
        }
        text
    }
}

fn words(entry: &Entry) -> String {
    let message = |Message { said, session, org, template, token, more }: &Message| {
        format!(
            "{said:?} session {} org {} template {} token {} {more:?}",
            session.0, org.0, template.0, token.0
        )
    };
    let claims = |claims: &Claims| {
        let second = |time: Option<Millis>| time.map_or(0.0, |time| (time.0 - super::DAWN) as f64 / 1000.0);
        let foreign = if claims.foreign { " FOREIGN" } else { "" };
        format!("(from {:.3} to {:.3}{foreign})", second(claims.iat), second(claims.exp))
    };
    match entry {
        Entry::Event(Event::Heard(said, of)) if said.said == Said::Token => {
            format!("  hears {} {}", message(said), claims(of))
        }
        Entry::Event(Event::Heard(said, _)) => format!("  hears {}", message(said)),
        Entry::Event(Event::Fetched(request, token, of)) => {
            format!("  fetched {} token {} {}", request.0, token.0, claims(of))
        }
        Entry::Event(event) => format!("  {event:?}").replace("(Session ", "("),
        Entry::Effect(Effect::Say(said)) => format!("    -> says {}", message(said)),
        Entry::Effect(effect) => format!("    -> {effect:?}"),
        Entry::Happening(happening) => format!("* {happening:?}"),
        Entry::Gone => "* gone".into(),
    }
}
