//! Proofs of the bridge's promises over many tabs, natively and without a browser.
#![cfg(not(target_arch = "wasm32"))]
