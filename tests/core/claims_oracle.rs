//! Holds our own claims reader against serde_json and jwt-compact, over generated and damaged tokens.
//! The oracles decide what a token says; this file must never repeat the reader's own reasoning.

use std::collections::HashMap;
use std::sync::LazyLock;

use clerk_bridge::core::clock::Millis;
use clerk_bridge::core::token::{Audience, TokenText, UnverifiedClaims, read};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group) << 8;
        for place in 0..=chunk.len() {
            let digit = bits >> (26 - 6 * place) & 63;
            text.push(char::from(ALPHABET[digit as usize]));
        }
    }
    text
}

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

fn jwt(payload: &[u8]) -> String {
    // {"alg":"RS256","typ":"JWT"}
    format!("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.{}.c2lnbmF0dXJl", encode(payload))
}

/// What serde_json makes of a payload.
enum Payload {
    Object(Map<String, Value>),
    /// serde_json refuses numbers that a float cannot hold; to us, as to browsers, they are JSON.
    NumberOutOfRange,
    Other,
}

fn payload(json: &[u8]) -> Payload {
    match serde_json::from_slice(json) {
        Ok(Value::Object(members)) => Payload::Object(members),
        Err(error) if error.to_string().starts_with("number out of range") => Payload::NumberOutOfRange,
        _ => Payload::Other,
    }
}

/// Whether `ours` is the time that the oracle reads, as near as its float can tell.
fn same_time(ours: Option<Millis>, theirs: Option<&Value>) -> bool {
    let (ours, number) = match (ours, theirs.filter(|value| value.is_number())) {
        (Some(ours), Some(number)) => (ours.0, number),
        (ours, theirs) => return ours.is_none() && theirs.is_none(),
    };
    let whole = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    if let Some(seconds) = whole {
        let most = i128::from(i64::MAX);
        return i128::from(ours) == (seconds * 1000).clamp(-most, most);
    }
    let limit = i64::MAX as f64;
    let millis = (number.as_f64().unwrap() * 1000.0).clamp(-limit, limit);
    (ours as f64 - millis).abs() <= 1.0 + millis.abs() * f64::EPSILON * 4.0
}

/// Field by field: what serde_json reads is what we read.
fn check_fields(ours: &UnverifiedClaims, theirs: &Map<String, Value>) -> Result<(), TestCaseError> {
    let text = |name: &str| theirs.get(name).and_then(Value::as_str).map(str::to_owned);
    let inner = |name: &str| Some(theirs.get("o")?.get(name)?.as_str()?.to_owned());
    for (name, time) in [("exp", ours.exp), ("iat", ours.iat), ("nbf", ours.nbf)] {
        prop_assert!(same_time(time, theirs.get(name)), "{name}: {time:?} of {theirs:?}");
    }
    prop_assert_eq!(&ours.iss, &text("iss"));
    prop_assert_eq!(&ours.sub, &text("sub"));
    prop_assert_eq!(&ours.sid, &text("sid"));
    prop_assert_eq!(&ours.azp, &text("azp"));
    prop_assert_eq!(&ours.org, &inner("id").or(text("org_id")));
    prop_assert_eq!(&ours.role, &inner("rol").or(text("org_role")));
    let names: Vec<String> = match theirs.get("aud") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.and_then(Value::as_str).map(str::to_owned).into_iter().collect(),
    };
    prop_assert!(names.iter().all(|name| ours.audience.contains(name)));
    prop_assert_eq!(&ours.audience, &Audience::from(names));
    Ok(())
}

