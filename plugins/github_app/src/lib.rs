//! Issues installation access tokens of a GitHub App, and revokes them at GitHub.

mod access;
mod app;
mod settings;
mod token;

use locum_plugin::prelude::*;

use crate::access::{Permissions, Repositories};
use crate::app::{API_VERSION_HEADER, App};
use crate::settings::Settings;

locum_plugin::export_plugin! { name: "github_app", vendor: "Locum", issuers: [GithubApp] }

/// The lifetime of every installation access token. GitHub lets nobody choose another.
const TOKEN_SECONDS: u64 = 3600;
/// How far GitHub's clock may be ahead: it counts the hour from when it answers, by its own clock.
const SKEW_SECONDS: u64 = 60;

/// An issuer for one installation of an app.
struct GithubApp {
    app: App,
    repositories: Repositories,
    permissions: Permissions,
}

/// Parameters that replace settings, if the settings permit it.
#[derive(Deserialize, JsonSchema)]
struct Parameters {
    /// Names of repositories, without their owner, separated by single spaces: some of those in the settings.
    github_repositories: Option<String>,
    /// Permissions such as `contents:read`, separated by single spaces: at most those in the settings.
    github_permissions: Option<String>,
}

impl Issuer for GithubApp {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let used = |upstream: Upstream| upstream.methods(["POST", "DELETE"]).header(API_VERSION_HEADER);
        vec![
            ApiType::object("github_app")
                .lifetime(Lifetime::up_to_seconds(TOKEN_SECONDS).minimum_seconds(TOKEN_SECONDS))
                .expiry_skew_seconds(SKEW_SECONDS)
                .parameter_overrides_setting("github_repositories", "repositories")
                .parameter_overrides_setting("github_permissions", "permissions")
                .calls(used(Upstream::host("api.github.com")))
                .calls(used(Upstream::setting("endpoint")))
                .signs_with_setting("private_key")
                .revoked_upstream(
                    "Revoke it through Locum. Or, at GitHub, suspend the installation, or delete the app's private key, which stops new tokens only.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self {
            app: settings.app()?,
            repositories: settings.repositories()?,
            permissions: settings.permissions()?,
        })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        if let [reply, ..] = replies {
            let (object, expires_at) = token::read(reply, grant.now)?;
            return Ok(grant.object(object, Some(expires_at)));
        }
        let Parameters { github_repositories, github_permissions } = &grant.parameters;
        let repositories = self.repositories.chosen(github_repositories.as_deref())?;
        let permissions = self.permissions.chosen(github_permissions.as_deref())?;
        let request = self.app.token_request(grant, repositories.as_deref(), &permissions)?;
        Ok(IssueAnswer::Call { request })
    }

    fn revoke(
        &self,
        presented: &PresentedCredential,
        replies: &[UpstreamReply],
    ) -> Result<RevokeAnswer, Failure> {
        if !token::is_githubs(&presented.text) {
            return Ok(RevokeAnswer::AlreadyGone);
        }
        match replies {
            [] => Ok(RevokeAnswer::Call { request: self.app.revocation(&presented.text) }),
            [reply, ..] => token::revoked(reply),
        }
    }
}

#[cfg(test)]
mod tests;
