//! Issuers whose manifests and answers a test sets, and which record their calls.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::ready;
use std::sync::{Arc, Mutex};

use locum_abi::answer::{Credential, Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Lifetime, LifetimeSetting, Revocation};
use locum_engine::ports::{
    CallContext, Issuer, IssuerFailure, Issuers, PortFuture, PresentedCredential, TenantAudiences,
};
use serde_json::json;

use crate::faults::{PortCalls, UNAVAILABLE};
use crate::object;
use crate::tokens::hs256;

type Issuance =
    dyn for<'a> Fn(&'a Grant, CallContext) -> PortFuture<'a, Result<Issued, IssuerFailure>> + Send + Sync;
type Revoking = dyn Fn(&str) -> Result<RevokeAnswer, IssuerFailure> + Send + Sync;

/// The issuers of most tests: `app` (JWT), `azure_blob` (text), `aws` and `salesforce_api` (objects; that of
/// `salesforce_api` can be revoked upstream).
pub struct ScriptedIssuers {
    manifests: HashMap<String, IssuerManifest>,
    /// Their answers, and their recorded calls.
    pub script: Arc<IssuerScript>,
}

/// The answers of issuers, and their recorded calls.
pub struct IssuerScript {
    issue: Mutex<HashMap<String, Arc<Issuance>>>,
    revoke: Mutex<HashMap<String, Arc<Revoking>>>,
    refused_settings: Mutex<HashMap<String, Failure>>,
    paused: Mutex<HashSet<String>>,
    configurations: Mutex<Vec<Configuration>>,
    issued: Mutex<Vec<(Grant, CallContext)>>,
    revoked: Mutex<Vec<[String; 3]>>,
    /// The audiences that issuers ask about, and the answers once they have asked.
    audiences: Mutex<BTreeMap<String, Option<bool>>>,
    calls: Arc<PortCalls>,
}

impl Default for ScriptedIssuers {
    fn default() -> Self {
        Self::usual(Arc::default())
    }
}

impl ScriptedIssuers {
    pub(crate) fn usual(calls: Arc<PortCalls>) -> Self {
        Self::with_script(Arc::new(IssuerScript {
            issue: Mutex::default(),
            revoke: Mutex::default(),
            refused_settings: Mutex::default(),
            paused: Mutex::default(),
            configurations: Mutex::default(),
            issued: Mutex::default(),
            revoked: Mutex::default(),
            audiences: Mutex::default(),
            calls,
        }))
    }

    /// Issuers with the usual manifests, which answer by this script.
    pub fn with_script(script: Arc<IssuerScript>) -> Self {
        let text = CredentialForm::Text { member: "azure_blob_sas".to_owned() };
        let mut salesforce = manifest("salesforce_api", CredentialForm::Object);
        salesforce.revocation = Revocation::Upstream;
        let manifests = [
            manifest("app", CredentialForm::Jwt),
            manifest("azure_blob", text),
            manifest("aws", CredentialForm::Object),
            salesforce,
        ];
        Self {
            manifests: manifests.into_iter().map(|manifest| (manifest.api_type.clone(), manifest)).collect(),
            script,
        }
    }

    /// The manifest of an issuer, for changes.
    pub fn manifest(&mut self, api_type: &str) -> &mut IssuerManifest {
        self.manifests.get_mut(api_type).unwrap()
    }

    /// Adds an issuer.
    pub fn load(&mut self, manifest: IssuerManifest) {
        self.manifests.insert(manifest.api_type.clone(), manifest);
    }

    /// Removes an issuer, as if its plugin were not loaded.
    pub fn unload(&mut self, api_type: &str) {
        self.manifests.remove(api_type);
    }

    /// Makes the issuer refuse its settings with this failure.
    pub fn refuses_settings(&self, api_type: &str, failure: Failure) {
        self.script.refused_settings.lock().unwrap().insert(api_type.to_owned(), failure);
    }

    /// Makes the issuer answer by this function.
    pub fn answers(
        &self,
        api_type: &str,
        issue: impl Fn(&Grant, CallContext) -> Result<Issued, IssuerFailure> + Send + Sync + 'static,
    ) {
        self.script.answers(api_type, issue);
    }
}

impl IssuerScript {
    /// Makes the issuer answer by this function.
    pub fn answers(
        &self,
        api_type: &str,
        issue: impl Fn(&Grant, CallContext) -> Result<Issued, IssuerFailure> + Send + Sync + 'static,
    ) {
        self.answers_later(api_type, move |grant, context| Box::pin(ready(issue(grant, context))));
    }

