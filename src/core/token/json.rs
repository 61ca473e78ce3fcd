//! Reads single values out of a JSON text. It agrees with serde_json on what is JSON, except
//! that no number is out of range, and weighs a fraction of it: no tree, no floats, nothing generic.
//! It must never panic, and never nest deeper than `TOO_DEEP`, whatever the text (J1).

use crate::prelude::*;
use ::core::slice::Iter;

use crate::core::clock::Millis;

/// Objects and arrays nested this deep are not read; serde_json stops at the same depth.
const TOO_DEEP: u8 = 128;

/// A place in a JSON text. Reading moves it on; `None` means that the text is not JSON there, or
/// not of the kind asked for.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: Iter<'a, u8>,
    depth: u8,
}

impl<'a> Cursor<'a> {
    fn over(json: &'a [u8]) -> Self {
        Self { rest: json.iter(), depth: 1 }
    }

    /// The start of a text that is one whole object.
    pub(super) fn over_object(json: &'a [u8]) -> Option<Self> {
        let start = Self::over(json);
        let mut end = start.clone();
        end.object("")?;
        end.skip_space();
        end.rest.as_slice().is_empty().then_some(start)
    }

    /// Moves on; past the end are zeros, which no JSON text has outside (or bare inside) a string.
    #[inline(never)] // Small where it is called a dozen times.
    fn next(&mut self) -> u8 {
        self.rest.next().copied().unwrap_or(0)
    }

    fn peek(&self) -> u8 {
        self.clone().next()
    }

    fn take(&mut self, one: u8) -> bool {
        let here = self.peek() == one;
        if here {
            self.next();
        }
        here
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.next();
        }
    }

    fn punctuation(&mut self, one: u8) -> bool {
        self.skip_space();
        self.take(one)
    }

    /// The value of the last member of this name; a place past the end if there is none.
    pub(super) fn member(&self, name: &str) -> Self {
        self.clone().object(name).unwrap_or_else(|| Self::over(b""))
    }

    /// The text of the last member of this name.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.member(name).string()
    }

    /// The time, given in seconds, of the last member of this name.
    pub(super) fn time(&self, name: &str) -> Option<Millis> {
        self.member(name).number()
    }

    /// Reads an object; answers as `member`.
    fn object(&mut self, name: &str) -> Option<Self> {
        let mut found = Self::over(b"");
        let mut more = self.opens(b'{', b'}')?;
        while more {
            let wanted = self.string()? == name;
            if !self.punctuation(b':') {
                return None;
            }
            if wanted {
                found = self.clone();
            }
            self.value()?;
            more = self.goes_on(b'}')?;
        }
        Some(found)
    }

    fn array(&mut self) -> Option<()> {
        let mut more = self.opens(b'[', b']')?;
        while more {
            self.value()?;
            more = self.goes_on(b']')?;
        }
        Some(())
    }

    /// Whether the list that opens here has items.
    fn opens(&mut self, open: u8, close: u8) -> Option<bool> {
        self.punctuation(open).then(|| !self.punctuation(close))
    }

    /// Whether the list has items after this one.
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        let more = self.punctuation(b',');
        (more || self.punctuation(close)).then_some(more)
    }

    /// Reads any value and forgets it.
    fn value(&mut self) -> Option<()> {
        self.skip_space();
        let kind = self.peek();
        match kind {
            b'{' | b'[' => {
                self.depth = self.depth.wrapping_add(1);
                if self.depth == TOO_DEEP {
                    return None;
                }
                if kind == b'{' {
                    self.object("")?;
                } else {
                    self.array()?;
                }
                self.depth = self.depth.wrapping_sub(1);
                Some(())
            }
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        word.bytes().all(|one| self.take(one)).then_some(())
    }

    /// Reads a string, or the strings of an array, which may hold other things too.
    pub(super) fn strings(mut self) -> Vec<String> {
        let mut strings = Vec::new();
        let mut more = self.punctuation(b'[');
        loop {
            strings.extend(self.clone().string());
            if !more || self.value().is_none() {
                return strings;
            }
            more = self.punctuation(b',');
        }
    }

    fn string(&mut self) -> Option<String> {
        if !self.punctuation(b'"') {
            return None;
        }
        let mut text = String::new();
        loop {
            text.push(match self.next() {
                b'"' => return Some(text),
                b'\\' => self.escape()?,
                lead => self.character(lead)?,
            });
        }
    }

    /// Reads the rest of an unescaped character. UTF-8 is decoded by hand: the standard validator is
    /// made for speed, and weighs an eighth of the whole reader.
    fn character(&mut self, lead: u8) -> Option<char> {
        let (mask, length, least) = match lead {
            0x20..=0x7f => return Some(char::from(lead)),
            0xc0..=0xdf => (0x1f, 1, 0x80),
            0xe0..=0xef => (0x0f, 2, 0x800),
            0xf0..=0xf7 => (0x07, 3, 0x1_0000),
            _ => return None,
        };
        let mut code = u32::from(lead & mask);
        for _ in 0..length {
            let next = self.next();
            if next & 0xc0 != 0x80 {
                return None;
            }
            code = (code << 6) | u32::from(next & 0x3f);
        }
        // A code below the least for its length is an overlong spelling.
        char::from_u32(code).filter(|_| code >= least)
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next() {
            plain @ (b'"' | b'\\' | b'/') => char::from(plain),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.hex()?;
                if code & 0xfc00 == 0xd800 {
                    self.word("\\u")?;
                    let low = self.hex()?;
                    if low & 0xfc00 != 0xdc00 {
                        return None;
                    }
                    code = 0x1_0000u32.wrapping_add((code & 0x3ff) << 10) | (low & 0x3ff);
                }
                char::from_u32(code)? // Refuses a lone surrogate.
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = (code << 4) | char::from(self.next()).to_digit(16)?;
        }
        Some(code)
    }

    /// Reads a number of seconds. It never goes through a float: the digits say more than a float
    /// keeps, and the standard parser costs most of what the whole reader may weigh.
    fn number(&mut self) -> Option<Millis> {
        self.skip_space();
        let negative = self.take(b'-');
        let zero = self.peek() == b'0';
        let mut count = 0;
        let (kept, dropped) = self.digits(&mut count)?;
        if zero && kept > 1 {
            return None;
        }
        // The number is `count` times ten to the `power`, in thousandths.
        let mut power = dropped.wrapping_add(3);
        if self.take(b'.') {
            power = power.wrapping_sub(self.digits(&mut count)?.0);
        }
        if self.take(b'e') || self.take(b'E') {
            let shrinks = self.take(b'-');
            if !shrinks {
                self.take(b'+');
            }
            let mut exponent = 0;
            self.digits(&mut exponent)?;
            power = power.wrapping_add(exponent.wrapping_mul(sign(shrinks)));
        }
        Some(Millis(scale(count, power).wrapping_mul(sign(negative))))
    }

    /// Appends at least one digit to `count`, which keeps the first 18 that matter; tells how many
    /// it kept and how many it dropped.
    fn digits(&mut self, count: &mut i64) -> Option<(i64, i64)> {
        let (mut kept, mut dropped) = (0i64, 0i64);
        while self.peek().is_ascii_digit() {
            let digit = self.next() & 0xf;
            if *count < 100_000_000_000_000_000 {
                *count = count.wrapping_mul(10).wrapping_add(i64::from(digit));
                kept = kept.wrapping_add(1);
            } else {
                dropped = dropped.wrapping_add(1);
            }
        }
        (kept.wrapping_add(dropped) > 0).then_some((kept, dropped))
    }
}

