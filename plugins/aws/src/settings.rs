//! The add-on's settings, and the parts of an issuer that they give.

use std::collections::BTreeMap;

use locum_plugin::AllowedNames;
use locum_plugin::prelude::*;
use locum_plugin::upstream::checked_endpoint;

use crate::arn::IamArn;
use crate::partition::Partition;
use crate::proof::Proof;
use crate::roles::Roles;
use crate::session::{SessionSettings, is_tag_char};

/// The largest number of tags that a session can have.
const TAGS_MAX: usize = 50;
/// Longest key of a tag.
const TAG_KEY_CHARS_MAX: usize = 128;

/// The roles to issue credentials for, and how the user's identity is proved to STS.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The ARN of the SAML provider in IAM that holds this tenant's certificate.
    principal: Option<String>,
    /// The ARN of the role to assume.
    role: Option<String>,
    /// The lifetime of credentials, in seconds; 3600 if absent. STS accepts 900 to 43200, and at most the role's own maximum.
    #[expect(
        dead_code,
        reason = "the engine reads it, as the manifest says; the field is here for the schema"
    )]
    #[schemars(range(min = 900))]
    lifetime_in_seconds: Option<u64>,
    /// Further roles that a request may choose; none if empty. Each is an ARN, or the start of ARNs with a `*` at the end.
    #[serde(default)]
    allowed_roles: Vec<String>,
    /// DANGEROUS: a request may choose any role, as with Auth0. Everybody who may use this add-on can assume every role
    /// that trusts this tenant.
    #[serde(default)]
    allow_any_role: bool,
    /// The region whose STS is called, such as `eu-west-1`. Required in GovCloud and China; elsewhere the global STS is
    /// called if it is absent.
    region: Option<String>,
    /// The URL of another STS, for example a test double: https, or http on this machine.
    endpoint: Option<String>,
    /// `saml`: AssumeRoleWithSAML; `web_identity`: AssumeRoleWithWebIdentity with a JWT of the tenant.
    #[serde(default)]
    mode: Mode,
    /// The `aud` of that JWT; `sts.amazonaws.com` if absent.
    audience: Option<String>,
    /// The profile attribute that is the session's name; `rolesessionname` if absent. If AWS does not accept the value, the
    /// name is made of the user's id.
    #[serde(default = "rolesessionname")]
    role_session_name: String,
    /// The profile attribute that is the source identity. If absent, no source identity is set.
    source_identity: Option<String>,
    /// Session tags: the key of each tag, and the profile attribute that is its value.
    #[serde(default)]
    session_tags: BTreeMap<String, String>,
}

/// How STS learns who the user is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Saml,
    WebIdentity,
}

fn rolesessionname() -> String {
    "rolesessionname".to_owned()
}

impl Settings {
    /// The partition of the role, or else of the region.
    pub(crate) fn partition(&self) -> Result<Partition, Failure> {
        let region = self.region.as_deref().map(|region| {
            Partition::of_region(region)
                .ok_or_else(|| Failure::setting("region", "it is not a region such as eu-west-1"))
        });
        let region = region.transpose()?;
        let role = match (&self.role, self.allowed_roles.first()) {
            (Some(role), _) => Some(named_role("role", role)?),
            (None, Some(entry)) => Some(allowed_role(entry)?),
            (None, None) => None,
        };
        let role = role.map(|role| role.partition());
        match (role, region) {
            (Some(role), Some(region)) if role != region => {
                Err(Failure::setting("region", "role and region are in different partitions of AWS"))
            }
            (role, region) => Ok(role.or(region).unwrap_or(Partition::Commercial)),
        }
    }

    pub(crate) fn endpoint(&self, partition: Partition) -> Result<String, Failure> {
        match (&self.endpoint, &self.region) {
            (Some(url), _) => checked_endpoint(url).map_err(|why| Failure::setting("endpoint", why)),
            (None, Some(region)) => Ok(partition.endpoint(region)),
            (None, None) if partition == Partition::Commercial => Ok("https://sts.amazonaws.com/".to_owned()),
            (None, None) => {
                Err(Failure::setting("region", "GovCloud and China have no global STS; set a region"))
            }
        }
    }

