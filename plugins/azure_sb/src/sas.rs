//! The signature and the header value that contains it, without input or output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_plugin::UnixTime;
use locum_plugin::percent::{percent_encoded, query_string};
use locum_plugin::signing::HmacKey;

/// Longest path of an entity.
const PATH_BYTES_MAX: usize = 260;

/// A shared access policy of a namespace.
pub(crate) struct Policy {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) key: HmacKey,
}

impl Policy {
    /// The whole value of an `Authorization` header. Its fields are in the order that Auth0 used.
    pub(crate) fn sign(&self, entity: &EntityPath, expires_at: UnixTime) -> String {
        let resource = format!("http://{}.servicebus.windows.net/{}", self.namespace, entity.0);
        // The service signs the resource in the form that the token contains: percent-encoded.
        let string_to_sign = format!("{}\n{expires_at}", percent_encoded(&resource));
        let signature = STANDARD.encode(self.key.sign(string_to_sign.as_bytes()));
        let fields = query_string(&[
            ("sig", &signature),
            ("se", &expires_at.to_string()),
            ("skn", &self.name),
            ("sr", &resource),
        ]);
        format!("SharedAccessSignature {fields}")
    }
}

/// The path of a queue, topic, subscription or hub below its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityPath(String);

impl EntityPath {
    /// 1 to 260 bytes: segments of letters, digits and `-._~` between `/`. Each segment starts with a letter or digit and
    /// does not end with a dot, so `.`, `..` and empty segments are refused.
    pub(crate) fn parse(path: &str) -> Result<Self, &'static str> {
        if path.len() > PATH_BYTES_MAX || !path.split('/').all(is_segment) {
            return Err(
                "an entity path has segments of letters, digits and -._~ between slashes, 260 characters at most",
            );
        }
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_segment(segment: &str) -> bool {
    segment.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !segment.ends_with('.')
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// Whether it can be a namespace's name.
pub(crate) fn is_namespace(name: &str) -> bool {
    (6..=50).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name.ends_with('-')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
