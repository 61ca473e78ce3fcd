//! What the shell calls: the TypeScript host that publishes state, runs adapters and awaits promises, and
//! the few browser functions that are used, bound by hand because that is smaller than the general crates.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The TypeScript side of the bridge.
    pub type Host;

    /// Awaits `promise` and calls `settled(request, value)` or `failed(request, error)`.
    #[wasm_bindgen(method)]
    pub fn wait(this: &Host, promise: &JsValue, request: u32);
    /// Answers a call: code 0 with a token or null, else an error code.
    #[wasm_bindgen(method)]
    pub fn answer(this: &Host, caller: u32, code: u8, token: &JsValue);
    /// Lets `token` answer calls for `template` for so many milliseconds; undefined: none does.
    #[wasm_bindgen(method)]
    pub fn token(this: &Host, template: &JsValue, token: &JsValue, good_for_ms: f64);
    /// Runs a step of a backend; answered by `stepDone` or `stepFailed`.
    #[wasm_bindgen(method)]
    #[allow(clippy::too_many_arguments)] // one call is smaller and faster than an object
    pub fn run(
        this: &Host,
        backend: u32,
        step: u32,
        command: u8,
        token: &JsValue,
        reason: u8,
        user: &JsValue,
        session: &JsValue,
        org: &JsValue,
    );
    /// The session of this step is over.
    #[wasm_bindgen(method)]
    pub fn abort(this: &Host, step: u32);
    /// Calls the application's `onLeave` callbacks, then `left(leave)`.
    #[wasm_bindgen(method)]
    pub fn leave(this: &Host, leave: u32, user: &JsValue, reason: u8);
    /// An entry of the event log.
    #[wasm_bindgen(method)]
    pub fn event(this: &Host, name: &str, backend: i32, template: &JsValue, reason: &str, ms: f64);
    /// The state of one backend; told before `publish`.
    #[wasm_bindgen(method)]
    pub fn backend(this: &Host, index: u32, status: u8, refreshing: bool, error: u8);
    /// The state of the bridge.
    #[wasm_bindgen(method)]
    #[allow(clippy::too_many_arguments)]
    pub fn publish(
        this: &Host,
        status: u8,
        refreshing: bool,
        user: &JsValue,
        session: &JsValue,
        org: &JsValue,
        role: &JsValue,
        remembered_user: &JsValue,
        remembered_org: &JsValue,
        error: u8,
        error_backend: i32,
    );

    #[wasm_bindgen(js_name = setTimeout)]
    pub fn set_timeout(callback: &Function, ms: i32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    pub fn clear_timeout(handle: &JsValue);
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub fn date_now() -> f64;
    #[wasm_bindgen(js_namespace = Math, js_name = random)]
    pub fn random() -> f64;
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub fn performance_now() -> f64;
    #[wasm_bindgen(js_namespace = JSON, catch)]
    pub fn parse(text: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = JSON)]
    pub fn stringify(value: &Array) -> JsValue;

    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: JsValue;
}

/// The global object: a window, or a worker's scope.
pub fn window() -> JsValue {
    GLOBAL.with(JsValue::clone)
}

/// A member of any JavaScript value; undefined if there is none or it cannot be read.
pub fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Calls a method with up to two arguments; an error is what it threw, or that there is no such method.
pub fn call(value: &JsValue, name: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = get(value, name).dyn_into()?;
    match arguments {
        [] => method.call0(value),
        [one] => method.call1(value, one),
        [one, two, ..] => method.call2(value, one, two),
    }
}
