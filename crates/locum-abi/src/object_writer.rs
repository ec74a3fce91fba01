//! Writes a JSON object member by member. Most texts need no escapes, which is seen in a fraction of the time that a general
//! serializer takes for each of their bytes.

use serde::Serialize;

/// An object that is being written to the end of a buffer. [`end`](Self::end) writes its last brace.
///
/// Each name is written once, and needs no escapes: nothing checks that.
///
/// ```
/// use locum_abi::object_writer::ObjectWriter;
///
/// let mut json = Vec::new();
/// let mut line = ObjectWriter::begin(&mut json);
/// line.text("user_id", "auth0|alice");
/// line.object("token", |token| token.value("expires_at", &1_900_000_300));
/// line.end();
/// assert_eq!(json, br#"{"user_id":"auth0|alice","token":{"expires_at":1900000300}}"#);
/// ```
#[must_use = "the object has no last brace before its end"]
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> ObjectWriter<'o> {
    /// Begins an object.
    pub fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// Writes a text.
    #[inline(always)]
    pub fn text(&mut self, name: &'static str, text: &str) {
        self.raw(name, |out| push_text(text, out));
    }

    /// The same, or nothing if there is no text.
    pub fn text_if_any(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Writes an array of texts.
    pub fn texts(&mut self, name: &'static str, texts: &[String]) {
        self.raw(name, |out| {
            out.push(b'[');
            for (index, text) in texts.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_text(text, out);
            }
            out.push(b']');
        });
    }

    /// Writes any value as serde_json does, or `null` in place of a map whose keys are not texts.
    pub fn value(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        self.raw(name, |out| {
            let start = out.len();
            if serde_json::to_writer(&mut *out, value).is_err() {
                out.truncate(start);
                out.extend_from_slice(b"null");
            }
        });
    }

    /// Writes an object.
    pub fn object(&mut self, name: &'static str, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        self.raw(name, |out| {
            let mut inner = ObjectWriter::begin(out);
            write(&mut inner);
            inner.end();
        });
    }

    /// Writes a value that `write` appends as JSON.
    #[inline(always)]
    pub fn raw(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        write(self.out);
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    // As its own function it would copy names of any length, and they are constants.
    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

#[inline(never)]
fn push_text(text: &str, out: &mut Vec<u8>) {
    if needs_escapes(text) {
        let written = serde_json::to_writer(out, text);
        debug_assert!(written.is_ok(), "a text is JSON");
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether a byte must be escaped (RFC 8259 section 7). All are looked at, so that the compiler looks at many at once.
fn needs_escapes(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(write: impl FnOnce(&mut ObjectWriter<'_>)) -> String {
        let mut out = Vec::new();
        let mut object = ObjectWriter::begin(&mut out);
        write(&mut object);
        object.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_are_written_in_their_order_and_absent_ones_left_out() {
        assert_eq!(written(|_| ()), "{}");
        let text = written(|object| {
            object.text("a", "x");
            object.text_if_any("b", None);
            object.text_if_any("c", Some(""));
            object.value("d", &-7);
            object.value("e", &[false]);
            object.object("f", |inner| inner.text("a", "\n"));
            object.texts("g", &[]);
            object.texts("h", &["x".to_owned(), "\n".to_owned()]);
        });
        assert_eq!(text, r#"{"a":"x","c":"","d":-7,"e":[false],"f":{"a":"\n"},"g":[],"h":["x","\n"]}"#);
    }

    #[test]
    fn a_value_that_json_cannot_express_is_null() {
        let keys_are_lists = std::collections::BTreeMap::from([(vec![1], 2)]);
        assert_eq!(written(|object| object.value("a", &keys_are_lists)), r#"{"a":null}"#);
    }

    proptest! {
        #[test]
        fn every_text_is_written_as_serde_json_does(text in "\\PC*|[\\x00-\\x7f]*|[\"\\\\]{1,3}") {
            prop_assert_eq!(written(|object| object.text("a", &text)), json!({ "a": text }).to_string());
            let read: Value = serde_json::from_str(&written(|object| object.text("a", &text))).unwrap();
            prop_assert_eq!(read, json!({ "a": text }));
        }
    }
}
