//! Tries what a plugin may not do, in a call, while it is configured or in a constructor.
//!
//! What it tries is in its settings; for the constructor in `CONSTRUCTOR`, and for a version that tries something while it
//! is configured, whatever its settings, in `CONFIGURE`. Tests overwrite these two in a copy of the file.

mod attempts;

use std::sync::atomic::Ordering;

use locum_plugin::prelude::*;

use crate::attempts::{DROPPED, attempt};

locum_plugin::export_plugin! {
    name: "hostile",
    vendor: "Tests",
    issuers: [Hostile],
}

/// What the constructor tries: an attempt and its target, between bars.
#[used]
static CONSTRUCTOR: [u8; 128] = *b"LOCUM-TEST-CONSTRUCTOR|nothing||................................................................................................";

#[used]
#[expect(unsafe_code, reason = "only this section makes the loader run a function")]
// SAFETY: the section holds pointers to functions without arguments.
#[unsafe(link_section = ".init_array")]
static RUN_FIRST: extern "C" fn() = run_first;

/// What configuring tries, in the same form.
#[used]
static CONFIGURE: [u8; 128] = *b"LOCUM-TEST-CONFIGURE|nothing||..................................................................................................";

extern "C" fn run_first() {
    attempt_what(std::hint::black_box(&CONSTRUCTOR));
}

fn attempt_what(text: &[u8]) {
    let text = String::from_utf8_lossy(text).into_owned();
    let mut parts = text.split('|').skip(1);
    if let (Some(name), Some(target)) = (parts.next(), parts.next()) {
        attempt(name, target);
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HostileSettings {
    /// What to try.
    attempt: String,
    /// On what to try it: a path, a port or a process.
    #[serde(default)]
    target: String,
    /// When: `issue` or `configure`.
    when: String,
}

/// Tries what its settings say, and issues a credential that says how it went.
struct Hostile(HostileSettings);

impl Drop for Hostile {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

impl Issuer for Hostile {
    type Settings = HostileSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![ApiType::text("hostile", "text")]
    }

    fn configure(_: &str, settings: HostileSettings, _: &Tenant) -> Result<Self, Failure> {
        attempt_what(std::hint::black_box(&CONFIGURE));
        if settings.when == "configure" {
            attempt(&settings.attempt, &settings.target);
        }
        Ok(Self(settings))
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        if self.0.when != "issue" {
            return Ok(grant.text("fine".to_owned()));
        }
        Ok(grant.text(attempt(&self.0.attempt, &self.0.target)))
    }
}
