//! Holds our own claims reader against serde_json and jwt-compact, over generated and damaged tokens.
//! The oracles decide what a token says; this file must never repeat the reader's own reasoning.

#![cfg(not(target_arch = "wasm32"))]

mod tokens;

use std::collections::HashMap;
use std::sync::LazyLock;

use clerk_bridge::core::clock::Millis;
use clerk_bridge::core::token::{Claims, sum_up};
use proptest::prelude::*;
use serde_json::{Map, Value};
use tokens::{ALPHABET, damaged, jwt, object};

/// Whole groups of digits, not digit by digit as the reader does it.
fn decode(text: &str) -> Option<Vec<u8>> {
    static DIGITS: LazyLock<HashMap<u8, u32>> = LazyLock::new(|| ALPHABET.iter().copied().zip(0..).collect());
    let mut bytes = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut bits = 0;
        for place in 0..4 {
            let digit = group.get(place).map_or(Some(&0), |letter| DIGITS.get(letter))?;
            bits = bits << 6 | digit;
        }
        match group.len() {
            1 => return None,
            length => bytes.extend(&bits.to_be_bytes()[1..length]),
        }
    }
    Some(bytes)
}

/// What serde_json makes of a payload.
enum Payload {
    Object(Map<String, Value>),
    /// serde_json refuses numbers that a float cannot hold; to us, as to browsers, they are JSON.
    NumberOutOfRange,
    /// We do not look whether strings are UTF-8.
    NotUtf8,
    Other,
}

fn payload(json: &[u8]) -> Payload {
    match serde_json::from_slice(json) {
        Ok(Value::Object(members)) => Payload::Object(members),
        Err(error) if error.to_string().starts_with("number out of range") => Payload::NumberOutOfRange,
        Err(_) if std::str::from_utf8(json).is_err() => Payload::NotUtf8,
        _ => Payload::Other,
    }
}

const USER: &str = "user_1";
const SESSION: &str = "sess_1";

fn read(token: &str) -> Option<Claims> {
    sum_up(token, USER, SESSION)
}

/// Whether `ours` is the time that the oracle reads, as near as its float can tell.
fn same_time(ours: Option<Millis>, theirs: Option<&Value>) -> bool {
    let (ours, number) = match (ours, theirs.filter(|value| value.is_number())) {
        (Some(ours), Some(number)) => (ours.0, number),
        (ours, theirs) => return ours.is_none() && theirs.is_none(),
    };
    let whole = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    if let Some(seconds) = whole {
        let most = i128::from(Millis::MAX.0);
        return i128::from(ours) == (seconds * 1000).clamp(-most, most);
    }
    let limit = Millis::MAX.0 as f64;
    let millis = (number.as_f64().unwrap() * 1000.0).clamp(-limit, limit);
    (ours as f64 - millis).abs() <= 1.0 + millis.abs() * f64::EPSILON * 4.0
}

/// Claim by claim: what serde_json reads is what we read.
fn check_claims(ours: Claims, theirs: &Map<String, Value>) -> Result<(), TestCaseError> {
    let other = |name: &str, id| theirs.get(name).and_then(Value::as_str).is_some_and(|claim| claim != id);
    for (name, time) in [("exp", ours.exp), ("iat", ours.iat)] {
        prop_assert!(same_time(time, theirs.get(name)), "{name}: {time:?} of {theirs:?}");
    }
    prop_assert_eq!(ours.foreign, other("sub", USER) || other("sid", SESSION));
    let fits = match theirs.get("aud") {
        Some(Value::Array(names)) => names.iter().any(|name| name == "convex"),
        one => one.is_some_and(|name| name == "convex"),
    };
    prop_assert_eq!(ours.fits, fits);
    Ok(())
}

/// The reader against the definition: what is attached at all (B9), what is a JWT, what it says.
fn check(token: &str) -> Result<(), TestCaseError> {
    let ours = read(token);
    let visible = token.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if !(visible && (1..=32_768).contains(&token.len())) {
        prop_assert_eq!(ours, None);
        return Ok(());
    }
    let ours = ours.ok_or_else(|| TestCaseError::fail("not attached"))?;
    let segments: Vec<&str> = token.split('.').collect();
    let json = match segments[..] {
        [_, payload, _] => decode(payload),
        _ => None,
    };
    match json.map_or(Payload::Other, |json| payload(&json)) {
        Payload::Object(theirs) => check_claims(ours, &theirs),
        Payload::NumberOutOfRange | Payload::NotUtf8 => Ok(()),
        Payload::Other => {
            prop_assert_eq!(ours, Claims::default());
            Ok(())
        }
    }
}

