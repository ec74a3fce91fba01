//! A text without an upstream: settings, a secret, an override, a lifetime, attributes, claims, log lines, a panic.

use locum_plugin::percent::query_of;
use locum_plugin::prelude::*;

/// A pass for a house. Its check is no signature: this plugin is for tests alone.
pub(crate) struct Pass(Settings);

/// The house.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The word that makes the check.
    word: Secret,
    /// The door that opens; `front` if absent.
    #[serde(default = "front")]
    door: String,
    /// The attribute that is the visitor's name; `nickname` if absent.
    #[expect(dead_code, reason = "read by the host, as the manifest says")]
    named_by: Option<String>,
    /// How long passes live, in minutes; 10 if absent.
    #[expect(dead_code, reason = "read by the engine, as the manifest says")]
    #[schemars(range(min = 1))]
    minutes: Option<u64>,
}

/// What a visitor may ask for.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Parameters {
    /// Another door.
    door: Option<String>,
}

fn front() -> String {
    "front".to_owned()
}

impl Issuer for Pass {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(86_400)
            .at_least_seconds(60)
            .by_default_seconds(600)
            .set_in_minutes_by("minutes");
        vec![
            ApiType::text("old_2026_11_pass", "pass")
                .lives(lifetime)
                .parameter_overrides("door")
                .reads("email_verified")
                .reads_named_by_setting("named_by", Some("nickname"))
                .revoked_by_key_rotation("Change the word, which ends every pass."),
        ]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        if tenant.signing_key.is_some() {
            return Err(Failure::internal("nobody asked for a key"));
        }
        match settings.word.expose().len() {
            0..8 => Err(Failure::setting("word", "it must have 8 characters or more")),
            _ => Ok(Self(settings)),
        }
    }

    fn issue(&self, grant: &Grant<Parameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let door = grant.parameters.door.as_deref().unwrap_or(&self.0.door);
        log::info!("a pass for {door}");
        match door {
            "none" => panic!("there is no door"),
            "cellar" => return Err(Failure::parameter("door", "the cellar is closed; take another door")),
            "attic" => drop(grant.attribute("ladder")?),
            _ => {}
        }
        let (starts, ends) = (grant.now.to_string(), grant.expires_at().to_string());
        let (scopes, id) = (grant.scopes.join(" "), grant.fresh_id());
        let check = check(self.0.word.expose(), &id);
        let (read, told) = (json!(grant.profile).to_string(), json!(grant.claims).to_string());
        let pairs = [
            ("user", grant.user_id.as_str()),
            ("client", &grant.client_id),
            ("target", &grant.target_id),
            ("scopes", &scopes),
            ("read", &read),
            ("told", &told),
            ("door", door),
            ("from", &starts),
            ("to", &ends),
            ("id", &id),
            ("check", &check),
        ];
        Ok(grant.text(query_of(&pairs)))
    }
}

/// FNV-1a of both.
fn check(word: &str, id: &str) -> String {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", word.bytes().chain(id.bytes()).fold(0xcbf2_9ce4_8422_2325, step))
}
