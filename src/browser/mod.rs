//! The way into the machine from a browser: one exported class that takes events as numbers and answers with
//! effects as numbers, and nothing else. Timers, storage, page events and the token source are TypeScript
//! (`pkg-template/src/shell`): bound from here they made the module half as large again. No code of an
//! application ever runs inside a call, so no call can come in while another is under way.

mod machine;

pub use machine::{Host, Machine};
