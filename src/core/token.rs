//! What a token says of itself. Nothing here is verified: the backend verifies, we only plan by what we read
//! (when to refresh, whose token it is). It must never refuse a token for being unlike a JWT, and never
//! panic or overflow the stack, whatever the text (B9, J1).
//!
//! In the npm package tokens stay JavaScript strings, and `pkg-template/src/shell/claims.ts` reads the same claims with
//! the browser's decoders, which weigh nothing there. One table, `tests/core/claims.json`, is held against both.

mod json;

use super::clock::Millis;
use json::Cursor;

/// The longest token that is attached (B9).
const LONGEST: usize = 32 * 1024;

/// What the machine needs to know of a token: claims that nobody has verified, good for planning, never for
/// trust. A claim that is missing or of another type is none; of repeated members the last counts.
///
/// Times are NumericDate seconds read from their decimal digits, cut (towards zero) to whole milliseconds.
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

/// Reads a token, where `user` is signed in, in `session`. `None`: it is not a non-empty string of visible
/// ASCII of at most 32 KiB, and never attached; one that is no JWT says nothing (B9).
pub fn sum_up(token: &str, user: &str, session: &str) -> Option<Claims> {
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    let usable = visible && !token.is_empty() && token.len() <= LONGEST;
    usable.then(|| claims(token.as_bytes(), user, session).unwrap_or_default())
}

/// The claims in the middle one of three segments, which is base64url of a JSON object.
fn claims(token: &[u8], user: &str, session: &str) -> Option<Claims> {
    let mut cursor = Cursor::over(after_dot(token)?);
    let (mut exp, mut iat) = (None, None);
    let (mut other_user, mut other_session, mut fits) = (false, false, false);
    cursor.object(&mut |name, mut value| {
        let is = |wanted: &&str| name.clone().string(wanted) == Some(true);
        match ["exp", "iat", "sub", "sid", "aud"].iter().position(is) {
            Some(0) => exp = value.number().map(Millis::bounded),
            Some(1) => iat = value.number().map(Millis::bounded),
            Some(2) => other_user = value.string(user) == Some(false),
            Some(3) => other_session = value.string(session) == Some(false),
            Some(_) => fits = value.names("convex"),
            None => {}
        }
    })?;
    // Padding is tolerated, though RFC 7515 has none: hand-made issuers pad, and a token that a backend
    // accepts should be planned for.
    let mut end = cursor.end()?;
    while let [b'=', rest @ ..] = end {
        end = rest;
    }
    let [b'.', signature @ ..] = end else { return None };
    let foreign = other_user || other_session;
    after_dot(signature).is_none().then_some(Claims { exp, iat, foreign, fits })
}

