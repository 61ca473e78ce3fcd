//! Reads a JSON text as it is decoded from base64url, once, and keeps nothing of it: strings are compared
//! where they stand. It agrees with serde_json on what is JSON, except that no number is out of range and any
//! bytes may be in a string, and weighs a fraction of it. It must never panic, and never nest deeper than `TOO_DEEP` (J1).

use crate::core::clock::Millis;

/// Objects and arrays nested this deep are not read; serde_json stops at the same depth.
const TOO_DEEP: u8 = 128;

/// A place in a JSON text. Reading moves it on; `None` means that the text is not JSON there, or
/// not of the kind asked for.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    /// The digits that were not decoded yet.
    letters: &'a [u8],
    bits: u32,
    held: u8,
    depth: u8,
}

impl<'a> Cursor<'a> {
    /// At the start of the text that these digits hold, up to the first that is none.
    pub(super) fn over(letters: &'a [u8]) -> Self {
        Self { letters, bits: 0, held: 0, depth: 0 }
    }

    /// The letters after the text, if nothing but white space is left of it.
    pub(super) fn end(mut self) -> Option<&'a [u8]> {
        self.skip_space();
        let after = self.letters;
        // A digit that is left is a character, or one digit too many.
        after.first().is_none_or(|letter| digit(*letter).is_none()).then_some(after)
    }

    /// Moves on; past the end are zeros, which no JSON text has outside (or bare inside) a string.
    #[inline(never)] // Small where it is called a dozen times.
    fn next(&mut self) -> u8 {
        while self.held < 8 {
            let Some((letter, rest)) = self.letters.split_first() else { return 0 };
            let Some(digit) = digit(*letter) else { return 0 };
            self.letters = rest;
            self.bits = (self.bits << 6) | digit;
            self.held = self.held.wrapping_add(6);
        }
        self.held = self.held.wrapping_sub(8);
        self.bits.wrapping_shr(self.held.into()) as u8
    }

    #[inline(never)]
    fn peek(&self) -> u8 {
        self.clone().next()
    }

    #[inline(never)]
    fn take(&mut self, one: u8) -> bool {
        let here = self.peek() == one;
        if here {
            self.next();
        }
        here
    }

    #[inline(never)]
    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.next();
        }
    }

    #[inline(never)]
    fn punctuation(&mut self, one: u8) -> bool {
        self.skip_space();
        self.take(one)
    }

    /// Reads an object. Tells `member` the place after each name in the outermost one, to read the value
    /// from if the name is one of its own.
    pub(super) fn object(&mut self, member: &mut dyn FnMut(&Self, Self)) -> Option<()> {
        let mut more = self.opens(b'{', b'}')?;
        while more {
            let name = self.clone();
            self.string("")?;
            if !self.punctuation(b':') {
                return None;
            }
            if self.depth == 0 {
                member(&name, self.clone());
            }
            self.value()?;
            more = self.goes_on(b'}')?;
        }
        Some(())
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
                if self.depth >= TOO_DEEP.wrapping_sub(1) {
                    return None;
                }
                if kind == b'{' {
                    self.object(&mut |_, _| {})?;
                } else {
                    self.array()?;
                }
                self.depth = self.depth.wrapping_sub(1);
                Some(())
            }
            b'"' => self.string("").map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    #[inline(never)]
    fn word(&mut self, word: &str) -> Option<()> {
        word.bytes().all(|one| self.take(one)).then_some(())
    }

    /// Whether this is a string, or an array that holds a string, of these characters.
    pub(super) fn names(mut self, wanted: &str) -> bool {
        let mut more = self.punctuation(b'[');
        loop {
            if self.clone().string(wanted) == Some(true) {
                return true;
            }
            if !more || self.value().is_none() {
                return false;
            }
            more = self.punctuation(b',');
        }
    }

    /// Reads a string; tells whether it has these characters. Whether it is UTF-8 is not looked at: one that
    /// is not has no characters that anybody would ask for.
    #[inline(never)]
    pub(super) fn string(&mut self, wanted: &str) -> Option<bool> {
        if !self.punctuation(b'"') {
            return None;
        }
        let mut wanted = wanted.as_bytes();
        let mut same = true;
        loop {
            let mut utf8 = [0; 4];
            let mut length = 1;
            match self.next() {
                b'"' => return Some(same && wanted.is_empty()),
                b'\\' => length = self.escape()?.encode_utf8(&mut utf8).len(),
                0..=0x1f => return None,
                plain => utf8[0] = plain,
            }
            for one in utf8.iter().take(length) {
                match wanted.split_first() {
                    Some((first, rest)) if first == one => wanted = rest,
                    _ => same = false,
                }
            }
        }
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

    #[inline(never)]
    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = (code << 4) | char::from(self.next()).to_digit(16)?;
        }
        Some(code)
    }

    /// Reads a number of seconds. It never goes through a float: the digits say more than a float
    /// keeps, and the standard parser costs most of what the whole reader may weigh.
    #[inline(never)]
    pub(super) fn number(&mut self) -> Option<Millis> {
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
    #[inline(never)]
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

/// The value of a digit of base64url.
fn digit(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter.wrapping_sub(b'A'),
        b'a'..=b'z' => letter.wrapping_sub(b'a' - 26),
        b'0'..=b'9' => letter.wrapping_add(52 - b'0'),
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
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
