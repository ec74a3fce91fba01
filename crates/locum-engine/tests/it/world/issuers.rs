//! Issuers whose manifests and answers a test sets; every configuration, grant and revocation is kept to be looked at.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use locum_abi::answer::{Credential, Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Lifetime, LifetimeSetting, Revocation};
use locum_engine::ports::{CallContext, Issuer, IssuerFailure, Issuers, PortFuture};
use serde_json::json;

use super::ports::{AWAY, PortCalls};
use super::{hs256, object};

type Issuance = dyn Fn(&Grant, CallContext) -> Result<Issued, IssuerFailure> + Send + Sync;
type Revoking = dyn Fn(&str) -> Result<RevokeAnswer, IssuerFailure> + Send + Sync;

/// The issuers of a world: `app` (JWT), `azure_blob` (text), `aws` and `salesforce_api` (objects; the latter can be
/// revoked upstream).
pub(crate) struct ScriptedIssuers {
    manifests: HashMap<String, IssuerManifest>,
    pub(crate) issuances: Arc<Issuances>,
}

/// What issuers are to do, and what they were asked.
pub(crate) struct Issuances {
    issue: Mutex<HashMap<String, Arc<Issuance>>>,
    revoke: Mutex<HashMap<String, Arc<Revoking>>>,
    refused_settings: Mutex<HashMap<String, Failure>>,
    configurations: Mutex<Vec<Configuration>>,
    issued: Mutex<Vec<(Grant, CallContext)>>,
    revoked: Mutex<Vec<(String, String)>>,
    calls: Arc<PortCalls>,
}

impl ScriptedIssuers {
    pub(super) fn usual(calls: Arc<PortCalls>) -> Self {
        let text = CredentialForm::Text { member: "azure_blob_sas".to_owned() };
        let mut salesforce = manifest("salesforce_api", CredentialForm::Object);
        salesforce.revocation = Revocation::Upstream;
        let manifests = [
            manifest("app", CredentialForm::Jwt),
            manifest("azure_blob", text),
            manifest("aws", CredentialForm::Object),
            salesforce,
        ];
        let issuances = Issuances {
            issue: Mutex::default(),
            revoke: Mutex::default(),
            refused_settings: Mutex::default(),
            configurations: Mutex::default(),
            issued: Mutex::default(),
            revoked: Mutex::default(),
            calls,
        };
        Self {
            manifests: manifests.into_iter().map(|manifest| (manifest.api_type.clone(), manifest)).collect(),
            issuances: Arc::new(issuances),
        }
    }

    /// The manifest of an issuer, to be changed.
    pub(crate) fn manifest(&mut self, api_type: &str) -> &mut IssuerManifest {
        self.manifests.get_mut(api_type).unwrap()
    }

    /// Adds an issuer.
    pub(crate) fn load(&mut self, manifest: IssuerManifest) {
        self.manifests.insert(manifest.api_type.clone(), manifest);
    }

    /// Takes an issuer away, as if its plugin were not loaded.
    pub(crate) fn unload(&mut self, api_type: &str) {
        self.manifests.remove(api_type);
    }

    pub(crate) fn refuses_settings(&self, api_type: &str, failure: Failure) {
        self.issuances.refused_settings.lock().unwrap().insert(api_type.to_owned(), failure);
    }

    pub(crate) fn answers(
        &self,
        api_type: &str,
        issue: impl Fn(&Grant, CallContext) -> Result<Issued, IssuerFailure> + Send + Sync + 'static,
    ) {
        self.issuances.answers(api_type, issue);
    }
}

impl Issuances {
    /// From now on the issuer answers this.
    pub(crate) fn answers(
        &self,
        api_type: &str,
        issue: impl Fn(&Grant, CallContext) -> Result<Issued, IssuerFailure> + Send + Sync + 'static,
    ) {
        self.issue.lock().unwrap().insert(api_type.to_owned(), Arc::new(issue));
    }

    /// From now on the issuer answers this to revocations.
    pub(crate) fn answers_revocations(
        &self,
        api_type: &str,
        revoke: impl Fn(&str) -> Result<RevokeAnswer, IssuerFailure> + Send + Sync + 'static,
    ) {
        self.revoke.lock().unwrap().insert(api_type.to_owned(), Arc::new(revoke));
    }

    pub(crate) fn configurations(&self) -> Vec<Configuration> {
        self.configurations.lock().unwrap().clone()
    }