/// What stands behind the first dot.
fn after_dot(mut letters: &[u8]) -> Option<&[u8]> {
    loop {
        let (letter, rest) = letters.split_first()?;
        if *letter == b'.' {
            return Some(rest);
        }
        letters = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

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

    fn read(token: &str) -> Option<Claims> {
        sum_up(token, "user_1", "sess_1")
    }

    fn claims_of(payload: impl AsRef<[u8]>) -> Claims {
        read(&jwt(payload)).unwrap()
    }

    /// Whether a payload that is good but for this is read.
    fn is_read(value: &str) -> bool {
        claims_of(format!("{{\"exp\":1,\"a\":{value}}}")).exp.is_some()
    }

    fn millis(number: &str) -> Option<i64> {
        claims_of(format!("{{\"exp\":{number}}}")).exp.map(|millis| millis.0)
    }

    #[test]
    fn a_session_token_v2_of_clerk() {
        let claims = claims_of(
            r#"{"azp":"http://localhost:5173","exp":1767225660,"fva":[0,-1],"iat":1767225600,
            "iss":"https://clerk.example.com","jti":"e5c1","nbf":1767225590,
            "o":{"fpm":"3","id":"org_1","per":"read","rol":"admin","slg":"acme"},
            "sid":"sess_1","sts":"active","sub":"user_1","v":2,"aud":"convex"}"#,
        );
        let expected = Claims {
            exp: Some(Millis(1_767_225_660_000)),
            iat: Some(Millis(1_767_225_600_000)),
            foreign: false,
            fits: true,
        };
        assert_eq!(claims, expected);
    }

    #[test]
    fn b11_a_token_of_another_user_or_session_is_foreign() {
        for (payload, foreign) in [
            (r#"{"sub":"user_1"}"#, false),
            (r#"{"sub":"user_2"}"#, true),
            (r#"{"sub":"user_"}"#, true),
            (r#"{"sub":"user_12"}"#, true),
            (r#"{"sub":"user_1","sid":"sess_2"}"#, true),
            (r#"{"sid":"sess_1"}"#, false),
            (r#"{"sub":1,"sid":null}"#, false),
            (r#"{"x":{"sub":"user_2"}}"#, false),
            (r#"{"sub":"user_2","sub":"user_1"}"#, false),
            (r#"{"sub":"user_1","sub":"user_2"}"#, true),
            (r#"{"s\u0075b":"us\u0065r_2"}"#, true),
            (r#"{"s\u0075b":"us\u0065r_1"}"#, false),
            ("{}", false),
        ] {
            assert_eq!(claims_of(payload).foreign, foreign, "{payload}");
        }
        let ids = "é🦀\"\\";
        let token = jwt(r#"{"sub":"\u00e9\ud83e\udd80\"\\","sid":"é🦀\"\\"}"#);
        assert_eq!(sum_up(&token, ids, ids).map(|claims| claims.foreign), Some(false));
    }

    #[test]
    fn b5_audiences_are_one_name_or_several() {
        for (audience, fits) in [
            (r#""convex""#, true),
            (r#"["a",1,["no"],"convex"]"#, true),
            (r#"["a",["convex"]]"#, false),
            (r#""convex "#, false),
            ("[]", false),
            ("2", false),
        ] {
            assert_eq!(claims_of(format!("{{\"aud\":{audience}}}")).fits, fits, "{audience}");
        }
        assert!(!claims_of(r#"{"aud":"convex","aud":"x"}"#).fits, "of repeated members the last counts");
    }

    #[test]
    fn c5_claims_that_are_missing_or_of_another_type_are_none() {
        assert_eq!(claims_of("{}"), Claims::default());
        assert_eq!(claims_of(r#"{"exp":"1","iat":[1]}"#), Claims::default());
        assert_eq!(claims_of(r#"{"exp":1,"exp":"x"}"#).exp, None);
    }

    #[test]
    fn text_that_is_not_one_json_object_says_nothing() {
        for payload in
            ["", " ", "[]", "\"x\"", "1", "null", "{", "{\"exp\":1", "{\"exp\":1}}", "{\"exp\":1},"]
        {
            assert_eq!(claims_of(payload), Claims::default(), "{payload}");
        }
        assert_eq!(claims_of("\u{feff}{\"exp\":1}").exp, None);
        assert_eq!(claims_of("{\"exp\":1}\0").exp, None);
        assert!(claims_of(" \t\r\n{ \"exp\" : 1 }\n").exp.is_some());
        for value in
            ["", "tru", "nulll", "[1,]", "[1", "01", "\"\n\"", "\"\0\"", "\"\\x\"", "\"\\u12g4\"", "\"b"]
        {
            assert!(!is_read(value), "{value}");
        }
        for lone in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\n", r"\ud800\ud800", r"\ud800\u0041"] {
            assert!(!is_read(&format!("\"{lone}\"")), "{lone}");
        }
        assert!(is_read(r#"[true,false,null,{},[],"\"\\\/\b\f\n\r\t",-1.5e3]"#));
    }

    #[test]
    fn j1_deep_nesting_says_nothing() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_read(&nested(126)));
        assert!(!is_read(&nested(127)));
        assert_eq!(claims_of("{\"a\":".repeat(4_000)), Claims::default());
        assert_eq!(claims_of("[".repeat(20_000)), Claims::default());
    }

    #[test]
    fn segments_and_padding() {
        let payload = encode(b"{\"exp\":1} ");
        for token in [format!(".{payload}."), format!("e30.{payload}=.x"), format!("?.{payload}==.?")] {
            assert!(read(&token).is_some_and(|claims| claims.exp.is_some()), "{token}");
        }
        for token in [
            payload.clone(),
            format!("e30.{payload}"),
            format!("e30.{payload}.e30.e30"),
            format!("a.{payload}=A.b"),
            format!("a.{payload}+.b"),
            format!("a.{payload}A.b"),
            "..".to_owned(),
        ] {
            assert_eq!(read(&token), Some(Claims::default()), "{token}");
        }
    }

    #[test]
    fn b9_only_visible_ascii_up_to_32_kib_is_a_token() {
        for token in ["", " ", "a b", "a\n", "\0", "\u{7f}", "é", "a.b.c "] {
            assert_eq!(read(token), None, "{token:?}");
        }
        assert_eq!(read("!~"), Some(Claims::default()));
        assert_eq!(read(&"a".repeat(LONGEST)), Some(Claims::default()));
        assert_eq!(read(&"a".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn times_are_exact_milliseconds_cut_towards_zero() {
        for (number, expected) in [
            ("0", 0),
            ("-0", 0),
            ("1767225600", 1_767_225_600_000),
            ("1767225600.1239999", 1_767_225_600_123),
            ("0.0009", 0),
            ("-1.9999", -1999),
            ("1.7672256e9", 1_767_225_600_000),
            ("1767225600123E-3", 1_767_225_600_123),
            ("1e+3", 1_000_000),
            ("0e999999999999999999999", 0),
            ("1e-999999999999999999999", 0),
            ("0.000000000000000000000001e24", 1000),
            ("100000000000000000000e-20", 1000),
            ("1e400", Millis::MAX.0),
            ("-1e400", -Millis::MAX.0),
            (&"9".repeat(20_000), Millis::MAX.0),
        ] {
            assert_eq!(millis(number), Some(expected), "{number}");
        }
        for text in ["-", "+1", ".5", "1.", "1.e3", "1e", "1e+", "01", "-01", "00", "NaN", "\"1\""] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
