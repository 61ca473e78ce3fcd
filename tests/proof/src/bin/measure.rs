//! What the machine costs: events a second, bytes of a bridge, and what tabs say to each other.
#![cfg(not(target_arch = "wasm32"))]

use clerk_bridge::core::backend::policy::{CALLS, CONVEX};
use clerk_bridge::core::backend::{Setup, Template};
use clerk_bridge::core::effect::{Effect, TokenId};
use clerk_bridge::core::event::Event;
use clerk_bridge::core::identity::{Name, Session, Source};
use clerk_bridge::core::token::Claims;
use clerk_bridge::core::{Bridge, Millis, Now, Options};
use clerk_bridge_proof::scenario::{Happening, Kind, MINUTE, SECOND, Scenario, Weather};
use clerk_bridge_proof::world::World;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Counts the bytes in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A bridge with two backends, and what answers it at once.
struct Rotating {
    bridge: Bridge,
    now: i64,
    tokens: u32,
    events: u64,
}

impl Rotating {
    fn new() -> Self {
        let mut one = Self { bridge: Bridge::new(Options::default()), now: 0, tokens: 0, events: 0 };
        for policy in [CONVEX, CALLS] {
            one.tell(Event::Backend(Setup { policy, template: Template::Fixed(Name::NONE) }));
        }
        one.tell(Event::Start);
        let session = Session { user: Name(1), id: Name(2), org: Name(3), role: Name(4), fits: None };
        one.tell(Event::Source(Source::SignedIn(session)));
        one
    }

    fn tell(&mut self, event: Event) {
        self.events += 1;
        let now = Now { wall: Millis(self.now), mono: Millis(self.now) };
        for effect in self.bridge.handle(now, event) {
            match effect {
                Effect::Fetch { request, .. } => {
                    self.tokens += 1;
                    let (iat, exp) = (Some(Millis(self.now)), Some(Millis(self.now + MINUTE)));
                    let claims = Claims { iat, exp, foreign: false, fits: false };
                    self.tell(Event::Fetched(request, TokenId(self.tokens), claims));
                }
                Effect::Run { step, .. } => self.tell(Event::StepDone(step)),
                _ => {}
            }
        }
    }

    fn rotate(&mut self) {
        if let Some(at) = self.bridge.timer() {
            self.now += (at - self.bridge.time()).0.max(1);
        }
        self.tell(Event::Tick);
    }
}

fn quiet(tabs: usize, kind: Kind, story: Vec<(i64, Happening)>) -> Scenario {
    let mut scenario = Scenario::of_kind(7, kind);
    scenario.tabs = tabs;
    scenario.backends = vec![Setup { policy: CALLS, template: Template::Fixed(Name::NONE) }];
    (scenario.skew, scenario.latency, scenario.delay, scenario.end) = (0, 100, 5, 20 * MINUTE);
    scenario.story = story;
    scenario
}

fn main() {
    let mut one = Rotating::new();
    let (begun, before) = (Instant::now(), one.events);
    while begun.elapsed().as_secs() < 2 {
        (0..1_000).for_each(|_| one.rotate());
    }
    let events = (one.events - before) as f64 / begun.elapsed().as_secs_f64();
    println!("core: {events:.0} events a second, {:.0} ns each", 1e9 / events);

    let before = IN_USE.load(Ordering::Relaxed);
    let many: Vec<_> = (0..1_000).map(|_| Rotating::new()).collect();
    let fresh = (IN_USE.load(Ordering::Relaxed) - before) / many.len();
    let mut many = many;
    many.iter_mut().for_each(|one| (0..1_000).for_each(|_| one.rotate()));
    let rotated = (IN_USE.load(Ordering::Relaxed) - before) / many.len();
    println!("bytes of a bridge with two backends, signed in: {fresh}; after 1000 rotations: {rotated}");

    println!(
        "{:>5} {:>10} {:>10} {:>16} {:>16}",
        "tabs", "fetches", "messages", "heard by each", "tries in a 5xx"
    );
    for tabs in [1, 2, 4, 8, 16, 32, 64] {
        let calm = World::run(&quiet(tabs, Kind::Calm, Vec::new()));
        let weather = Happening::Weather(Weather::Down, 4 * MINUTE);
        let mut tries = 0;
        for seed in 0..10 {
            let mut scenario = quiet(tabs, Kind::Refused, vec![(90 * SECOND, weather)]);
            (scenario.seed, scenario.end) = (seed, 6 * MINUTE);
            tries += World::run(&scenario).stats.tries_refused;
        }
        let rotations = (calm.stats.millis / (49 * SECOND)) as f64;
        let stats = calm.stats;
        println!(
            "{tabs:>5} {:>10.2} {:>10.1} {:>16.1} {:>16.1}",
            stats.mints as f64 / rotations,
            stats.says as f64 / rotations,
            stats.heard as f64 / rotations / tabs as f64,
            tries as f64 / 10.0,
        );
        if let Some((violation, _)) = calm.violation {
            println!("      {violation}");
        }
    }
    println!("fetches and messages are for each rotation of one token, tries in four minutes of failures");
}