    /// Makes the issuer answer with the future that this function returns.
    pub fn answers_later(
        &self,
        api_type: &str,
        issue: impl for<'a> Fn(&'a Grant, CallContext) -> PortFuture<'a, Result<Issued, IssuerFailure>>
        + Send
        + Sync
        + 'static,
    ) {
        self.issue.lock().unwrap().insert(api_type.to_owned(), Arc::new(issue));
    }

    /// Makes the issuer answer revocations by this function, which receives the credential.
    pub fn answers_revocations(
        &self,
        api_type: &str,
        revoke: impl Fn(&str) -> Result<RevokeAnswer, IssuerFailure> + Send + Sync + 'static,
    ) {
        self.revoke.lock().unwrap().insert(api_type.to_owned(), Arc::new(revoke));
    }

    /// Pauses the issuer.
    pub fn pauses(&self, api_type: &str) {
        self.paused.lock().unwrap().insert(api_type.to_owned());
    }

    /// The configurations of all issuers, oldest first.
    pub fn configurations(&self) -> Vec<Configuration> {
        self.configurations.lock().unwrap().clone()
    }

    /// The grants of all issuances, oldest first.
    pub fn grants(&self) -> Vec<Grant> {
        self.issued.lock().unwrap().iter().map(|(grant, _)| grant.clone()).collect()
    }

    /// The grant of the last issuance. Panics if there was none.
    pub fn last_grant(&self) -> Grant {
        self.grants().pop().unwrap()
    }

    /// The context of the last issuance. Panics if there was none.
    pub fn last_context(&self) -> CallContext {
        self.issued.lock().unwrap().last().unwrap().1
    }

    /// Makes every issuance ask whether these audiences belong to the tenant.
    pub fn asks_about(&self, audiences: &[&str]) {
        let unanswered = audiences.iter().map(|&audience| (audience.to_owned(), None));
        self.audiences.lock().unwrap().extend(unanswered);
    }

    /// The audiences of which the engine said that they belong to the tenant.
    pub fn audiences_of_the_tenant(&self) -> Vec<String> {
        let audiences = self.audiences.lock().unwrap();
        audiences.iter().filter(|(_, own)| **own == Some(true)).map(|(name, _)| name.clone()).collect()
    }

    /// The api_type, the calling client and the credential of each revocation, oldest first.
    pub fn revocations(&self) -> Vec<[String; 3]> {
        self.revoked.lock().unwrap().clone()
    }
}

impl Issuers for ScriptedIssuers {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.manifests.get(api_type).cloned().map(Arc::new)
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let api_type = configuration.api_type.clone();
        self.script.configurations.lock().unwrap().push(configuration);
        if let Some(failure) = self.script.refused_settings.lock().unwrap().get(&api_type) {
            return Err(failure.clone());
        }
        let form = self.manifests[&api_type].credential.clone();
        Ok(Arc::new(ScriptedIssuer { api_type, form, script: Arc::clone(&self.script) }))
    }
}

struct ScriptedIssuer {
    api_type: String,
    form: CredentialForm,
    script: Arc<IssuerScript>,
}

impl Issuer for ScriptedIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
        audiences: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        self.script.issued.lock().unwrap().push((grant.clone(), context));
        let issue = self.script.issue.lock().unwrap().get(&self.api_type).cloned();
        if !self.script.calls.succeeds("issue") {
            return Box::pin(ready(Err(IssuerFailure::Failed(Failure::internal(UNAVAILABLE)))));
        }
        Box::pin(async move {
            let asked: Vec<String> = self.script.audiences.lock().unwrap().keys().cloned().collect();
            for audience in asked {
                let own = audiences.include(&audience).wait().await;
                let own = own.map_err(IssuerFailure::DirectoryUnavailable)?;
                self.script.audiences.lock().unwrap().insert(audience, Some(own));
            }
            match issue {
                Some(issue) => issue(grant, context).await,
                None => Ok(well_behaved(&self.form, grant, context)),
            }
        })
    }

    fn revoke<'a>(
        &'a self,
        presented: PresentedCredential<'a>,
        _: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        let PresentedCredential { text, client_id } = presented;
        let asked = [self.api_type.as_str(), client_id, text].map(str::to_owned);
        self.script.revoked.lock().unwrap().push(asked);
        let revoke = self.script.revoke.lock().unwrap().get(&self.api_type).cloned();
        let answer = if !self.script.calls.succeeds("revoke") {
            Err(IssuerFailure::Failed(Failure::internal(UNAVAILABLE)))
        } else {
            revoke.map_or(Ok(RevokeAnswer::AlreadyGone), |revoke| revoke(presented.text))
        };
        Box::pin(ready(answer))
    }

    fn is_paused(&self) -> bool {
        self.script.paused.lock().unwrap().contains(&self.api_type)
    }
}

/// The manifest of an issuer without needs. Its lifetime is five minutes to ten hours, and an hour unless the setting
/// `seconds` states another.
pub fn manifest(api_type: &str, credential: CredentialForm) -> IssuerManifest {
    IssuerManifest {
        lifetime: Lifetime {
            minimum_seconds: 300,
            default_seconds: 3600,
            maximum_seconds: 36_000,
            setting: Some(LifetimeSetting { name: "seconds".to_owned(), unit_seconds: 1 }),
        },
        settings_schema: json!({}),
        ..IssuerManifest::new(api_type, credential)
    }
}

/// A correct credential for a grant: issued now, and valid for the granted lifetime.
pub fn well_behaved(form: &CredentialForm, grant: &Grant, context: CallContext) -> Issued {
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
