//! Tokens to try a reader on: any claims in any spelling, and tokens damaged where it tells. Nothing
//! here knows how a token is read.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The digits of base64url.
pub const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

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

/// A token with this payload.
pub fn jwt(payload: &[u8]) -> String {
    // {"alg":"RS256","typ":"JWT"}
    format!("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.{}.c2lnbmF0dXJl", encode(payload))
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

/// The text of a JSON object with any members, claims above all, spelled in any way.
pub fn object() -> impl Strategy<Value = String> {
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

fn edits(fewer_than: usize) -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        6 => (any::<Index>(), byte()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        6 => (any::<Index>(), vec(byte(), 1..4)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        3 => any::<Index>().prop_map(Edit::Remove),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => (any::<Index>(), 1..300usize).prop_map(|(at, times)| Edit::Repeat(at, times)),
    ];
    vec(edit, 0..fewer_than)
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
fn damaged_token() -> impl Strategy<Value = String> {
    (select(PAYLOADS), edits(3), edits(2)).prop_map(|(payload, inner, outer)| {
        let mut payload = payload.as_bytes().to_vec();
        inner.iter().for_each(|edit| edit.apply(&mut payload));
        let mut token = jwt(&payload).into_bytes();
        outer.iter().for_each(|edit| edit.apply(&mut token));
        String::from_utf8_lossy(&token).into_owned()
    })
}

/// Damaged tokens above all, and any other text.
pub fn damaged() -> impl Strategy<Value = String> {
    prop_oneof![
        14 => damaged_token(),
        2 => vec(byte(), 0..12).prop_map(|payload| jwt(&payload)),
        1 => vec(any::<u8>(), 0..24).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        1 => vec(any::<char>(), 0..8).prop_map(String::from_iter),
        1 => vec(proptest::char::range('!', '~'), 0..24).prop_map(String::from_iter),
        1 => vec(select(b"..eyJ30=-_".to_vec()).prop_map(char::from), 0..16).prop_map(String::from_iter),
    ]
}
