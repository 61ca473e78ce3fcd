//! One backend: what it was told, what it is being told, and what it has to be told next. Each backend
//! goes its own way; what makes their ways different stands in [`policy`]. A backend must never be told
//! two things at once, nor anything for a session that is over (D1, D2).

mod owed;
mod plan;
pub mod policy;
mod step;
mod tie;

pub use policy::{Policy, Template};
pub use step::World;
pub use tie::Backend;

/// What the application says of a backend.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How backends of its kind want to be treated.
    pub policy: Policy,
    /// Which token it wants.
    pub template: Template,
}
