//! The way into the machine from a browser: it takes events as numbers and answers with effects as numbers,
//! and nothing else. Timers, storage, page events and the token source are TypeScript
//! (`pkg-template/src/shell`): bound from here they made the module half as large again. No code of an
//! application ever runs inside a call, so no call can come in while another is under way.
//!
//! The npm package is built without the standard library and talks to the `exports`: plain functions, since
//! numbers and one buffer are all that crosses, and the glue of wasm-bindgen for a class was a tenth of what
//! an application downloads. With the standard library the same machine is the wasm-bindgen [`class`], for
//! `wasm-pack`, and for the tests in browsers.

#[cfg(feature = "std")]
pub mod class;
#[cfg(not(feature = "std"))]
mod exports;
mod machine;

pub use machine::{Host, Machine};
