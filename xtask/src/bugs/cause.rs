//! The causes of bugs, by which the results are shown.

/// A cause as patches name it, and as a reader is shown it.
pub const CAUSES: [(&str, &str); 15] = [
    ("upstream-request", "the request to the upstream is wrong"),
    ("upstream-replies", "replies of the upstream are trusted, misread or asked for twice"),
    ("leak", "a token, secret or foreign text is in a log line or message"),
    ("state", "state is kept between users or requests"),
    ("impure", "the system's time, files or environment are read"),
    ("parameters", "parameters of the request are ignored, corrected or not bounded"),
    ("attributes", "attributes of the user are misused"),
    ("plain-secret", "a secret is declared as plain text"),
    ("claims", "claims, header, key or rights of the credential are wrong"),
    ("lifetime", "the lifetime is wrong"),
    ("limits", "off by one at a limit"),
    ("settings", "a setting is not checked or not used"),
    ("revocation", "a revocation is answered without its upstream"),
    ("manifest", "the manifest says something else than the code does"),
    ("panic", "odd input panics"),
];

/// What a reader is shown for a cause; `None` for any other word.
pub fn title(cause: &str) -> Option<&'static str> {
    CAUSES.iter().find_map(|(name, title)| (*name == cause).then_some(*title))
}
