//! The page: its clocks, its one timer, and the events that tell that it woke (visibility, focus, restore
//! from the back/forward cache, network). Everything set here is taken back when the value is dropped.

use super::host::{call, clear_timeout, date_now, get, performance_now, set_timeout, window};
use crate::core::event::Wake;
use crate::core::{Millis, Now};
use wasm_bindgen::prelude::*;

/// Reads both clocks.
pub fn now() -> Now {
    Now { wall: Millis(date_now() as i64), mono: Millis(performance_now() as i64) }
}

/// What is listened to, and where.
const EVENTS: [(&str, &str); 4] =
    [("document", "visibilitychange"), ("self", "pageshow"), ("self", "focus"), ("self", "online")];

/// The listeners and the timer of one bridge.
pub struct Page {
    listener: Closure<dyn FnMut(JsValue)>,
    tick: Closure<dyn FnMut(JsValue)>,
    timer: JsValue,
}

impl Page {
    /// Listens to the page, where there is one: a worker has no document.
    pub fn new(listener: Closure<dyn FnMut(JsValue)>, tick: Closure<dyn FnMut(JsValue)>) -> Self {
        for (target, name) in EVENTS {
            let target = get(&window(), target);
            let _ = call(&target, "addEventListener", &[&name.into(), listener.as_ref()]);
        }
        Self { listener, tick, timer: JsValue::UNDEFINED }
    }

    /// Sets the one timer to `after` from now, in place of the one before (C4).
    pub fn set_timer(&mut self, after: Option<Millis>) {
        if !self.timer.is_undefined() {
            clear_timeout(&self.timer);
            self.timer = JsValue::UNDEFINED;
        }
        if let Some(after) = after {
            let ms = i32::try_from(after.0).unwrap_or(i32::MAX);
            self.timer = set_timeout(self.tick.as_ref().unchecked_ref(), ms);
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.set_timer(None);
        for (target, name) in EVENTS {
            let target = get(&window(), target);
            let _ = call(&target, "removeEventListener", &[&name.into(), self.listener.as_ref()]);
        }
    }
}

/// What a page event means; `None`: nothing to wake for.
pub fn read_event(event: &JsValue) -> Option<Wake> {
    let name = get(event, "type");
    if name == "online" {
        return Some(Wake::Online);
    }
    let hidden = name == "visibilitychange" && get(&get(&window(), "document"), "hidden").is_truthy();
    (!hidden).then_some(Wake::Seen)
}