/// The reader against the definition: what is attached at all (B9), what is a JWT, what it says.
fn check(token: &str) -> Result<(), TestCaseError> {
    let ours = read(token);
    let visible = token.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if !(visible && (1..=32_768).contains(&token.len())) {
        prop_assert_eq!(ours, TokenText::Malformed);
        return Ok(());
    }
    let segments: Vec<&str> = token.split('.').collect();
    let json = match segments[..] {
        [_, payload, _] => decode(payload),
        _ => None,
    };
    match (json.map_or(Payload::Other, |json| payload(&json)), ours) {
        (Payload::Object(theirs), TokenText::Jwt(ours)) => check_fields(&ours, &theirs),
        (Payload::NumberOutOfRange, TokenText::Jwt(_) | TokenText::Opaque) => Ok(()),
        (Payload::Other, TokenText::Opaque) => Ok(()),
        (_, ours) => Err(TestCaseError::fail(format!("{token} reads as {ours:?}"))),
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
    let TokenText::Jwt(ours) = read(token) else {
        return Err(TestCaseError::fail("jwt-compact reads it, we do not"));
    };
    let times = [(ours.exp, theirs.expiration), (ours.nbf, theirs.not_before), (ours.iat, theirs.issued_at)];
    for (ours, theirs) in times {
        let seconds = ours.map(|ours| ours.0 / 1000);
        // Its float may round up to the next second what we cut.
        let near = seconds.zip(theirs).is_some_and(|(a, b)| a.abs_diff(b.timestamp()) <= 1);
        prop_assert!(near || (ours.is_none() && theirs.is_none()), "{ours:?} {theirs:?}");
    }
    let text = |name: &str| theirs.custom.get(name).and_then(Value::as_str);
    prop_assert_eq!(ours.sub.as_deref(), text("sub"));
    prop_assert_eq!(ours.sid.as_deref(), text("sid"));
    prop_assert_eq!(ours.iss.as_deref(), text("iss"));
    Ok(())
}

/// A JSON value that keeps what a parsed one loses: the spelling of numbers, repeated members.
#[derive(Clone, Debug)]
enum Json {
    Bare(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Spells a JSON text, with white space and escapes wherever `whims` has them.
struct Speller<'a> {
    whims: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    json: String,
}

impl Speller<'_> {
    fn whim(&mut self) -> u8 {
        self.whims.next().copied().unwrap_or(0)
    }

    fn space(&mut self) {
        let spaces = ["", "", "", "", " ", "\n", "\t\r", "   "];
        let whim = usize::from(self.whim());
        self.json.push_str(spaces[whim % spaces.len()]);
    }

    fn punctuation(&mut self, one: char) {
        self.space();
        self.json.push(one);
        self.space();
    }

    fn text(&mut self, text: &str) {
        self.json.push('"');
        for one in text.chars() {
            let whim = self.whim();
            if one < ' ' || matches!(one, '"' | '\\') || whim.is_multiple_of(8) {
                for unit in one.encode_utf16(&mut [0; 2]) {
                    let code = format!("\\u{unit:04x}");
                    let code = if whim < 128 { code } else { format!("\\u{unit:04X}") };
                    self.json.push_str(&code);
                }
            } else if one == '/' && whim.is_multiple_of(2) {
                self.json.push_str("\\/");
            } else {
                self.json.push(one);
            }
        }
        self.json.push('"');
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Bare(word) => self.json.push_str(word),
            Json::Text(text) => self.text(text),
            Json::Array(items) => {
                self.punctuation('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.punctuation(',');
                    }
                    self.value(item);
                }
                self.punctuation(']');
            }
            Json::Object(members) => {
                self.punctuation('{');
                for (at, (name, member)) in members.iter().enumerate() {
                    if at > 0 {
                        self.punctuation(',');
                    }
                    self.text(name);
                    self.punctuation(':');
                    self.value(member);
                }
                self.punctuation('}');
            }
        }
    }
}

fn number() -> impl Strategy<Value = String> {
    let digits = || {
        (any::<u64>(), 0..=20usize).prop_map(|(all, most)| {
            let mut digits = all.to_string();
            digits.truncate(most.max(1));
            digits
        })
    };
    let whole = || {
        digits().prop_map(|digits| match digits.trim_start_matches('0') {
            "" => "0".to_owned(),
            digits => digits.to_owned(),
        })
    };
    let sign = || select(vec!["", "-"]);
    prop_oneof![
        3 => (1_600_000_000i64..2_000_000_000).prop_map(|seconds| seconds.to_string()),
        1 => (sign(), whole()).prop_map(|(sign, whole)| format!("{sign}{whole}")),
        1 => (sign(), whole(), digits()).prop_map(|(sign, whole, part)| format!("{sign}{whole}.{part}")),
        1 => (sign(), whole(), select(vec!["", ".5", ".000"]), select(vec!["e", "E", "e+", "E-"]), 0..40)
            .prop_map(|(sign, whole, part, e, power)| format!("{sign}{whole}{part}{e}{power}")),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let telling: Vec<char> =
        "\"\\/\u{0}\u{8}\n\u{1f}\u{7f}\u{80}é\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}🦀\u{10ffff}"
            .chars()
            .collect();
    let one = prop_oneof![3 => proptest::char::range(' ', '~'), 2 => select(telling), 1 => any::<char>()];
    vec(one, 0..6).prop_map(String::from_iter)
}

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        number().prop_map(Json::Bare),
        select(vec!["true", "false", "null"]).prop_map(|word| Json::Bare(word.into())),
        text().prop_map(Json::Text),
        select(vec!["user_1", "sess_1", "convex"]).prop_map(|text| Json::Text(text.into())),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let known = vec![
        "exp", "iat", "nbf", "iss", "sub", "sid", "azp", "aud", "o", "id", "rol", "org_id", "org_role", "v",
        "",
    ];
    prop_oneof![8 => select(known).prop_map(str::to_owned), 1 => text()]
}

fn json() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::Array),
            vec((name(), inner), 0..4).prop_map(Json::Object),
        ]
    })
}

