//! The class in a real browser: the boundary of numbers, the clocks it reads there, and that nothing it
//! is given makes it trap. What it decides is proved natively, in `tests/core`.

#![cfg(target_arch = "wasm32")]

use clerk_bridge::browser::class::{Host, Machine};
use js_sys::{Array, Function, Object, Reflect};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Events and effects, as `pkg-template/src/shell` names them.
const BACKEND: u32 = 0;
const START: u32 = 4;
const SIGNED_OUT: u32 = 7;
const SIGNED_IN: u32 = 8;
const TICK: u32 = 10;
const ASK_GOOD: u32 = 12;
const STEP_DONE: u32 = 15;
const DISPOSE: u32 = 25;
const FETCH: u32 = 0;
const TIMER: u32 = 1;
const RUN: u32 = 2;
const ANSWER: u32 = 5;
const CACHE: u32 = 6;
const PUBLISH: u32 = 15;
const STOP: u32 = 16;

const ATTACH: u32 = 1;
const DETACH: u32 = 3;

/// A host that notes what the machine wants.
struct Notes {
    machine: Machine,
    effects: Rc<RefCell<Vec<Vec<f64>>>>,
    _note: Closure<dyn FnMut(JsValue)>,
}

impl Notes {
    fn new() -> Self {
        let effects: Rc<RefCell<Vec<Vec<f64>>>> = Rc::default();
        let noted = Rc::clone(&effects);
        let note = Closure::<dyn FnMut(JsValue)>::new(move |numbers: JsValue| {
            let numbers = Array::from(&numbers).into_iter().map(|one| one.as_f64().unwrap_or(f64::NAN));
            noted.borrow_mut().push(numbers.collect());
        });
        let host = Object::new();
        let spread = Function::new_with_args("note", "return (...numbers) => note(numbers)");
        let spread = spread.call1(&JsValue::NULL, note.as_ref()).unwrap();
        let ignore = Function::new_no_args("");
        Reflect::set(&host, &"effect".into(), &spread).unwrap();
        Reflect::set(&host, &"wait".into(), &spread).unwrap();
        Reflect::set(&host, &"log".into(), &ignore).unwrap();
        let host: Host = host.unchecked_into();
        let machine = Machine::new(host, 1, 10_000.0, 10_000.0, 15_000.0, 7.0);
        Self { machine, effects, _note: note }
    }

    fn tell(&self, kind: u32, numbers: [u32; 5]) {
        let [a, b, c, d, e] = numbers;
        self.machine.event(kind, a, b, c, d, e, 0, 0);
    }

    /// What was noted of this kind, without the kind.
    fn of(&self, kind: u32) -> Vec<Vec<f64>> {
        let effects = self.effects.borrow();
        let same = effects.iter().filter(|effect| effect[0] == f64::from(kind));
        same.map(|effect| effect[1..].to_vec()).collect()
    }

    fn last(&self, kind: u32) -> Vec<f64> {
        self.of(kind).pop().unwrap_or_else(|| panic!("no effect {kind}"))
    }

    /// A user with one backend, whose first token has come.
    fn signed_in() -> Self {
        let notes = Self::new();
        notes.tell(BACKEND, [0, 0, 0, 0, 0]);
        notes.tell(START, [0; 5]);
        notes.tell(SIGNED_IN, [11, 12, 0, 0, 0]);
        let request = notes.last(FETCH)[0] as u32;
        notes.machine.token(false, request, 21, &jwt("user_a", 60.0), "user_a", "sess_a");
        notes
    }
}

