//! Panics, hangs, floods the log or terminates its process, to test what a host survives. Each api_type misbehaves in one
//! way.
#![expect(clippy::panic, reason = "panics on purpose")]

use std::hint::black_box;
use std::path::PathBuf;

use locum_plugin::prelude::*;

locum_plugin::export_plugin! {
    name: "misbehaving",
    vendor: "Tests",
    issuers: [PanicsInIssue, PanicsInConfigure, PanicsInDrop, HangsInIssue, HangsInConfigure, AnswersTooMuch, FloodsTheLog, TerminatesProcess],
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

/// A credential for calls that do not misbehave.
fn harmless_text(grant: &Grant<NoParameters>) -> Result<IssueAnswer, Failure> {
    Ok(grant.text("fine".to_owned()))
}

fn text(api_type: &str) -> Vec<ApiType> {
    vec![ApiType::text(api_type, "text")]
}

struct PanicsInIssue;

impl Issuer for PanicsInIssue {
    type Settings = NoSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("panics_in_issue")
    }

    fn configure(_: &str, _: NoSettings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        log::warn!("about to panic");
        panic!("no credential for {}", grant.user_id)
    }
}

struct PanicsInConfigure;

impl Issuer for PanicsInConfigure {
    type Settings = NoSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("panics_in_configure")
    }

    fn configure(_: &str, _: NoSettings, _: &Tenant) -> Result<Self, Failure> {
        panic!("no configuration is accepted")
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        harmless_text(grant)
    }
}

struct PanicsInDrop;

impl Issuer for PanicsInDrop {
    type Settings = NoSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("panics_in_drop")
    }

    fn configure(_: &str, _: NoSettings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        harmless_text(grant)
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("dropped")
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HangSettings {
    /// The issuer hangs until this file exists. Real issuers must not read files; without it no test could end a hang.
    released_by: PathBuf,
}

impl HangSettings {
    /// Leaves the processor to the test but does not return before the file exists. Stops when the test's directory is
    /// deleted.
    fn hang(&self) {
        while self.released_by.parent().is_some_and(|directory| directory.exists())
            && !self.released_by.exists()
        {
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
    }
}

struct HangsInConfigure;

impl Issuer for HangsInConfigure {
    type Settings = HangSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("hangs_in_configure")
    }

    fn configure(_: &str, settings: HangSettings, _: &Tenant) -> Result<Self, Failure> {
        settings.hang();
        Ok(Self)
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        harmless_text(grant)
    }
}

struct HangsInIssue(HangSettings);

impl Issuer for HangsInIssue {
    type Settings = HangSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("hangs")
    }

    fn configure(_: &str, settings: HangSettings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self(settings))
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        self.0.hang();
        harmless_text(grant)
    }
}

struct AnswersTooMuch;

impl Issuer for AnswersTooMuch {
    type Settings = NoSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("answers_too_much")
    }

    fn configure(_: &str, _: NoSettings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        Ok(grant.text("x".repeat(8 << 20)))
    }
}

struct FloodsTheLog;

impl Issuer for FloodsTheLog {
    type Settings = NoSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("floods_the_log")
    }

    fn configure(_: &str, _: NoSettings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        for line in 0..100_000 {
            log::info!("line {line}\n\u{1b}[31mforged");
        }
        harmless_text(grant)
    }
}

/// Terminates the process; the api_type says how.
struct TerminatesProcess(String);

impl Issuer for TerminatesProcess {
    type Settings = NoSettings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        ["aborts", "exits", "overflows_the_stack", "exhausts_memory"].into_iter().flat_map(text).collect()
    }

    fn configure(api_type: &str, _: NoSettings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self(api_type.to_owned()))
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        match self.0.as_str() {
            "aborts" => std::process::abort(),
            "exits" => std::process::exit(7),
            "overflows_the_stack" => drop(black_box(recurse(grant.now.as_seconds()))),
            _ => drop(black_box(Vec::<u8>::with_capacity(isize::MAX.unsigned_abs()))),
        }
        harmless_text(grant)
    }
}

fn recurse(depth: i64) -> i64 {
    match black_box(depth) {
        i64::MIN => 0,
        depth => recurse(depth.wrapping_sub(1)).wrapping_add(black_box(1)),
    }
}