fn sign(negative: bool) -> i64 {
    if negative { -1 } else { 1 }
}

/// `count` times ten to the `power`, cut towards zero, at most `i64::MAX`.
fn scale(mut count: i64, mut power: i64) -> i64 {
    while power < 0 && count > 0 {
        count /= 10;
        power = power.wrapping_add(1);
    }
    while power > 0 && count > 0 {
        if count > i64::MAX / 10 {
            return i64::MAX;
        }
        count = count.wrapping_mul(10);
        power = power.wrapping_sub(1);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(number: &str) -> Option<i64> {
        Cursor::over(number.as_bytes()).number().map(|millis| millis.0)
    }

    #[test]
    fn integers_and_fractions_are_exact_milliseconds() {
        assert_eq!(millis("0"), Some(0));
        assert_eq!(millis("-0"), Some(0));
        assert_eq!(millis("1767225600"), Some(1_767_225_600_000));
        assert_eq!(millis("1767225600.123"), Some(1_767_225_600_123));
        assert_eq!(millis("1767225600.1239999"), Some(1_767_225_600_123));
        assert_eq!(millis("0.0009"), Some(0));
        assert_eq!(millis("9007199254740.991"), Some(9_007_199_254_740_991));
        assert_eq!(millis("1.00000000000000000000000000000009"), Some(1000));
    }

    #[test]
    fn negative_numbers_are_cut_towards_zero() {
        assert_eq!(millis("-1"), Some(-1000));
        assert_eq!(millis("-1.9999"), Some(-1999));
    }

    #[test]
    fn exponents_move_the_point() {
        assert_eq!(millis("1.7672256e9"), Some(1_767_225_600_000));
        assert_eq!(millis("1767225600123E-3"), Some(1_767_225_600_123));
        assert_eq!(millis("1e+3"), Some(1_000_000));
        assert_eq!(millis("0e999999999999999999999"), Some(0));
        assert_eq!(millis("1e-999999999999999999999"), Some(0));
        assert_eq!(millis("0.000000000000000000000001e24"), Some(1000));
        assert_eq!(millis("100000000000000000000e-20"), Some(1000));
    }

    #[test]
    fn huge_numbers_saturate() {
        for huge in ["9223372036854776", "1e16", "1e400", "18446744073709551616"] {
            assert_eq!(millis(huge), Some(i64::MAX), "{huge}");
        }
        assert_eq!(millis("9223372036854775"), Some(9_223_372_036_854_775_000));
        assert_eq!(millis("-1e400"), Some(-i64::MAX));
        assert_eq!(millis(&"9".repeat(30_000)), Some(i64::MAX));
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in ["", "-", "+1", ".5", "1.", "1.e3", "1e", "1e+", "01", "-01", "00", "NaN", "\"1\""] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
