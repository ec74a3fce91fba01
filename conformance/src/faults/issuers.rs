//! Issuers with a fault, between host and engine.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{IssuerManifest, Manifest};
use locum_engine::ports::{
    CallContext, Issuer, IssuerFailure, Issuers, PortFuture, PresentedCredential, TenantAudiences,
};
use locum_host::secret_settings;

use crate::faults::context::FaultContext;
use crate::faults::fault::Fault;
use crate::fixtures::credential_reading::CredentialReading;
use crate::fixtures::plugin_spec::PluginSpec;

/// The issuers of a plugin, with one fault.
pub(crate) struct FaultyIssuers {
    inner: Arc<dyn Issuers>,
    fault: Fault,
    manifests: BTreeMap<String, Arc<IssuerManifest>>,
    readings: BTreeMap<String, CredentialReading>,
    last_configured: Mutex<BTreeMap<String, Arc<dyn Issuer>>>,
    counter: Arc<AtomicU64>,
}

impl FaultyIssuers {
    /// The plugin spec names the keys with which changed tokens are signed again.
    pub(crate) fn new(inner: Arc<dyn Issuers>, manifest: &Manifest, spec: &PluginSpec, fault: Fault) -> Self {
        let manifests = manifest.issuers.iter().map(|issuer| {
            let mut issuer = issuer.clone();
            if let Fault::Manifest(change) = fault {
                change(&mut issuer);
            }
            (issuer.api_type.clone(), Arc::new(issuer))
        });
        Self {
            inner,
            fault,
            manifests: manifests.collect(),
            readings: spec
                .issuers
                .iter()
                .map(|(api_type, issuer)| (api_type.clone(), issuer.credential.clone()))
                .collect(),
            last_configured: Mutex::default(),
            counter: Arc::default(),
        }
    }

    fn context(&self, configuration: Configuration) -> FaultContext {
        let api_type = &configuration.api_type;
        let reading = self.readings.get(api_type);
        let hmac_key = reading.and_then(|reading| reading.hmac_key(&configuration.settings));
        let secret = self.manifests.get(api_type).and_then(|manifest| secret_of(manifest, &configuration));
        FaultContext::of(configuration, secret, hmac_key, self.counter.clone())
    }

    fn refused(&self, failure: Failure, configuration: &Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        match self.fault {
            Fault::Refusal(change) => Err(change(failure, configuration)),
            Fault::AcceptsAllSettings => {
                let configured = self.last_configured.lock().unwrap_or_else(PoisonError::into_inner);
                configured.get(&configuration.api_type).cloned().ok_or(failure)
            }
            _ => Err(failure),
        }
    }
}

/// The value of the first secret setting that has one.
fn secret_of(manifest: &IssuerManifest, configuration: &Configuration) -> Option<String> {
    let secrets = secret_settings(&manifest.settings_schema, &configuration.settings);
    secrets.first().map(|secret| secret.text.to_owned())
}

impl Issuers for FaultyIssuers {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.manifests.get(api_type).cloned()
    }

    fn configure(&self, mut configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        if let (Fault::Configuration(change), Some(manifest)) =
            (self.fault, self.manifests.get(&configuration.api_type))
        {
            change(&mut configuration, manifest);
        }
        let inner = match self.inner.configure(configuration.clone()) {
            Ok(inner) => inner,
            Err(failure) => return self.refused(failure, &configuration),
        };
        let mut configured = self.last_configured.lock().unwrap_or_else(PoisonError::into_inner);
        configured.insert(configuration.api_type.clone(), inner.clone());
        let context = self.context(configuration);
        Ok(Arc::new(FaultyIssuer { inner, fault: self.fault, context }))
    }
}

struct FaultyIssuer {
    inner: Arc<dyn Issuer>,
    fault: Fault,
    context: FaultContext,
}

impl Issuer for FaultyIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
        audiences: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        Box::pin(async move {
            match self.fault {
                Fault::Grant(change) => {
                    let mut grant = grant.clone();
                    change(&mut grant, &self.context);
                    self.inner.issue(&grant, context, audiences).await
                }
                Fault::Issued(change) => {
                    let mut issued = self.inner.issue(grant, context, audiences).await?;
                    change(&mut issued, grant, &self.context);
                    Ok(issued)
                }
                Fault::IssueResult(change) => {
                    change(self.inner.issue(grant, context, audiences).await, &self.context)
                }
                Fault::IssuesTwice => {
                    self.inner.issue(grant, context, audiences).await?;
                    self.inner.issue(grant, context, audiences).await
                }
                _ => self.inner.issue(grant, context, audiences).await,
            }
        })
    }

    fn revoke<'a>(
        &'a self,
        presented: PresentedCredential<'a>,
        context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(async move {
            match self.fault {
                Fault::SkipsRevocation => Ok(RevokeAnswer::Revoked),
                Fault::RevocationResult(change) => change(self.inner.revoke(presented, context).await),
                _ => self.inner.revoke(presented, context).await,
            }
        })
    }
}
