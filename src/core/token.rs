//! What a token source handed out, and the claims inside it. Nothing here is verified: the backend
//! verifies, we only plan by what we read (when to refresh, whose token it is). It must never refuse
//! a token for being unlike a JWT, and never panic or overflow the stack, whatever the text (B9, J1).

mod json;

use crate::prelude::*;
use ::core::str::Bytes;

use super::clock::Millis;
use json::Cursor;

/// The longest token that is attached (B9).
const LONGEST: usize = 32 * 1024;

/// What a string handed out by a token source is.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Made once per token and taken apart at once.
pub enum TokenText {
    /// Three segments, the middle one base64url of a JSON object.
    Jwt(UnverifiedClaims),
    /// A token that says nothing about itself: attached as it is, refreshed on rejection (B9).
    Opaque,
    /// Not a non-empty string of visible ASCII of at most 32 KiB: never attached (B9).
    Malformed,
}

/// Claims read from a token that nobody has verified: good for planning, never for trust. A claim
/// that is missing, or of another type than here, is `None`; of repeated members the last counts.
///
/// Times are NumericDate seconds read from their decimal digits, cut (towards zero) to whole
/// milliseconds; beyond `i64` they saturate at plus or minus `i64::MAX`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnverifiedClaims {
    /// When the token expires.
    pub exp: Option<Millis>,
    /// When it was issued.
    pub iat: Option<Millis>,
    /// The earliest time it is good for.
    pub nbf: Option<Millis>,
    /// The issuer: the Frontend API's address.
    pub iss: Option<String>,
    /// The user.
    pub sub: Option<String>,
    /// The session; template tokens have none.
    pub sid: Option<String>,
    /// The origin the token was issued to.
    pub azp: Option<String>,
    /// The active organization: `o.id` (session token v2), else `org_id` (v1).
    pub org: Option<String>,
    /// The role in it, spelled as the token has it: `o.rol` (v2, `admin`), else `org_role`
    /// (v1, `org:admin`).
    pub role: Option<String>,
    /// Whom the token is meant for.
    pub audience: Audience,
}

/// What the machine needs to know of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// When it expires, on Clerk's clock.
    pub exp: Option<Millis>,
    /// When it was issued, on Clerk's clock.
    pub iat: Option<Millis>,
    /// It is of another user or session (B11).
    pub foreign: bool,
    /// It is meant for Convex (B5).
    pub fits: bool,
}

/// The `aud` claim: one name or several; empty where the token has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience(Vec<String>);

impl Audience {
    /// Whether the token is meant for `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|one| one == name)
    }
}

impl From<&str> for Audience {
    fn from(name: &str) -> Self {
        Self(vec![name.into()])
    }
}

impl From<Vec<String>> for Audience {
    fn from(names: Vec<String>) -> Self {
        Self(names)
    }
}

/// Tells what `token` is, with its claims if it is a JWT.
pub fn read(token: &str) -> TokenText {
    if !is_usable(token) {
        return TokenText::Malformed;
    }
    match payload(token).and_then(|payload| Some(claims(Cursor::over_object(&payload)?))) {
        Some(claims) => TokenText::Jwt(claims),
        None => TokenText::Opaque,
    }
}

/// What the machine needs to know of a token, where `user` is signed in, in `session`; `None`: it is no
/// usable string (B9). Reads nothing else, so that nothing else is in the production wasm.
pub fn sum_up(token: &str, user: &str, session: &str) -> Option<Claims> {
    if !is_usable(token) {
        return None;
    }
    let payload = payload(token).unwrap_or_default();
    let Some(object) = Cursor::over_object(&payload) else { return Some(Claims::default()) };
    let other = |name, id| object.text(name).is_some_and(|claim| claim != id);
    Some(Claims {
        exp: object.time("exp").map(Millis::bounded),
        iat: object.time("iat").map(Millis::bounded),
        foreign: other("sub", user) || other("sid", session),
        fits: object.member("aud").strings().iter().any(|name| name == "convex"),
    })
}

fn is_usable(token: &str) -> bool {
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    visible && !token.is_empty() && token.len() <= LONGEST
}

/// The middle one of three segments, decoded.
fn payload(token: &str) -> Option<Vec<u8>> {
    let mut letters = token.bytes();
    letters.find(|letter| *letter == b'.')?;
    let payload = base64url(&mut letters)?;
    letters.all(|letter| letter != b'.').then_some(payload)
}

fn claims(object: Cursor) -> UnverifiedClaims {
    let org = object.member("o");
    UnverifiedClaims {
        exp: object.time("exp"),
        iat: object.time("iat"),
        nbf: object.time("nbf"),
        iss: object.text("iss"),
        sub: object.text("sub"),
        sid: object.text("sid"),
        azp: object.text("azp"),
        org: org.text("id").or_else(|| object.text("org_id")),
        role: org.text("rol").or_else(|| object.text("org_role")),
        audience: Audience(object.member("aud").strings()),
    }
}