/// The same token, read by jwt-compact where its model fits: whole seconds, no repeated times.
fn check_jwt_compact(token: &str) -> Result<(), TestCaseError> {
    let Ok(parsed) = jwt_compact::UntrustedToken::new(token) else {
        return Ok(());
    };
    let Ok(theirs) = parsed.deserialize_claims_unchecked::<Map<String, Value>>() else {
        return Ok(());
    };
    let ours = read(token).ok_or_else(|| TestCaseError::fail("jwt-compact reads it, we do not"))?;
    for (ours, theirs) in [(ours.exp, theirs.expiration), (ours.iat, theirs.issued_at)] {
        let seconds = ours.map(|ours| ours.0 / 1000);
        // Its float may round up to the next second what we cut.
        let near = seconds.zip(theirs).is_some_and(|(a, b)| a.abs_diff(b.timestamp()) <= 1);
        prop_assert!(near || (ours.is_none() && theirs.is_none()), "{ours:?} {theirs:?}");
    }
    Ok(())
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn b11_claims_are_what_serde_json_and_jwt_compact_read(payload in object()) {
        let token = jwt(payload.as_bytes());
        check(&token)?;
        check_jwt_compact(&token)?;
    }
}

proptest! {
    #![proptest_config(cases(5_000))]

    #[test]
    fn c5_times_are_exact_however_they_are_spelled(
        millis in -9_007_199_254_740_991i64..=9_007_199_254_740_991,
        point in 0usize..40,
        rest in 0u64..1_000_000,
    ) {
        // The point anywhere in "00..00<millis><rest>", an exponent that puts it back where it
        // belongs, and a rest smaller than a millisecond.
        let sign = if millis < 0 { "-" } else { "" };
        let digits = format!("{:040}", millis.unsigned_abs());
        let (whole, part) = digits.split_at(point);
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        let number = format!("{sign}{whole}.{part}{rest}e{}", 37 - point as i32);
        let payload = format!("{{\"exp\":{number}}}");
        let exp = read(&jwt(payload.as_bytes())).and_then(|claims| claims.exp);
        prop_assert_eq!(exp, Some(Millis(millis)), "{}", number);
    }
}

proptest! {
    #![proptest_config(cases(100_000))]

    #[test]
    fn j1_no_text_makes_the_reader_panic_and_each_is_what_b9_says(token in damaged()) {
        check(&token)?;
    }
}

/// The same table is held against the reader of the npm package (`pkg-template/test/claims.test.ts`).
#[test]
fn b9_b11_both_readers_read_the_same() {
    let rows: Vec<Value> = serde_json::from_str(include_str!("claims.json")).unwrap();
    assert!(rows.len() > 40);
    for row in rows {
        let claims = &row["claims"];
        let time = |name: &str| claims[name].as_i64().map(Millis);
        let expected = claims.is_object().then(|| Claims {
            exp: time("exp"),
            iat: time("iat"),
            foreign: claims["foreign"] == true,
            fits: claims["fits"] == true,
        });
        assert_eq!(read(row["token"].as_str().unwrap()), expected, "{}", row["what"]);
    }
}

#[test]
fn j1_nesting_ends_where_serde_json_ends() {
    for depth in 120..=132 {
        for (open, leaf, close) in [("[", "", "]"), ("[", "1", "]"), ("{\"a\":", "{}", "}")] {
            let nested = format!("{}{leaf}{}", open.repeat(depth), close.repeat(depth));
            check(&jwt(format!("{{\"exp\":1,\"a\":{nested}}}").as_bytes())).unwrap();
        }
    }
}

#[test]
fn b9_the_limit_is_32_kib() {
    for length in 32_766..=32_770 {
        check(&"x".repeat(length)).unwrap();
        let token = jwt(br#"{"sub":"user_1"}"#);
        check(&format!("{token}{}", "x".repeat(length - token.len()))).unwrap();
    }
}
