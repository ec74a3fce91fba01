//! Issuers made for tests: one for each form of credential, and each failure on request, by the parameter `make`.

use std::collections::HashMap;
use std::sync::Arc;

use locum_abi::answer::{Credential, Failure, FailureCode, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Lifetime, Revocation};
use locum_engine::ports::{CallContext, Issuer, IssuerFailure, Issuers, PortFuture};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::token_of;

/// A text that an upstream said and no client may read.
const UPSTREAM_PROSE: &str = "arn:aws:iam::123456789012:role/secret-role";

/// The test issuers: `app` (JWT), `azure_blob` (text), `aws` (object).
pub(crate) struct TestIssuers {
    manifests: HashMap<&'static str, IssuerManifest>,
    /// `make: "wait"` waits for a permit of this.
    pub(crate) gate: Arc<Semaphore>,
}

impl TestIssuers {
    pub(crate) fn new() -> Self {
        let text = CredentialForm::Text { member: "azure_blob_sas".to_owned() };
        let manifests = HashMap::from([
            ("app", manifest("app", CredentialForm::Jwt, Revocation::NotRevocable)),
            ("azure_blob", manifest("azure_blob", text, Revocation::ByKeyRotation)),
            ("aws", manifest("aws", CredentialForm::Object, Revocation::Upstream)),
        ]);
        Self { manifests, gate: Arc::new(Semaphore::new(0)) }
    }
}

fn manifest(api_type: &str, credential: CredentialForm, revocation: Revocation) -> IssuerManifest {
    IssuerManifest {
        api_type: api_type.to_owned(),
        credential,
        settings_schema: json!({}),
        parameters_schema: json!({}),
        overrides: Vec::new(),
        lifetime: Lifetime {
            minimum_seconds: 1,
            default_seconds: 36_000,
            maximum_seconds: 36_000,
            setting: None,
        },
        revocation,
        revocation_advice: "none".to_owned(),
        upstreams: Vec::new(),
        needs: Vec::new(),
        reads: Vec::new(),
    }
}

impl Issuers for TestIssuers {
    fn manifest(&self, api_type: &str) -> Option<&IssuerManifest> {
        self.manifests.get(api_type)
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let gate = Arc::clone(&self.gate);
        Ok(Arc::new(TestIssuer {
            api_type: configuration.api_type,
            domain: configuration.tenant.domain,
            gate,
        }))
    }
}

struct TestIssuer {
    api_type: String,
    domain: String,
    gate: Arc<Semaphore>,
}

impl Issuer for TestIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        Box::pin(async move {
            match made(grant) {
                Some("panic") => panic!("{UPSTREAM_PROSE}"),
                Some("hang") => std::future::pending::<()>().await,
                Some("wait") => self.gate.acquire().await.unwrap().forget(),
                Some("names") | None => {}
                Some(failure) => return Err(failure_of(failure)),
            }
            let now = (context.now_unix_ms / 1000) as i64;
            let expires_at = now + grant.lifetime_seconds as i64;
            Ok(Issued {
                credential: self.credential(grant, now, expires_at),
                issued_at: now,
                expires_at: Some(expires_at),
            })
        })
    }

    fn revoke<'a>(
        &'a self,
        credential: &'a str,
        _: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        let answer = if credential == "known" { RevokeAnswer::Revoked } else { RevokeAnswer::AlreadyGone };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

impl TestIssuer {
    fn credential(&self, grant: &Grant, iat: i64, exp: i64) -> Credential {
        match self.api_type.as_str() {
            "azure_blob" if made(grant) == Some("names") => {
                Credential::Text(grant.parameters.keys().map(String::as_str).collect::<Vec<_>>().join(" "))
            }
            "azure_blob" => Credential::Text("se=2030&sp=r&sig=abc%3D".to_owned()),
            "aws" => {
                match json!({"ResponseMetadata": {"RequestId": "1"}, "Credentials": {"AccessKeyId": "ASIA"}})
                {
                    Value::Object(members) => Credential::Object(members),
                    _ => unreachable!("it is written as an object"),
                }
            }
            _ => Credential::Jwt(token_of(&json!({
                "iss": format!("https://{}/", self.domain), "sub": grant.user_id, "aud": grant.target_id,
                "iat": iat, "exp": exp, "azp": grant.client_id,
            }))),
        }
    }
}

/// What the request wants to be made: a failure, a wait, or with `names` the names of its own parameters.
fn made(grant: &Grant) -> Option<&str> {
    grant.parameters.get("make").and_then(Value::as_str)
}

fn failure_of(name: &str) -> IssuerFailure {
    match name {
        "parameter" => {
            IssuerFailure::Failed(Failure::parameter("containerName", "containerName may not be empty"))
        }
        "upstream_refuses" => {
            IssuerFailure::Failed(Failure::upstream_refused("AccessDenied", UPSTREAM_PROSE))
        }
        "internal" => IssuerFailure::Failed(Failure::new(FailureCode::Internal, UPSTREAM_PROSE)),
        "unreachable" => IssuerFailure::UpstreamUnreachable(UPSTREAM_PROSE.to_owned()),
        "upstream_slow" => IssuerFailure::UpstreamTimedOut(5000),
        "hung" => IssuerFailure::Hung(10_000),
        other => unreachable!("no failure is named {other}"),
    }
}