/// Decodes base64url up to the next dot. Padding is tolerated, though RFC 7515 has none: hand-made
/// issuers pad, and a token that a backend accepts should be planned for. The spare bits of the
/// last digit are ignored.
fn base64url(letters: &mut Bytes) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut held, mut padded) = (0u32, 0u32, false);
    loop {
        let letter = letters.next()?;
        let digit = match letter {
            b'.' => break,
            b'=' => {
                padded = true;
                continue;
            }
            _ if padded => return None,
            b'A'..=b'Z' => letter.wrapping_sub(b'A'),
            b'a'..=b'z' => letter.wrapping_sub(b'a' - 26),
            b'0'..=b'9' => letter.wrapping_add(52 - b'0'),
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            bytes.push(bits.wrapping_shr(held) as u8);
        }
    }
    // Six bits left over are a digit too many, not a byte.
    (held < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The alphabet's digits of `bytes`, without padding.
    fn encode(bytes: &[u8]) -> String {
        const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let digit = |at: u32| DIGITS.chars().nth(at as usize & 63);
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            text.extend([18, 12, 6, 0].iter().take(chunk.len() + 1).filter_map(|by| digit(bits >> by)));
        }
        text
    }

    fn jwt(payload: impl AsRef<[u8]>) -> String {
        format!("e30.{}.c2ln", encode(payload.as_ref()))
    }

    fn claims_of(payload: &str) -> UnverifiedClaims {
        match read(&jwt(payload)) {
            TokenText::Jwt(claims) => claims,
            other => panic!("{payload} reads as {other:?}"),
        }
    }

    fn is_opaque(payload: impl AsRef<[u8]>) -> bool {
        read(&jwt(payload)) == TokenText::Opaque
    }

    fn some(text: &str) -> Option<String> {
        Some(text.into())
    }

    #[test]
    fn b11_the_sum_tells_foreign_tokens_and_fitting_ones() {
        let token = |payload: &str| format!("e30.{}.x", encode(payload.as_bytes()));
        let text = token(r#"{"sub":"u","sid":"s","aud":["x","convex"],"exp":2,"iat":1}"#);
        let sum = sum_up(&text, "u", "s").unwrap();
        assert_eq!((sum.exp, sum.iat), (Some(Millis(2000)), Some(Millis(1000))));
        assert!(sum.fits && !sum.foreign);
        assert!(sum_up(&text, "v", "s").unwrap().foreign && sum_up(&text, "u", "t").unwrap().foreign);
        assert!(!sum_up(&token(r#"{"sub":"u"}"#), "u", "s").unwrap().foreign);
        assert_eq!(sum_up("opaque", "u", "s"), Some(Claims::default()));
        assert_eq!(sum_up("two words", "u", "s"), None);
    }

    #[test]
    fn a_session_token_v2_of_clerk() {
        let claims = claims_of(
            r#"{"azp":"http://localhost:5173","exp":1767225660,"fva":[0,-1],"iat":1767225600,
            "iss":"https://clerk.example.com","jti":"e5c1","nbf":1767225590,
            "o":{"fpm":"3","id":"org_1","per":"read","rol":"admin","slg":"acme"},
            "sid":"sess_1","sts":"active","sub":"user_1","v":2,"aud":"convex"}"#,
        );
        let expected = UnverifiedClaims {
            exp: Some(Millis(1_767_225_660_000)),
            iat: Some(Millis(1_767_225_600_000)),
            nbf: Some(Millis(1_767_225_590_000)),
            iss: some("https://clerk.example.com"),
            sub: some("user_1"),
            sid: some("sess_1"),
            azp: some("http://localhost:5173"),
            org: some("org_1"),
            role: some("admin"),
            audience: "convex".into(),
        };
        assert_eq!(claims, expected);
    }

    #[test]
    fn organizations_of_v1_and_of_both_versions() {
        let claims = claims_of(r#"{"org_id":"org_1","org_role":"org:admin"}"#);
        assert_eq!((claims.org, claims.role), (some("org_1"), some("org:admin")));
        let claims = claims_of(r#"{"org_id":"org_1","o":{"id":"org_2"},"org_role":"x"}"#);
        assert_eq!((claims.org, claims.role), (some("org_2"), some("x")));
        assert_eq!(claims_of(r#"{"o":"org_2","x":{"o":{"id":"no"}}}"#).org, None);
    }

    #[test]
    fn c5_claims_that_are_missing_or_of_another_type_are_none() {
        assert_eq!(claims_of("{}"), UnverifiedClaims::default());
        let odd = r#"{"exp":"1","iat":[1],"nbf":null,"iss":1,"sub":null,"sid":["s"],"azp":{},"aud":2}"#;
        assert_eq!(claims_of(odd), UnverifiedClaims::default());
    }

    #[test]
    fn audiences_are_one_name_or_several() {
        assert_eq!(claims_of(r#"{"aud":"a b"}"#).audience, "a b".into());
        let several = claims_of(r#"{"aud":["a",1,["no"],"b"]}"#).audience;
        assert_eq!(several, vec!["a".to_owned(), "b".to_owned()].into());
        assert!(several.contains("b") && !several.contains("no"));
        assert_eq!(claims_of(r#"{"aud":[]}"#).audience, Audience::default());
    }

    #[test]
    fn of_repeated_members_the_last_counts() {
        assert_eq!(claims_of(r#"{"sub":"a","sub":"b"}"#).sub, some("b"));
        assert_eq!(claims_of(r#"{"exp":1,"exp":"x"}"#).exp, None);
        let claims = claims_of(r#"{"o":{"id":"a"},"o":{"rol":"b"}}"#);
        assert_eq!((claims.org, claims.role), (None, some("b")));
    }

    #[test]
    fn escapes_unicode_and_white_space() {
        let claims = claims_of(
            " \t\r\n{ \"\\u0073ub\" : \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\" , \"sid\" : \"\u{7f}ü🦀\" }\n",
        );
        assert_eq!(claims.sub, some("\"\\/\u{8}\u{c}\n\r\t\u{e9}"));
        assert_eq!(claims.sid, some("\u{7f}ü🦀"));
        let pairs = r#"{"sub":"\ud83e\udd80\uD800\uDC00\udbff\udfff"}"#;
        assert_eq!(claims_of(pairs).sub, some("🦀\u{10000}\u{10ffff}"));
    }

    #[test]
    fn text_that_is_not_one_json_object_is_opaque() {
        for payload in [
            "",
            " ",
            "[]",
            "\"x\"",
            "1",
            "null",
            "{",
            "{}}",
            "{},",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":tru}",
            "{\"a\":nulll}",
            "{\"a\":[1,]}",
            "{\"a\":[1}",
            "{\"a\":01}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"b}",
            "{\"a\":\"\\",
            "{}\0",
            "{\"a\":\"\0\"}",
            "\u{feff}{}",
        ] {
            assert!(is_opaque(payload), "{payload}");
        }
        assert!(is_opaque(b"{\"a\":\"\xff\"}"));
    }

    #[test]
    fn lone_surrogates_are_opaque() {
        for lone in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\n", r"\ud800\ud800", r"\ud800\u0041"] {
            assert!(is_opaque(format!("{{\"a\":\"{lone}\"}}")), "{lone}");
        }
    }

    #[test]
    fn j1_deep_nesting_is_opaque() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(claims_of(&nested(126)), UnverifiedClaims::default());
        assert!(is_opaque(nested(127)));
        assert!(is_opaque("{\"a\":".repeat(4_000)));
        assert!(is_opaque(format!("{{\"a\":{}", "[".repeat(20_000))));
    }

    #[test]
    fn segments_and_padding() {
        let sub = UnverifiedClaims { sub: some("é"), ..Default::default() };
        let payload = encode("{\"sub\":\"é\"} ".as_bytes());
        for token in [format!(".{payload}."), format!("e30.{payload}=.x"), format!("?.{payload}==.?")] {
            assert_eq!(read(&token), TokenText::Jwt(sub.clone()), "{token}");
        }
        for token in ["e30", "e30.e30", "e30.e30.e30.e30", "..", "a.e3=0.b", "a.e30+.b", "a.e30AA.b", "a.=.b"]
        {
            assert_eq!(read(token), TokenText::Opaque, "{token}");
        }
    }

    #[test]
    fn b9_only_visible_ascii_up_to_32_kib_is_a_token() {
        for token in ["", " ", "a b", "a\n", "\0", "\u{7f}", "é", "a.b.c "] {
            assert_eq!(read(token), TokenText::Malformed, "{token:?}");
        }
        assert_eq!(read("!~"), TokenText::Opaque);
        assert_eq!(read(&"a".repeat(LONGEST)), TokenText::Opaque);
        assert_eq!(read(&"a".repeat(LONGEST + 1)), TokenText::Malformed);
        let signature = "s".repeat(LONGEST - "a.e30.".len());
        assert_eq!(read(&format!("a.e30.{signature}")), TokenText::Jwt(UnverifiedClaims::default()));
        assert_eq!(read(&format!("a.e30.s{signature}")), TokenText::Malformed);
    }
}
