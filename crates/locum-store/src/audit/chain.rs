//! The hash chain: each line has its number and the SHA-256 of the line before it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

/// The last line of a chain: its number and its SHA-256. Written as `12:6d0f…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the line; 0 before the first line.
    pub seq: u64,
    /// The SHA-256 of the line without its line break; zeros before the first line.
    pub sha256: [u8; 32],
}

/// A text that is not a head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the number of a line, a colon and 64 hex digits, such as `12:6d0f…`")]
pub struct InvalidHead;

impl Head {
    /// The head of an empty chain.
    pub const START: Self = Self { seq: 0, sha256: [0; 32] };

    /// Appends the line with this JSON object as its content to `out`, and becomes the head of the longer chain.
    pub(crate) fn append(&mut self, object: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        self.seq += 1;
        out.extend_from_slice(br#"{"seq":"#);
        let written = serde_json::to_writer(&mut *out, &self.seq);
        debug_assert!(written.is_ok(), "a number is JSON");
        out.extend_from_slice(br#","prev":""#);
        push_hex(&self.sha256, out);
        out.extend_from_slice(br#"","#);
        out.extend_from_slice(object.get(1..).unwrap_or_default());
        self.sha256 = sha256(out.get(start..).unwrap_or_default());
        out.push(b'\n');
    }

    /// The head after this line, if the line continues this chain.
    pub(crate) fn continued_by(&self, line: &[u8]) -> Option<Self> {
        let link = Link::of(line)?;
        (link.seq == self.seq + 1 && link.prev == self.sha256)
            .then(|| Self { seq: link.seq, sha256: sha256(line) })
    }

    /// The head of the chain that ends with this line, wherever it began.
    pub(crate) fn of_line(line: &[u8]) -> Option<Self> {
        Link::of(line).map(|link| Self { seq: link.seq, sha256: sha256(line) })
    }

    /// The SHA-256 in hex digits.
    pub fn hex(&self) -> String {
        hex(&self.sha256)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hex())
    }
}

impl FromStr for Head {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (seq, sha256) = text.split_once(':').ok_or(InvalidHead)?;
        Ok(Self { seq: seq.parse().map_err(|_| InvalidHead)?, sha256: from_hex(sha256).ok_or(InvalidHead)? })
    }
}

/// What a line says of its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) seq: u64,
    pub(crate) prev: [u8; 32],
    /// The SHA-256 of the incomplete line that this line reports, if it does.
    pub(crate) torn: Option<[u8; 32]>,
}

#[derive(Deserialize)]
struct LinkMembers {
    seq: u64,
    prev: String,
    code: String,
    torn_sha256: Option<String>,
}

impl Link {
    pub(crate) fn of(line: &[u8]) -> Option<Self> {
        let members: LinkMembers = serde_json::from_slice(line).ok()?;
        let torn = match (members.code.as_str(), members.torn_sha256) {
            ("torn_line", Some(sha256)) => Some(from_hex(&sha256)?),
            _ => None,
        };
        Some(Self { seq: members.seq, prev: from_hex(&members.prev)?, torn })
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    let mut digits = Vec::with_capacity(64);
    push_hex(bytes, &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

fn push_hex(bytes: &[u8; 32], out: &mut Vec<u8>) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]));
}

/// Lower case only: one value has one spelling.
fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_number_and_the_hash_of_the_line_before() {
        let mut head = Head::START;
        let mut out = Vec::new();
        head.append(br#"{"code":"start"}"#, &mut out);
        let first = head;
        head.append(br#"{"code":"stop"}"#, &mut out);
        let text = String::from_utf8(out).unwrap();
        let zeros = "0".repeat(64);
        assert_eq!(
            text,
            format!(
                "{{\"seq\":1,\"prev\":\"{zeros}\",\"code\":\"start\"}}\n{{\"seq\":2,\"prev\":\"{}\",\"code\":\"stop\"}}\n",
                first.hex()
            )
        );
        let [first_line, second_line] = *text.lines().collect::<Vec<_>>() else { panic!("{text}") };
        assert_eq!(Head::START.continued_by(first_line.as_bytes()), Some(first));
        assert_eq!(first.continued_by(second_line.as_bytes()), Some(head));
        assert_eq!(Head::START.continued_by(second_line.as_bytes()), None);
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head { seq: 12, sha256: sha256(b"line") };
        assert_eq!(head.to_string().parse(), Ok(head));
        for invalid in
            ["", "12", "12:", "x:00", &format!("12:{}", "g".repeat(64)), &format!("12:{}", "A".repeat(64))]
        {
            assert_eq!(invalid.parse::<Head>(), Err(InvalidHead), "{invalid}");
        }
    }
}
