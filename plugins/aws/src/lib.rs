//! Issues temporary AWS credentials, which STS gives for a role.

mod answer;
mod arn;
mod partition;
mod proof;
mod roles;
mod session;
mod settings;
mod xml;

use locum_plugin::prelude::*;
use locum_plugin::upstream::post_form;

use crate::proof::Proof;
use crate::roles::Roles;
use crate::session::{Session, SessionSettings};
use crate::settings::Settings;

locum_plugin::export_plugin! { name: "aws", vendor: "Locum", issuers: [Aws] }

/// An issuer for the roles of one add-on, with the key that STS trusts.
struct Aws {
    endpoint: String,
    roles: Roles,
    session: SessionSettings,
    proof: Proof,
}

/// Parameters that replace settings, if the settings permit it.
#[derive(Deserialize, JsonSchema)]
struct Parameters {
    /// The ARN of the role to assume.
    role: Option<String>,
    /// The ARN of the SAML provider that STS verifies the assertion with.
    principal: Option<String>,
}

impl Issuer for Aws {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime = Lifetime::up_to_seconds(43_200)
            .minimum_seconds(900)
            .default_seconds(3600)
            .setting_in_seconds("lifetime_in_seconds");
        vec![
            ApiType::object("aws")
                .lifetime(lifetime)
                .parameter_overrides("role")
                .parameter_overrides("principal")
                .calls(Upstream::host("sts.amazonaws.com"))
                .calls(Upstream::host("sts.*.amazonaws.com"))
                .calls(Upstream::host("sts.*.amazonaws.com.cn"))
                .calls(Upstream::setting("endpoint"))
                .signs_with_tenant_key()
                .signs_bytes()
                .reads_named_by_setting("role_session_name", Some("rolesessionname"))
                .reads_named_by_setting("source_identity", None)
                .reads_named_by_setting("session_tags", None)
                .reads("email_verified")
                .revoked_by_key_rotation(
                    "Revoke the role's active sessions in IAM: its policy then denies everything to credentials that were issued before.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, tenant: &Tenant) -> Result<Self, Failure> {
        let partition = settings.partition()?;
        Ok(Self {
            endpoint: settings.endpoint(partition)?,
            roles: settings.roles(partition)?,
            proof: settings.proof(partition, tenant)?,
            session: settings.session()?,
        })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let Parameters { role, principal } = &grant.parameters;
        let roles = self.roles.chosen(role.as_deref(), principal.as_deref())?;
        match replies {
            [] => {
                let session = Session::of(&self.session, grant)?;
                let fields = self.proof.fields(&roles, &session, grant)?;
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                Ok(IssueAnswer::Call { request: post_form(&self.endpoint, &fields) })
            }
            [reply, ..] => {
                let (object, expires_at) = answer::read(self.proof.action(), reply)?;
                let expires_at = grant.stated_expiry(expires_at, answer::TOLERANCE_SECONDS)?;
                Ok(grant.object(object, Some(expires_at)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
