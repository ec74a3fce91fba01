//! The app's requests to GitHub's REST API, authenticated by a JWT of the app or by the token that is revoked.

use std::collections::BTreeMap;

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;
use locum_plugin::upstream::post_json;

use crate::access::Level;

/// GitHub's API.
pub(crate) const API: &str = "https://api.github.com";
/// The header that names the version of the API.
pub(crate) const API_VERSION_HEADER: &str = "x-github-api-version";

const API_VERSION: &str = "2022-11-28";
const MEDIA_TYPE: &str = "application/vnd.github+json";
/// The lifetime of the JWT. GitHub accepts ten minutes, by its own clock.
const JWT_SECONDS: i64 = 300;
/// How far in the past the JWT states to be issued, as GitHub recommends for clocks that differ.
const BACKDATED_SECONDS: i64 = 60;

/// An installation of an app.
pub(crate) struct App {
    /// The URL of the API, without a final slash.
    pub(crate) api: String,
    /// The client id, or the id, of the app.
    pub(crate) client_id: String,
    pub(crate) installation_id: u64,
    pub(crate) signer: JwsSigner,
}

impl App {
    /// Asks for a token. Without repositories it is for all of the installation.
    pub(crate) fn token_request<P>(
        &self,
        grant: &Grant<P>,
        repositories: Option<&[String]>,
        permissions: &BTreeMap<String, Level>,
    ) -> Result<UpstreamRequest, Failure> {
        let claims = json!({
            "iss": self.client_id,
            "iat": grant.now - BACKDATED_SECONDS,
            "exp": grant.expires_within(JWT_SECONDS),
        });
        let jwt = self.signer.sign(grant, &claims)?;
        let body = match repositories {
            Some(repositories) => json!({ "repositories": repositories, "permissions": permissions }),
            None => json!({ "permissions": permissions }),
        };
        let url = format!("{}/app/installations/{}/access_tokens", self.api, self.installation_id);
        Ok(versioned(post_json(url, &body)).bearer(&jwt))
    }

    /// Revokes the token that authenticates the request.
    pub(crate) fn revocation(&self, token: &str) -> UpstreamRequest {
        versioned(UpstreamRequest::new("DELETE", format!("{}/installation/token", self.api))).bearer(token)
    }
}

fn versioned(request: UpstreamRequest) -> UpstreamRequest {
    request.with_header("accept", MEDIA_TYPE).with_header(API_VERSION_HEADER, API_VERSION)
}