/// An unsigned token of this user that lives so many seconds from now.
fn jwt(user: &str, life: f64) -> String {
    let now = js_sys::Date::now() / 1000.0;
    let claims = format!(r#"{{"sub":"{user}","iat":{},"exp":{}}}"#, now.floor(), (now + life).floor());
    let encode = Function::new_with_args("text", "return btoa(text).replace(/=/g, '')");
    let payload = encode.call1(&JsValue::NULL, &claims.into()).unwrap().as_string().unwrap();
    format!("e30.{payload}.c2ln")
}

#[wasm_bindgen_test]
fn a_token_goes_to_the_backend_and_is_published_once_accepted() {
    let notes = Notes::signed_in();
    let run = notes.last(RUN);
    assert_eq!((run[0], run[2], run[3], run[4]), (0.0, f64::from(ATTACH), 21.0, 11.0), "{run:?}");
    notes.tell(STEP_DONE, [run[1] as u32, 0, 0, 0, 0]);
    assert_eq!(notes.last(PUBLISH)[0], 1.0, "authenticated");
}

#[wasm_bindgen_test]
fn c1_the_timer_and_the_cache_follow_the_clocks_of_the_browser() {
    let notes = Notes::signed_in();
    let cached = notes.last(CACHE);
    assert_eq!(cached[1], 21.0);
    assert!((47_000.0..=50_000.0).contains(&cached[2]), "{cached:?}");
    let timer = notes.last(TIMER)[2];
    assert!(timer > 0.0 && timer <= 50_000.0, "{timer}");
}

#[wasm_bindgen_test]
fn b6_a_call_is_answered_at_once_from_what_is_held() {
    let notes = Notes::signed_in();
    notes.tell(ASK_GOOD, [5, 0, 0, 0, 0]);
    assert_eq!(notes.last(ANSWER)[..3], [5.0, 0.0, 21.0]);
}

#[wasm_bindgen_test]
fn b11_a_token_of_another_user_is_not_used() {
    let notes = Notes::new();
    notes.tell(START, [0; 5]);
    notes.tell(SIGNED_IN, [11, 12, 0, 0, 0]);
    let request = notes.last(FETCH)[0] as u32;
    notes.machine.token(false, request, 21, &jwt("user_b", 60.0), "user_a", "sess_a");
    assert!(notes.of(CACHE).is_empty());
}

#[wasm_bindgen_test]
fn d2_sign_out_detaches() {
    let notes = Notes::signed_in();
    notes.tell(STEP_DONE, [notes.last(RUN)[1] as u32, 0, 0, 0, 0]);
    notes.tell(SIGNED_OUT, [0; 5]);
    assert_eq!(notes.last(RUN)[2], f64::from(DETACH));
    assert_eq!(notes.last(PUBLISH)[0], 2.0, "unauthenticated");
}

#[wasm_bindgen_test]
fn d6_after_dispose_calls_are_answered_and_nothing_else_happens() {
    let notes = Notes::signed_in();
    notes.tell(DISPOSE, [0; 5]);
    assert_eq!(notes.of(STOP).len(), 1);
    let before = notes.effects.borrow().len();
    notes.tell(TICK, [0; 5]);
    notes.tell(SIGNED_OUT, [0; 5]);
    assert_eq!(notes.effects.borrow().len(), before);
    notes.tell(ASK_GOOD, [9, 0, 0, 0, 0]);
    assert_eq!(notes.last(ANSWER)[..2], [9.0, 2.0]);
}

#[wasm_bindgen_test]
fn j1_no_number_and_no_text_makes_it_trap() {
    let notes = Notes::new();
    let mut seed = 0x2545_f491_u32;
    let mut draw = |most: u32| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed % most
    };
    let texts = ["", "a", "a.b.c", "..", "e30.e30.", "e30.bnVsbA.", "\u{1F512}", &"x".repeat(40_000)];
    for policy in 0..3 {
        notes.tell(BACKEND, [policy, policy, policy, 0, 0]);
    }
    for _ in 0..3_000 {
        // All but new backends and the end, with numbers that are often known ids.
        let kind = 1 + draw(DISPOSE - 1);
        let mut number = || if draw(4) == 0 { u32::MAX - draw(3) } else { draw(40) };
        notes.tell(kind, [number(), number(), number(), number(), number()]);
        let (id, token) = (number(), number());
        let text = texts[draw(8) as usize];
        notes.machine.token(draw(2) == 0, id, token, text, "user_a", "sess_a");
    }
    notes.tell(ASK_GOOD, [77, 0, 0, 0, 0]);
    notes.tell(DISPOSE, [0; 5]);
    assert!(notes.of(ANSWER).iter().any(|answer| answer[0] == 77.0), "it still answers");
}
