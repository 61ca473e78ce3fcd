//! Where a check starts, and which faults there may be.

use clerk_bridge::core::backend::policy;

use super::Faults;
use super::action::Action;
use super::world::World;

/// A start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Two tabs open at once.
    Dawn,
    /// A tab opens beside one that is at rest.
    Second,
    /// Both are at rest, and their token is due.
    Rotation,
    /// Both are at rest, and somebody is about to sign out.
    Leaving,
    /// Two tabs of two users, or of one who is about to be another.
    Switch,
}

impl Scene {
    /// All.
    pub const ALL: [Self; 5] = [Self::Dawn, Self::Second, Self::Rotation, Self::Leaving, Self::Switch];

    /// How much deeper it is looked at than others: less can happen in it at once.
    pub fn deeper(self) -> usize {
        match self {
            Self::Rotation => 3,
            Self::Dawn | Self::Second => 1,
            Self::Leaving | Self::Switch => 0,
        }
    }

    /// The state that it begins with.
    pub fn world(self) -> World {
        let none = Faults::default();
        let mut world = World::new(none);
        let alice = Some(world.clerk.sign_in());
        world.open(policy::CONVEX, alice);
        if self != Self::Dawn {
            rest(&mut world);
        }
        world.open(policy::CONVEX, alice);
        if !matches!(self, Self::Dawn | Self::Second) {
            rest(&mut world);
        }
        world.left = match self {
            Self::Dawn | Self::Second => Faults { failures: 1, freezes: 1, closings: 1, ..none },
            Self::Rotation => Faults { failures: 1, refusals: 1, freezes: 1, closings: 1, ..none },
            Self::Leaving => Faults { leavings: 1, failures: 1, freezes: 1, closings: 1, ..none },
            Self::Switch => Faults { leavings: 1, arrivals: 1, freezes: 1, ..none },
        };
        world.fingerprint();
        world
    }
}

/// Lets everything in flight arrive.
fn rest(world: &mut World) {
    while let Some(action) = world.calmest().filter(|action| !matches!(action, Action::Timer(_))) {
        world.happen(action);
    }
}
