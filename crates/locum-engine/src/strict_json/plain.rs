//! A short way for JSON as most clients send it: texts without escapes, and integers that are not too long.
//!
//! It refuses nothing. What it does not read, the general way reads or refuses with a reason; what it reads, the general way
//! reads alike.

use std::borrow::Cow;

use serde_json::Number;

use super::{Members, Node};
use crate::limits::JSON_DEPTH_MAX;

/// Members of most objects, so that they are not moved while they are collected.
const MEMBERS_TYPICAL: usize = 12;

/// The members of a text that is one object and nothing else; `None` if it is not strict JSON, or not as plain as that.
pub(crate) fn object(text: &str) -> Option<Members<'_>> {
    let mut reader = Reader { text, at: 0 };
    if reader.next()? != b'{' {
        return None;
    }
    let members = reader.members(JSON_DEPTH_MAX, Vec::with_capacity(MEMBERS_TYPICAL))?;
    reader.peek().is_none().then_some(members)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// The same, and goes past it.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// A value, in which objects and arrays may be nested so deep.
    fn value(&mut self, levels_left: usize) -> Option<Node<'t>> {
        match self.peek()? {
            b'"' => self.characters().map(|text| Node::Text(Cow::Borrowed(text))),
            b'{' => {
                self.at += 1;
                self.members(levels_left, Vec::new()).map(Node::Object)
            }
            b'[' => {
                self.at += 1;
                self.items(levels_left).map(Node::List)
            }
            b't' => self.word("true", Node::Bool(true)),
            b'f' => self.word("false", Node::Bool(false)),
            b'n' => self.word("null", Node::Null),
            _ => self.integer().map(Node::Number),
        }
    }

    /// The members of an object after its brace, added to none.
    fn members(
        &mut self,
        levels_left: usize,
        mut members: Vec<(Cow<'t, str>, Node<'t>)>,
    ) -> Option<Members<'t>> {
        let levels_left = levels_left.checked_sub(1)?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Members::default());
        }
        loop {
            self.peek()?;
            let name = self.characters()?;
            if self.next()? != b':' {
                return None;
            }
            members.push((Cow::Borrowed(name), self.value(levels_left)?));
            match self.next()? {
                b',' => {}
                b'}' => return Members::unique(members).ok(),
                _ => return None,
            }
        }
    }

    /// The items of an array after its bracket.
    fn items(&mut self, levels_left: usize) -> Option<Vec<Node<'t>>> {
        let levels_left = levels_left.checked_sub(1)?;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(items);
        }
        loop {
            items.push(self.value(levels_left)?);
            match self.next()? {
                b',' => {}
                b']' => return Some(items),
                _ => return None,
            }
        }
    }

    /// The characters of a text that begins here, if none of them is escaped.
    fn characters(&mut self) -> Option<&'t str> {
        let (mark, after) = self.text.as_bytes().get(self.at..)?.split_first()?;
        let start = self.at + 1;
        let end = start + plain_bytes(after);
        let is_text = *mark == b'"' && self.text.as_bytes().get(end) == Some(&b'"');
        self.at = end + 1;
        if is_text { self.text.get(start..end) } else { None }
    }

    fn word(&mut self, word: &str, value: Node<'t>) -> Option<Node<'t>> {
        let end = self.at + word.len();
        let is_there = self.text.get(self.at..end)? == word;
        self.at = end;
        is_there.then_some(value)
    }

    fn integer(&mut self) -> Option<Number> {
        let rest = self.text.get(self.at..)?;
        let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
        let number = rest.get(..length)?;
        self.at += length;
        // No number of JSON begins like `01`, and `-0` is a float.
        let digits = number.strip_prefix('-').unwrap_or(number);
        if digits.starts_with('0') && number != "0" {
            return None;
        }
        number.parse().ok().map(|number: i64| number.into())
    }
}

/// How many bytes there are before the first that ends a text or must be escaped in it (RFC 8259 section 7).
fn plain_bytes(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let ends = ends_in(u64::from_le_bytes(*word));
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += word.len();
        if at.is_multiple_of(BLOCK_BYTES / 2) {
            at += plain_blocks(bytes.get(at..).unwrap_or_default());
        }
    }
    at + bytes.iter().skip(at).take_while(|byte| is_plain(**byte)).count()
}