fn payload_text() -> impl Strategy<Value = String> {
    (vec((name(), json()), 0..12), vec(any::<u8>(), 1..32)).prop_map(|(members, whims)| {
        let whims = whims.iter().cycle();
        let mut speller = Speller { whims, json: String::new() };
        speller.value(&Json::Object(members));
        speller.json
    })
}

/// Bytes that mean something to JSON, to UTF-8, to base64url or to the segments, or nothing at all.
fn byte() -> impl Strategy<Value = u8> {
    let telling = b"{}[]:,\"\\/utfne0159-+.eE=_ \n\0\x1f\x7f\x80\xbf\xc0\xe0\xed\xf0\xf4\xff";
    prop_oneof![3 => select(&telling[..]), 1 => any::<u8>()]
}

#[derive(Clone, Debug)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index),
    Cut(Index),
    Repeat(Index, usize),
}

impl Edit {
    fn apply(&self, text: &mut Vec<u8>) {
        let length = text.len();
        match self {
            Edit::Replace(at, byte) if length > 0 => text[at.index(length)] = *byte,
            Edit::Insert(at, bytes) => {
                let at = at.index(length + 1);
                text.splice(at..at, bytes.iter().copied());
            }
            Edit::Remove(at) if length > 0 => drop(text.remove(at.index(length))),
            Edit::Cut(at) => text.truncate(at.index(length + 1)),
            Edit::Repeat(at, times) if length > 0 => {
                let at = at.index(length);
                let bytes = vec![text[at]; *times];
                text.splice(at..at, bytes);
            }
            _ => {}
        }
    }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        6 => (any::<Index>(), byte()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        6 => (any::<Index>(), vec(byte(), 1..4)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        3 => any::<Index>().prop_map(Edit::Remove),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => (any::<Index>(), 1..300usize).prop_map(|(at, times)| Edit::Repeat(at, times)),
    ];
    vec(edit, 0..4)
}

/// Payloads in which a changed byte tells.
const PAYLOADS: &[&str] = &[
    r#"{"exp":1767225660,"iat":1767225600.5,"iss":"https://a.b","sub":"user_1","sid":"sess_1"}"#,
    r#"{"o":{"id":"org_1","rol":"admin"},"aud":["convex","x"],"org_id":"org_2"}"#,
    r#" { "s\u0075b" : "\ud83e\udd80\n\"" , "sub" : "é🦀" , "x" : [ true , false , null ] } "#,
    r#"{"a":[[{"b":[{}]}],[]],"exp":-1.5e3,"nbf":0}"#,
    "{}",
    "[]",
];

/// A damaged token: edits of a payload, then of the token around it.
fn damaged() -> impl Strategy<Value = String> {
    (select(PAYLOADS), edits(), edits(), any::<bool>()).prop_map(|(payload, inner, outer, whole)| {
        let mut payload = payload.as_bytes().to_vec();
        inner.iter().for_each(|edit| edit.apply(&mut payload));
        let mut token = jwt(&payload).into_bytes();
        if !whole {
            outer.iter().for_each(|edit| edit.apply(&mut token));
        }
        String::from_utf8_lossy(&token).into_owned()
    })
}

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => damaged(),
        3 => vec(byte(), 0..40).prop_map(|payload| jwt(&payload)),
        2 => vec(any::<u8>(), 0..40).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        1 => any::<String>(),
        2 => vec(proptest::char::range('!', '~'), 0..40).prop_map(String::from_iter),
        2 => vec(select(b"..eyJ30=-_".to_vec()).prop_map(char::from), 0..16).prop_map(String::from_iter),
    ]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn b11_claims_are_what_serde_json_and_jwt_compact_read(payload in payload_text()) {
        let token = jwt(payload.as_bytes());
        check(&token)?;
        check_jwt_compact(&token)?;
        if token.len() <= 32_768 {
            prop_assert!(matches!(read(&token), TokenText::Jwt(_)), "{}", payload);
        }
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
        let TokenText::Jwt(claims) = read(&jwt(payload.as_bytes())) else {
            return Err(TestCaseError::fail(payload));
        };
        prop_assert_eq!(claims.exp, Some(Millis(millis)), "{}", number);
    }
}

proptest! {
    #![proptest_config(cases(100_000))]

    #[test]
    fn j1_no_text_makes_the_reader_panic_and_each_is_what_b9_says(token in token()) {
        check(&token)?;
    }
}

#[test]
fn j1_nesting_ends_where_serde_json_ends() {
    for depth in 120..=132 {
        for (open, leaf, close) in [("[", "", "]"), ("[", "1", "]"), ("{\"a\":", "{}", "}")] {
            let nested = format!("{}{leaf}{}", open.repeat(depth), close.repeat(depth));
            check(&jwt(format!("{{\"a\":{nested}}}").as_bytes())).unwrap();
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
