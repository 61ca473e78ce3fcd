//! What survives a reload, in localStorage and sessionStorage as a small versioned list of strings. Storage may
//! be missing, blocked, full or damaged: reading then finds nothing, writing says that it failed, and neither
//! ever throws (F1).

use super::host::{call, get, parse, stringify};
use crate::prelude::*;
use js_sys::Array;
use wasm_bindgen::prelude::*;

/// The first entry of every list. A list of another version is not read.
const VERSION: &str = "clerk-bridge 1";
/// A longer text was not written by us.
const LONGEST: u32 = 512 * 1024;

/// One list in one storage.
pub struct Storage {
    area: &'static str,
    key: JsValue,
}

impl Storage {
    /// `area` is the global's name. The storage is looked up at each use: it may be blocked later.
    pub fn new(area: &'static str, key: &str) -> Self {
        Self { area, key: key.into() }
    }

    /// The stored list. `Err`: something is stored that is not one of ours.
    pub fn read(&self) -> Result<Option<Vec<JsValue>>, ()> {
        let Ok(text) = call(&self.storage(), "getItem", &[&self.key]) else { return Ok(None) };
        if !text.is_string() {
            return Ok(None);
        }
        if get(&text, "length").as_f64() > Some(f64::from(LONGEST)) {
            return Err(());
        }
        let list: Array = parse(&text).map_err(drop)?.dyn_into().map_err(drop)?;
        let ours = list.get(0) == VERSION && list.iter().all(|one| one.is_string() || one.is_null());
        if ours { Ok(Some(list.iter().skip(1).collect())) } else { Err(()) }
    }

    /// Stores a list, or with `None` removes what is stored. Tells whether that worked.
    pub fn write(&self, list: Option<&[JsValue]>) -> bool {
        let Some(list) = list else {
            return call(&self.storage(), "removeItem", &[&self.key]).is_ok();
        };
        let array = Array::of1(&VERSION.into());
        for one in list {
            // An undefined entry would read back as null all the same.
            array.push(one);
        }
        call(&self.storage(), "setItem", &[&self.key, &stringify(&array)]).is_ok()
    }

    fn storage(&self) -> JsValue {
        get(&super::host::window(), self.area)
    }
}
