//! Opens a socket or a file, or starts a process, as its settings say. The suite must fail it by name.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use locum_plugin::prelude::*;

locum_plugin::export_plugin! { name: "reaches_out", vendor: "Tests", issuers: [ReachesOut] }

/// What it does with each request.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Reach {
    Nothing,
    Socket,
    File,
    Process,
    /// Asks whether a file exists.
    Existence,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    reach: Reach,
}

struct ReachesOut(Reach);

impl Issuer for ReachesOut {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![ApiType::text("reaches_out", "text")]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self(settings.reach))
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let found = match self.0 {
            Reach::Nothing => false,
            Reach::Socket => TcpStream::connect("127.0.0.1:9").is_ok(),
            Reach::File => fs::read("/etc/passwd").is_ok(),
            Reach::Process => Command::new("/bin/true").status().is_ok(),
            Reach::Existence => Path::new("/etc/passwd").exists(),
        };
        Ok(grant.text(format!("found={found}&expires={}", grant.expires_at())))
    }
}