/// Marks the first byte that ends a text, by its highest bit. What is marked above it may be wrong.
fn ends_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

/// So many bytes are looked at as one where a text is long, such as a token: enough that the compiler uses vectors.
const BLOCK_BYTES: usize = 128;

/// How many bytes there are before the first block that is not plain.
fn plain_blocks(bytes: &[u8]) -> usize {
    let are_plain =
        |block: &&[u8; BLOCK_BYTES]| block.iter().fold(true, |plain, byte| plain & is_plain(*byte));
    bytes.as_chunks().0.iter().take_while(are_plain).count() * BLOCK_BYTES
}

fn is_plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::general;
    use super::*;

    /// Checks that the general way reads what this one reads, and says whether this one reads it.
    fn is_read(text: &str) -> bool {
        let members = object(text);
        if let Some(members) = &members {
            assert_eq!(general(text).as_ref(), Ok(members), "{text}");
        }
        members.is_some()
    }

    #[test]
    fn what_is_plain_is_read() {
        for text in [
            "{}",
            " {\t}\n",
            r#"{"a":"b"}"#,
            r#" { "a" : "" , "" : 0 } "#,
            r#"{"a":[1,-2,[],{},true,false,null,"x"],"b":{"c":[ ]}}"#,
            r#"{"a":9223372036854775807,"b":-9223372036854775808}"#,
            r#"{"ä":"ü€𝄞"}"#,
            r#"{"a":"an id token is longer than what is looked at at once, which are thirty-two bytes"}"#,
        ] {
            assert!(is_read(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_general_way() {
        for text in [
            r#"{"a":"\n"}"#,
            r#"{"\u0061":1}"#,
            r#"{"a":1.5}"#,
            r#"{"a":1e3}"#,
            r#"{"a":-0}"#,
            r#"{"a":18446744073709551615}"#,
        ] {
            assert!(general(text).is_ok() && !is_read(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_strict_json_is_not_read() {
        for text in [
            "",
            "{",
            "[]",
            "1",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a" 1}"#,
            r#"{"a":1 "b":2}"#,
            r#"{a:1}"#,
            r#"{'a':1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"b":[{"a":1,"a":1}]}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"a":[1 2]}"#,
            r#"{"a":[1}"#,
            r#"{"a":01}"#,
            r#"{"a":-01}"#,
            r#"{"a":+1}"#,
            r#"{"a":-}"#,
            r#"{"a":--1}"#,
            r#"{"a":1-2}"#,
            r#"{"a":trues}"#,
            r#"{"a":truee}"#,
            r#"{"a":True}"#,
            r#"{"a":nul"#,
            r#"{"a":"x}"#,
            "{\"a\":\"\n\"}",
            "{\"a\":\"\0\"}",
            "{\"a\":\u{a0}1}",
        ] {
            assert!(general(text).is_err() && !is_read(text), "{text}");
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_not_read() {
        for (open, close) in [("[", "]"), ("{\"b\":", "}")] {
            let nested =
                |levels: usize| format!("{{\"a\":{}1{}}}", open.repeat(levels), close.repeat(levels));
            assert!(is_read(&nested(JSON_DEPTH_MAX - 1)));
            assert!(!is_read(&nested(JSON_DEPTH_MAX)));
            assert!(!is_read(&nested(100_000)));
        }
    }

    proptest! {
        #[test]
        fn it_reads_nothing_that_the_general_way_does_not_read(text in "[ \t\"\\\\{}\\[\\]:,a0-9.eE+\\-tfnu\u{e4}]{0,40}") {
            is_read(&text);
            is_read(&format!("{{{text}}}"));
            is_read(&format!("{{\"a\":{text}}}"));
        }

        #[test]
        fn it_reads_every_text_without_escapes(text in "[^\"\\\\\\x00-\\x1f]{0,400}", padding in " {0,9}") {
            let json = format!("{{\"{text}\":{padding}\"{text}\"}}");
            prop_assert!(is_read(&json));
        }

        #[test]
        fn the_end_of_the_plain_bytes_is_found_wherever_it_is(bytes in proptest::collection::vec(any::<u8>(), 0..100), plain in 0..400usize) {
            let bytes = [vec![b' '; plain], bytes].concat();
            let expected = bytes.iter().position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'));
            prop_assert_eq!(plain_bytes(&bytes), expected.unwrap_or(bytes.len()));
        }
    }
}