    /// What was asked for, oldest first.
    pub(crate) fn grants(&self) -> Vec<Grant> {
        self.issued.lock().unwrap().iter().map(|(grant, _)| grant.clone()).collect()
    }

    pub(crate) fn last_grant(&self) -> Grant {
        self.grants().pop().unwrap()
    }

    pub(crate) fn last_context(&self) -> CallContext {
        self.issued.lock().unwrap().last().unwrap().1
    }

    /// The api_type asked and the credential to be revoked, oldest first.
    pub(crate) fn revocations(&self) -> Vec<(String, String)> {
        self.revoked.lock().unwrap().clone()
    }
}

impl Issuers for ScriptedIssuers {
    fn manifest(&self, api_type: &str) -> Option<&IssuerManifest> {
        self.manifests.get(api_type).filter(|_| self.issuances.calls.goes_well("manifest"))
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let api_type = configuration.api_type.clone();
        self.issuances.configurations.lock().unwrap().push(configuration);
        if !self.issuances.calls.goes_well("configure") {
            return Err(Failure::internal(AWAY));
        }
        if let Some(failure) = self.issuances.refused_settings.lock().unwrap().get(&api_type) {
            return Err(failure.clone());
        }
        let form = self.manifests[&api_type].credential.clone();
        Ok(Arc::new(ScriptedIssuer { api_type, form, issuances: Arc::clone(&self.issuances) }))
    }
}

struct ScriptedIssuer {
    api_type: String,
    form: CredentialForm,
    issuances: Arc<Issuances>,
}

impl Issuer for ScriptedIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        self.issuances.issued.lock().unwrap().push((grant.clone(), context));
        let issue = self.issuances.issue.lock().unwrap().get(&self.api_type).cloned();
        let answer = if !self.issuances.calls.goes_well("issue") {
            Err(IssuerFailure::Failed(Failure::internal(AWAY)))
        } else if let Some(issue) = issue {
            issue(grant, context)
        } else {
            Ok(well_behaved(&self.form, grant, context))
        };
        Box::pin(std::future::ready(answer))
    }

    fn revoke<'a>(
        &'a self,
        credential: &'a str,
        _: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        self.issuances.revoked.lock().unwrap().push((self.api_type.clone(), credential.to_owned()));
        let revoke = self.issuances.revoke.lock().unwrap().get(&self.api_type).cloned();
        let answer = if !self.issuances.calls.goes_well("revoke") {
            Err(IssuerFailure::Failed(Failure::internal(AWAY)))
        } else {
            revoke.map_or(Ok(RevokeAnswer::AlreadyGone), |revoke| revoke(credential))
        };
        Box::pin(std::future::ready(answer))
    }
}

/// A manifest of an issuer that asks for nothing: five minutes to ten hours, an hour if the setting `seconds` does not
/// say.
pub(crate) fn manifest(api_type: &str, credential: CredentialForm) -> IssuerManifest {
    IssuerManifest {
        api_type: api_type.to_owned(),
        credential,
        settings_schema: json!({}),
        parameters_schema: json!({}),
        overrides: Vec::new(),
        lifetime: Lifetime {
            minimum_seconds: 300,
            default_seconds: 3600,
            maximum_seconds: 36_000,
            setting: Some(LifetimeSetting { name: "seconds".to_owned(), unit_seconds: 1 }),
        },
        revocation: Revocation::NotRevocable,
        revocation_advice: "wait".to_owned(),
        upstreams: Vec::new(),
        needs: Vec::new(),
        reads: Vec::new(),
    }
}

/// The credential of an issuer that does as it was told.
pub(crate) fn well_behaved(form: &CredentialForm, grant: &Grant, context: CallContext) -> Issued {
    let issued_at = i64::try_from(context.now_unix_ms / 1000).unwrap();
    let expires_at = issued_at + i64::try_from(grant.lifetime_seconds).unwrap();
    let credential = match form {
        CredentialForm::Jwt => {
            let mut claims = json!({"sub": grant.user_id, "aud": grant.target_id, "azp": grant.client_id});
            claims["iat"] = issued_at.into();
            claims["exp"] = expires_at.into();
            Credential::Jwt(hs256(&claims))
        }
        CredentialForm::Text { .. } => Credential::Text("sp=r&sig=abc".to_owned()),
        CredentialForm::Object => Credential::Object(object(json!({"access_token": "opaque"}))),
        CredentialForm::Unknown => panic!("no issuer of that form is loaded"),
    };
    Issued { credential, issued_at, expires_at: Some(expires_at) }
}
