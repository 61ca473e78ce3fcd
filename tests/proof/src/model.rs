//! An exhaustive check of the real machine, in two tabs of one browser: every order in which messages, answers,
//! steps, locks and timers can come, with a few faults among them, up to a number of them. In every state
//! that is met the promises are checked, and from every one the faults are over and all has to come right
//! ([`calm`]). What is not checked here is what depends on how long something takes; [`super::world`] does that.

mod action;
mod calm;
mod clerk;
mod locks;
mod print;
mod scene;
mod tab;
mod world;

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use stateright::{Checker, Model, Property};

use calm::Known;

pub use action::Action;
pub use scene::Scene;
pub use world::World;

/// How many of each fault there may be on one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Fetches that fail, and sign-outs of Clerk's.
    pub failures: u8,
    /// Tokens that the backend refuses.
    pub refusals: u8,
    /// Sign-outs, by the application or past it.
    pub leavings: u8,
    /// Somebody else who signs in.
    pub arrivals: u8,
    /// Tabs that freeze.
    pub freezes: u8,
    /// Tabs that close.
    pub closings: u8,
}

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// No token of somebody else, and none that ran out, is handed out (D1, B11, C3).
    Tokens,
    /// No two tabs of one session fetch the same, unless one is not heard any more (E1, E3).
    Fetches,
    /// A session that was ended stays so until Clerk mints a token asked for later (E2, E6).
    Endings,
    /// Once the faults are over, each tab agrees with its Clerk within a minute (J2).
    Agreement,
    /// Whatever became of the other tab, a tab that had a good token does not run out of it (E3).
    Continuity,
}

/// A promise that was broken, and how.
type Broken = (Promise, String);

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many different states were met.
    pub states: usize,
    /// How many things happened one after another, at most.
    pub depth: usize,
    /// How long it took.
    pub seconds: f64,
    /// What was broken, each with the shortest way there.
    pub violations: Vec<String>,
}

/// Checks every scene, with up to so many happenings, and more in those that allow it.
pub fn check(depth: usize) -> Report {
    check_with(depth, || {})
}

/// The same, with something that is called in every thread that asks the machine: to switch off one of its rules.
pub fn check_with(depth: usize, prepare: impl Fn() + Clone + Send + Sync + 'static) -> Report {
    let mut whole = Report::default();
    for scene in Scene::ALL {
        let one = check_scene(scene, depth + scene.deeper(), prepare.clone());
        whole.states += one.states;
        whole.depth = whole.depth.max(one.depth);
        whole.seconds += one.seconds;
        whole.violations.extend(one.violations);
    }
    whole
}

/// Checks one scene.
pub fn check_scene(scene: Scene, depth: usize, prepare: impl Fn() + Send + Sync + 'static) -> Report {
    prepare();
    let start = Instant::now();
    let browser = Browser { scene, prepare: Arc::new(prepare), known: Known::default() };
    // The depth counts states, of which there is one more.
    let checker = browser.checker().target_max_depth(depth + 2).spawn_bfs().join();
    let broken = checker.discoveries().into_iter().map(|(promise, path)| {
        let mut world = checker.model().scene.world();
        let mut told = String::new();
        for action in path.into_actions() {
            world.happen(action);
            told += &format!("\n  {:>6} {action:?}", world.now);
        }
        let how = world
            .broken
            .clone()
            .or_else(|| world.recovers(&Known::default()))
            .map(|(_, how)| how)
            .unwrap_or_default();
        format!("{scene:?}: {promise}: {how}{told}")
    });
    Report {
        violations: broken.collect(),
        states: checker.unique_state_count(),
        depth: checker.max_depth().saturating_sub(2),
        seconds: start.elapsed().as_secs_f64(),
    }
}

/// The model.
struct Browser {
    scene: Scene,
    prepare: Arc<dyn Fn() + Send + Sync>,
    known: Known,
}

impl Model for Browser {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.scene.world()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        (self.prepare)();
        world.actions(actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        next.happen(action);
        (next.print != world.print).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn holds(world: &World, promise: Promise) -> bool {
            world.broken.as_ref().is_none_or(|(broken, _)| *broken != promise)
        }
        vec![
            Property::always("no token of somebody else or that ran out", |_, world| {
                holds(world, Promise::Tokens)
            }),
            Property::always("no two fetches of the same", |_, world| holds(world, Promise::Fetches)),
            Property::always("what has ended stays so", |_, world| holds(world, Promise::Endings)),
            Property::always("it comes right", |model: &Self, world: &World| {
                (model.prepare)();
                world.broken.is_some() || world.recovers(&model.known).is_none()
            }),
        ]
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.print.hash(hasher);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}
