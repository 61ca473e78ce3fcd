//! The functions that `pkg-template/src/shell/module.ts` calls and provides. A machine is a pointer there.
//! Only numbers come in; the texts of the event log go out.

use super::machine::{Host, Machine};
use crate::core::Millis;
use crate::core::token::Claims;
use alloc::boxed::Box;

mod host {
    #[allow(unsafe_code)] // they take numbers, and places that they read while they run
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        #[allow(clippy::too_many_arguments)] // numbers cross for nothing, objects do not
        pub safe fn effect(kind: u32, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32);
        pub safe fn wait(kind: u32, a: u32, b: u32, ms: f64);
        #[allow(clippy::too_many_arguments)]
        pub safe fn log(
            name: *const u8,
            name_length: usize,
            backend: i32,
            template: u32,
            reason: *const u8,
            reason_length: usize,
            ms: f64,
        );
        pub safe fn wall() -> f64;
        pub safe fn mono() -> f64;
    }
}

/// The functions that the module imports. They know whose call it is that they are called in.
struct Imports;

impl Host for Imports {
    fn effect(&self, kind: u32, [a, b, c, d, e, f, g]: [u32; 7]) {
        host::effect(kind, a, b, c, d, e, f, g);
    }

    fn wait(&self, kind: u32, a: u32, b: u32, ms: f64) {
        host::wait(kind, a, b, ms);
    }

    fn log(&self, name: &str, backend: i32, template: u32, reason: &str, ms: f64) {
        host::log(name.as_ptr(), name.len(), backend, template, reason.as_ptr(), reason.len(), ms);
    }

    fn wall(&self) -> f64 {
        host::wall()
    }

    fn mono(&self) -> f64 {
        host::mono()
    }
}

type Held = Machine<Imports>;

/// Makes a machine: see [`Machine::new`].
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn create(
    persist: u32,
    leeway: f64,
    fetch_timeout: f64,
    source_timeout: f64,
    seed: f64,
) -> Box<Held> {
    Box::new(Machine::new(Imports, persist, leeway, fetch_timeout, source_timeout, seed))
}

/// Ends a machine.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn free(held: Box<Held>) {
    drop(held);
}

/// Tells a machine what happened: see [`Machine::event`].
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
extern "C" fn event(held: &Held, kind: u32, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32) {
    held.event(kind, [a, b, c, d, e, f, g]);
}

/// Tells a machine of a token: see [`Machine::token`]. Of the claims: 1 it is foreign, 2 it fits Convex, 4 it is
/// no token at all; its times are milliseconds, or not a number.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
extern "C" fn token(
    held: &Held,
    from: u32,
    id: u32,
    token: u32,
    claims: u32,
    exp: f64,
    iat: f64,
    session: u32,
    org: u32,
    b: u32,
    c: u32,
) {
    let time = |ms: f64| (!ms.is_nan()).then(|| Millis(ms as i64).bounded());
    let read = Claims { exp: time(exp), iat: time(iat), foreign: claims & 1 > 0, fits: claims & 2 > 0 };
    held.token(from, id, token, (claims < 4).then_some(read), [session, org, b, c]);
}
