//! Seals and opens one value.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::sealing::master_keys::{KEY_BYTES, MasterKey, is_key_id};
use crate::sealing::row::Row;

/// What a sealed value begins with. The number changes with the format.
const PREFIX: &str = "sealed1.";

/// The key of a row.
pub(super) struct RowKey<'a> {
    row: Row<'a>,
    key_id: &'a str,
    key: RandomizedNonceKey,
}

/// A sealed value, taken apart.
pub(super) struct Sealed<'a> {
    pub(super) key_id: &'a str,
    data: &'a str,
}

impl<'a> RowKey<'a> {
    /// Derives it (RFC 5869). The master key is random and as long as a hash, so its first step is not needed.
    pub(super) fn derive(master: &'a MasterKey, row: Row<'a>) -> Result<Self, Unspecified> {
        let info = row.bytes("locum row key 1", "");
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        Prk::new_less_safe(HKDF_SHA256, &master.bytes).expand(&[&info], KeyLength)?.fill(&mut *bytes)?;
        Ok(Self { row, key_id: &master.id, key: RandomizedNonceKey::new(&AES_256_GCM, &*bytes)? })
    }

    /// The id of the master key.
    pub(super) fn id(&self) -> &'a str {
        self.key_id
    }

    /// The JSON string that replaces a value.
    pub(super) fn seal(&self, pointer: &str, value: &str) -> Result<String, Unspecified> {
        let mut buffer = Zeroizing::new(value.as_bytes().to_vec());
        let (nonce, tag) = self.key.seal_in_place_separate_tag(self.associated_data(pointer), &mut buffer)?;
        let data = [nonce.as_ref().as_slice(), &buffer, tag.as_ref()].concat();
        Ok(format!("\"{PREFIX}{}.{}\"", self.key_id, URL_SAFE_NO_PAD.encode(data)))
    }

    /// The value that was sealed in this row and field.
    pub(super) fn open(&self, pointer: &str, sealed: &Sealed<'_>) -> Result<Zeroizing<String>, Unspecified> {
        let mut data = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed.data).map_err(|_| Unspecified)?);
        let (nonce, data) = data.split_first_chunk_mut::<NONCE_LEN>().ok_or(Unspecified)?;
        let value = self.key.open_in_place(Nonce::from(&*nonce), self.associated_data(pointer), data)?;
        let value = std::str::from_utf8(value).map_err(|_| Unspecified)?;
        Ok(Zeroizing::new(value.to_owned()))
    }

    fn associated_data(&self, pointer: &str) -> Aad<Vec<u8>> {
        Aad::from(self.row.bytes("locum sealed value 1", pointer))
    }
}

impl<'a> Sealed<'a> {
    /// Takes a JSON value apart; `None` if it is not a sealed one.
    pub(super) fn parse(json: &'a str) -> Option<Self> {
        let text = json.strip_prefix('"')?.strip_suffix('"')?.strip_prefix(PREFIX)?;
        let (key_id, data) = text.split_once('.')?;
        // Errors show the id, so it must not be a secret that only begins as a sealed value does.
        is_key_id(key_id).then_some(Self { key_id, data })
    }
}

/// The length of a key, as HKDF is told it.
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}
