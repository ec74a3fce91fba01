//! Panics, hangs, floods, dies: what a host must survive, or not, each as an api_type of its own.
#![expect(clippy::panic, reason = "that is its job")]

use std::hint::black_box;
use std::path::PathBuf;

use locum_plugin::prelude::*;

locum_plugin::export_plugin! {
    name: "misbehaving",
    vendor: "Tests",
    issuers: [PanicsInIssue, PanicsInConfigure, PanicsInDrop, Hangs, AnswersTooMuch, FloodsTheLog, Dies],
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

/// A text that tells that all went well.
fn fine(grant: &Grant<NoParameters>) -> Result<IssueAnswer, Failure> {
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
        panic!("not today")
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        fine(grant)
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
        fine(grant)
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("not even now")
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Until {
    /// It hangs until this file is there. A pure issuer could not know; a test could not end otherwise.
    released_by: PathBuf,
}

struct Hangs(Until);

impl Issuer for Hangs {
    type Settings = Until;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        text("hangs")
    }

    fn configure(_: &str, settings: Until, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self(settings))
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        // Gives its processor away, lest it starve the test; but never the thread. It ends with the test's directory.
        while self.0.released_by.parent().is_some_and(|directory| directory.exists())
            && !self.0.released_by.exists()
        {
            std::thread::yield_now();
        }
        fine(grant)
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
        fine(grant)
    }
}

/// What no host survives in its own process.
struct Dies(String);

impl Issuer for Dies {
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
            "overflows_the_stack" => drop(black_box(depth_below(grant.now.as_seconds()))),
            _ => drop(black_box(Vec::<u8>::with_capacity(isize::MAX.unsigned_abs()))),
        }
        fine(grant)
    }
}

fn depth_below(depth: i64) -> i64 {
    match black_box(depth) {
        i64::MIN => 0,
        depth => depth_below(depth.wrapping_sub(1)).wrapping_add(black_box(1)),
    }
}
