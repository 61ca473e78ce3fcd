//! The functions that `pkg-template/src/shell/module.ts` calls and provides. A machine is a pointer there; the
//! only memory that the two share is one buffer for each machine, in which texts come in.

use super::machine::{Host, Machine};
use ::core::cell::RefCell;
use alloc::boxed::Box;
use alloc::vec::Vec;

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

/// A machine, and the buffer for its texts.
struct Held {
    machine: Machine<Imports>,
    text: RefCell<Vec<u8>>,
}

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
    let machine = Machine::new(Imports, persist, leeway, fetch_timeout, source_timeout, seed);
    Box::new(Held { machine, text: RefCell::default() })
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
    held.machine.event(kind, [a, b, c, d, e, f, g]);
}

/// Where to put so many bytes of text for [`token`].
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn room(held: &Held, bytes: usize) -> *mut u8 {
    let mut text = held.text.borrow_mut();
    text.clear();
    text.resize(bytes, 0);
    text.as_mut_ptr()
}

/// Tells a machine of a token: see [`Machine::token`]. In the buffer stand the token, the id of the user and
/// that of the session, the first two so many bytes long.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn token(held: &Held, restored: u32, id: u32, token: u32, length: usize, user_length: usize) {
    let text = ::core::mem::take(&mut *held.text.borrow_mut());
    let part = |from: usize, to: usize| {
        text.get(from..to).map(|bytes| unsafe { ::core::str::from_utf8_unchecked(bytes) })
    };
    let user_end = length.saturating_add(user_length);
    let (user, session) = (part(length, user_end), part(user_end, text.len()));
    held.machine.token(
        restored > 0,
        id,
        token,
        part(0, length).unwrap_or_default(),
        user.unwrap_or_default(),
        session.unwrap_or_default(),
    );
}