    pub(crate) fn roles(&self, partition: Partition) -> Result<Roles, Failure> {
        let stored = self.role.as_ref().map(|role| named_role("role", role)).transpose()?;
        let principal = self.principal.as_deref().map(IamArn::saml_provider).transpose();
        let principal = principal.map_err(|why| Failure::setting("principal", why))?;
        let allowed = AllowedNames::new(&self.allowed_roles, self.allow_any_role)
            .map_err(|why| Failure::setting("allowed_roles", why))?;
        for entry in &self.allowed_roles {
            if allowed_role(entry)?.partition() != partition {
                return Err(Failure::setting(
                    "allowed_roles",
                    "the roles are in different partitions of AWS",
                ));
            }
        }
        if stored.is_none() && allowed.is_empty() && !self.allow_any_role {
            return Err(Failure::setting(
                "role",
                "set a role, or list in allowed_roles those that requests may choose",
            ));
        }
        if let (Some(role), Some(principal)) = (&stored, &principal)
            && role.account() != principal.account()
        {
            return Err(Failure::setting("principal", "role and principal are of different accounts"));
        }
        Ok(Roles { partition, stored, principal, allowed })
    }

    pub(crate) fn proof(&self, partition: Partition, tenant: &Tenant) -> Result<Proof, Failure> {
        match (self.mode, &self.audience) {
            (Mode::Saml, None) => Proof::saml(partition, tenant),
            (Mode::Saml, Some(_)) => Err(Failure::setting(
                "audience",
                "only the mode web_identity has an audience setting; remove it",
            )),
            (Mode::WebIdentity, Some(audience)) if audience.is_empty() => {
                Err(Failure::setting("audience", "it is empty; set the audience or remove it"))
            }
            (Mode::WebIdentity, audience) => {
                Proof::web_identity(audience.as_deref().unwrap_or("sts.amazonaws.com"), tenant)
            }
        }
    }

    pub(crate) fn session(self) -> Result<SessionSettings, Failure> {
        let refused = |why: &str| Failure::setting("session_tags", why);
        if self.session_tags.len() > TAGS_MAX {
            return Err(refused("a session has at most 50 tags"));
        }
        if !self.session_tags.keys().all(|key| is_tag_key(key)) {
            return Err(refused(
                "the key of a tag has 1 to 128 letters, digits, spaces and _.:/=+-@, and does not start with aws:",
            ));
        }
        let mut keys: Vec<_> = self.session_tags.keys().map(|key| key.to_lowercase()).collect();
        keys.sort();
        if keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(refused("two keys differ only in case, which AWS does not tell apart"));
        }
        let unnamed = [
            ("role_session_name", self.role_session_name.is_empty()),
            ("source_identity", self.source_identity.as_deref() == Some("")),
            ("session_tags", self.session_tags.values().any(String::is_empty)),
        ];
        if let Some((setting, _)) = unnamed.into_iter().find(|(_, is_unnamed)| *is_unnamed) {
            return Err(Failure::setting(setting, "set a profile attribute or remove the setting"));
        }
        Ok(SessionSettings {
            tags: self.session_tags.into_iter().collect(),
            name_attribute: self.role_session_name,
            source_identity_attribute: self.source_identity,
        })
    }
}

fn named_role(setting: &str, role: &str) -> Result<IamArn, Failure> {
    IamArn::role(role).map_err(|why| Failure::setting(setting, why))
}

/// A role, or one of those that an entry with a `*` at the end allows: account and path must be stated before the `*`.
fn allowed_role(entry: &str) -> Result<IamArn, Failure> {
    match entry.strip_suffix('*') {
        Some(prefix) => named_role("allowed_roles", &format!("{prefix}a")),
        None => named_role("allowed_roles", entry),
    }
}

fn is_tag_key(key: &str) -> bool {
    (1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count())
        && key.chars().all(is_tag_char)
        && !key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}
