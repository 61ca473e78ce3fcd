//! The machine as a class for JavaScript, by wasm-bindgen.

use super::machine;
use crate::core::token;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Where effects go; see [`machine::Host`].
    pub type Host;

    #[wasm_bindgen(method)]
    #[allow(clippy::too_many_arguments)]
    fn effect(this: &Host, kind: u32, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32);
    #[wasm_bindgen(method)]
    fn wait(this: &Host, kind: u32, a: u32, b: u32, ms: f64);
    #[wasm_bindgen(method)]
    fn log(this: &Host, name: &str, backend: i32, template: u32, reason: &str, ms: f64);

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

impl machine::Host for Host {
    fn effect(&self, kind: u32, [a, b, c, d, e, f, g]: [u32; 7]) {
        self.effect(kind, a, b, c, d, e, f, g);
    }

    fn wait(&self, kind: u32, a: u32, b: u32, ms: f64) {
        self.wait(kind, a, b, ms);
    }

    fn log(&self, name: &str, backend: i32, template: u32, reason: &str, ms: f64) {
        self.log(name, backend, template, reason, ms);
    }

    fn wall(&self) -> f64 {
        date_now()
    }

    fn mono(&self) -> f64 {
        performance_now()
    }
}

/// One bridge's machine. Its methods return at once and throw nothing.
#[wasm_bindgen]
pub struct Machine(machine::Machine<Host>);

#[wasm_bindgen]
impl Machine {
    /// See [`machine::Machine::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(
        host: Host,
        persist: u32,
        leeway: f64,
        fetch_timeout: f64,
        source_timeout: f64,
        seed: f64,
    ) -> Self {
        Self(machine::Machine::new(host, persist, leeway, fetch_timeout, source_timeout, seed))
    }

    /// See [`machine::Machine::event`].
    #[allow(clippy::too_many_arguments)]
    pub fn event(&self, kind: u32, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32) {
        self.0.event(kind, [a, b, c, d, e, f, g]);
    }

    /// A token that was fetched, or with `restored` was stored, while this user is signed in, in this session: see
    /// [`machine::Machine::token`].
    pub fn token(&self, restored: bool, id: u32, token: u32, text: &str, user: &str, session: &str) {
        self.0.token(restored.into(), id, token, token::sum_up(text, user, session), [0; 4]);
    }
}
