//! Issues shared access signatures for one blob, of the version 2022-11-02 of Azure Storage.

use anyhow::Result;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::services::ideal::refusal::Refusal;
use crate::tenant;

const VERSION: &str = "2022-11-02";
const PERMISSIONS: &str = "r";
const LIFETIME_SECONDS: u64 = 300;
/// Unreserved characters of RFC 3986 stay.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(crate) struct Account {
    key: hmac::Key,
}

impl Account {
    pub(super) fn new() -> Result<Self> {
        let key = STANDARD.decode(tenant::STORAGE_KEY)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }

    /// The body of the response with a signature that is valid from now.
    pub(super) fn answer(&self, now: u64) -> Result<Vec<u8>, Refusal> {
        let (starts, expires) = (instant(now)?, instant(now + LIFETIME_SECONDS)?);
        let (account, container, blob) = (tenant::STORAGE_ACCOUNT, tenant::CONTAINER, tenant::BLOB);
        let to_sign = format!(
            "{PERMISSIONS}\n{starts}\n{expires}\n/blob/{account}/{container}/{blob}\n\n\n\n{VERSION}\nb\n\n\n\n\n\n\n"
        );
        let signature = STANDARD.encode(hmac::sign(&self.key, to_sign.as_bytes()));
        let encoded = |text| utf8_percent_encode(text, ENCODED);
        let query = format!(
            r#"{{"azure_blob_sas":"st={}&se={}&sp={PERMISSIONS}&sv={VERSION}&sr=b&sig={}"}}"#,
            encoded(&starts),
            encoded(&expires),
            encoded(&signature)
        );
        Ok(query.into_bytes())
    }
}

/// RFC 3339 in UTC.
fn instant(seconds: u64) -> Result<String, Refusal> {
    let failed = Refusal::internal("the time cannot be written");
    let seconds = i64::try_from(seconds).map_err(|_| failed)?;
    Timestamp::from_second(seconds).map(|time| time.to_string()).map_err(|_| failed)
}
