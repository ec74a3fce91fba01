//! The master keys, from a file that only the server reads.

use std::fmt;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::sealing::error::SealingError;

/// Length of a key, in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// Longest id of a key, in bytes.
const ID_BYTES_MAX: usize = 32;

/// The keys that seal and open the secrets of a database. The first one seals. `Debug` shows their ids.
pub struct MasterKeys {
    source: String,
    active: MasterKey,
    others: Vec<MasterKey>,
}

pub(super) struct MasterKey {
    pub(super) id: String,
    /// Of the right length. On the heap: a key that is moved leaves no copy behind.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// What is wrong with a line of a file with master keys. It never shows the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {message}", file = .source_of_keys)]
pub struct InvalidMasterKeys {
    /// The file, or the variable.
    pub source_of_keys: String,
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl MasterKeys {
    /// Reads lines `ID:KEY`, KEY being base64 of 32 bytes. The first key seals; the others open what they have sealed. Empty
    /// lines and those that begin with `#` are skipped. `source` names the file or the variable in errors.
    ///
    /// # Errors
    /// Names the first line that is not such a line, or whose id is another line's. A text without keys is an error too.
    pub fn parse(text: &str, source: impl Into<String>) -> Result<Self, InvalidMasterKeys> {
        let source = source.into();
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let is_known = |id: &str| keys.iter().any(|key| key.id == id);
            match key(line, is_known) {
                Ok(key) => keys.push(key),
                Err(message) => {
                    return Err(InvalidMasterKeys { source_of_keys: source, line: index + 1, message });
                }
            }
        }
        let mut keys = keys.into_iter();
        match keys.next() {
            Some(active) => Ok(Self { source, active, others: keys.collect() }),
            None => Err(InvalidMasterKeys {
                source_of_keys: source,
                line: text.lines().count().max(1),
                message: "there is no key; add one, which `locum state new-master-key` makes".to_owned(),
            }),
        }
    }

    /// The id of the key that seals.
    pub fn active_id(&self) -> &str {
        &self.active.id
    }

    pub(super) fn active(&self) -> &MasterKey {
        &self.active
    }

    pub(super) fn with_id(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.active).chain(&self.others).find(|key| key.id == id)
    }

    /// The file or the variable that they are from.
    pub(super) fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = std::iter::once(&self.active).chain(&self.others).map(|key| &key.id);
        f.write_str("MasterKeys ")?;
        f.debug_list().entries(ids).finish()
    }
}

fn key(line: &str, is_known: impl Fn(&str) -> bool) -> Result<MasterKey, String> {
    let (id, encoded) = line
        .split_once(':')
        .ok_or("this line has no colon; write ID:KEY, as `locum state new-master-key` does")?;
    if !is_key_id(id) {
        // Not shown: it may be a key that stands before a colon.
        return Err(format!(
            "the id before the colon must have 1 to {ID_BYTES_MAX} letters, digits, `-` and `_`"
        ));
    }
    if is_known(id) {
        return Err(format!("the id `{id}` appears twice; remove one line, or give its key another id"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
    STANDARD
        .decode_vec(encoded, &mut bytes)
        .map_err(|_| format!("the key `{id}` is not base64; copy the line again from where it was made"))?;
    if bytes.len() != KEY_BYTES {
        let found = bytes.len();
        return Err(format!(
            "the key `{id}` has {found} bytes, but it must have {KEY_BYTES}; copy the line again"
        ));
    }
    Ok(MasterKey { id: id.to_owned(), bytes })
}

/// Whether a key can have this id.
pub(super) fn is_key_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// A line with a new key under a random id, for a file with master keys. It ends with a newline.
///
/// # Errors
/// If the system gives no random numbers.
pub fn new_master_key_line() -> Result<Zeroizing<String>, SealingError> {
    let (mut id, mut key) = ([0; 4], Zeroizing::new([0; KEY_BYTES]));
    rand::fill(&mut id).and_then(|()| rand::fill(&mut *key)).map_err(|_| SealingError::Cryptography)?;
    let id = format!("{:08x}:", u32::from_be_bytes(id));
    // Room for base64 and the newline: a text that grows leaves copies of its beginning in memory.
    let mut line = Zeroizing::new(String::with_capacity(id.len() + 2 * KEY_BYTES));
    line.push_str(&id);
    STANDARD.encode_string(key.as_slice(), &mut line);
    line.push('\n');
    Ok(line)
}
