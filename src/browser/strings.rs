//! The strings that the machine speaks of by number: ids of users and sessions, templates, tokens. They stay
//! JavaScript strings. The same string has the same number for as long as it is kept, so that "the same user"
//! and "the same token again" can be told without reading them.

use crate::prelude::*;
use wasm_bindgen::JsValue;

/// Strings and their numbers, which start at 1.
#[derive(Default)]
pub struct Strings {
    kept: Vec<(u32, JsValue)>,
    last: u32,
}

impl Strings {
    /// The number of a string, which is kept from now on; 0 for what is not a string, or empty.
    pub fn keep(&mut self, string: &JsValue) -> u32 {
        if !string.is_string() || string.is_falsy() {
            return 0;
        }
        let found = self.find(string);
        if found != 0 {
            return found;
        }
        self.last = self.last.wrapping_add(1);
        self.kept.push((self.last, string.clone()));
        self.last
    }

    /// The number of a string, if it is kept; else 0.
    pub fn find(&self, string: &JsValue) -> u32 {
        self.kept.iter().find(|(_, kept)| kept == string).map_or(0, |(number, _)| *number)
    }

    /// The string of a number; undefined for 0, and once it is forgotten.
    pub fn get(&self, number: u32) -> JsValue {
        let found = self.kept.iter().find(|(kept, _)| *kept == number);
        found.map_or(JsValue::UNDEFINED, |(_, string)| string.clone())
    }

    /// Lets go of a string.
    pub fn forget(&mut self, number: u32) {
        self.kept.retain(|(kept, _)| *kept != number);
    }
}
