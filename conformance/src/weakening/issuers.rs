//! Issuers behind a weakening: the shim between host and engine.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{IssuerManifest, Manifest};
use locum_engine::ports::{CallContext, Issuer, IssuerFailure, Issuers, PortFuture};

use super::{Hands, Weakening};
use crate::sheet::{CredentialReading, PluginSheet};

/// The issuers of a plugin, with one fault.
pub(crate) struct WeakIssuers {
    inner: Arc<dyn Issuers>,
    weakening: Weakening,
    manifests: BTreeMap<String, Arc<IssuerManifest>>,
    readings: BTreeMap<String, CredentialReading>,
    ready_before: Mutex<BTreeMap<String, Arc<dyn Issuer>>>,
    counter: Arc<AtomicU64>,
}

impl WeakIssuers {
    /// The sheet tells the keys that issuers have in their settings, or make of them.
    pub(crate) fn new(
        inner: Arc<dyn Issuers>,
        manifest: &Manifest,
        sheet: &PluginSheet,
        weakening: Weakening,
    ) -> Self {
        let manifests = manifest.issuers.iter().map(|issuer| {
            let mut issuer = issuer.clone();
            if let Weakening::Manifest(change) = weakening {
                change(&mut issuer);
            }
            (issuer.api_type.clone(), Arc::new(issuer))
        });
        Self {
            inner,
            weakening,
            manifests: manifests.collect(),
            readings: sheet
                .issuers
                .iter()
                .map(|(api_type, issuer)| (api_type.clone(), issuer.credential.clone()))
                .collect(),
            ready_before: Mutex::default(),
            counter: Arc::default(),
        }
    }

    fn hands(&self, configuration: Configuration) -> Hands {
        let api_type = &configuration.api_type;
        let reading = self.readings.get(api_type);
        let hmac_key = reading.and_then(|reading| reading.hmac_key(&configuration.settings));
        let secret = self.manifests.get(api_type).and_then(|manifest| secret_of(manifest, &configuration));
        Hands::of(configuration, secret, hmac_key, self.counter.clone())
    }

    fn refused(&self, failure: Failure, configuration: &Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        match self.weakening {
            Weakening::Refusal(reworded) => Err(reworded(failure, configuration)),
            Weakening::TakesAllSettings => {
                let ready = self.ready_before.lock().unwrap_or_else(PoisonError::into_inner);
                ready.get(&configuration.api_type).cloned().ok_or(failure)
            }
            _ => Err(failure),
        }
    }
}

/// The first secret setting that has a value.
fn secret_of(manifest: &IssuerManifest, configuration: &Configuration) -> Option<String> {
    let secrets = locum_host::secret_settings(&manifest.settings_schema, &configuration.settings);
    secrets.first().map(|secret| secret.text.to_owned())
}

impl Issuers for WeakIssuers {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.manifests.get(api_type).cloned()
    }

    fn configure(&self, mut configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        if let (Weakening::Configuration(change), Some(manifest)) =
            (self.weakening, self.manifests.get(&configuration.api_type))
        {
            change(&mut configuration, manifest);
        }
        let inner = match self.inner.configure(configuration.clone()) {
            Ok(inner) => inner,
            Err(failure) => return self.refused(failure, &configuration),
        };
        let mut ready = self.ready_before.lock().unwrap_or_else(PoisonError::into_inner);
        ready.insert(configuration.api_type.clone(), inner.clone());
        let hands = self.hands(configuration);
        Ok(Arc::new(WeakIssuer { inner, weakening: self.weakening, hands }))
    }
}

struct WeakIssuer {
    inner: Arc<dyn Issuer>,
    weakening: Weakening,
    hands: Hands,
}

impl Issuer for WeakIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        Box::pin(async move {
            match self.weakening {
                Weakening::Grant(change) => {
                    let mut grant = grant.clone();
                    change(&mut grant, &self.hands);
                    self.inner.issue(&grant, context).await
                }
                Weakening::Issued(change) => {
                    let mut issued = self.inner.issue(grant, context).await?;
                    change(&mut issued, grant, &self.hands);
                    Ok(issued)
                }
                Weakening::Outcome(change) => change(self.inner.issue(grant, context).await, &self.hands),
                Weakening::AsksTwice => {
                    self.inner.issue(grant, context).await?;
                    self.inner.issue(grant, context).await
                }
                _ => self.inner.issue(grant, context).await,
            }
        })
    }

    fn revoke<'a>(
        &'a self,
        credential: &'a str,
        context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(async move {
            match self.weakening {
                Weakening::RevokesWithoutAsking => Ok(RevokeAnswer::Revoked),
                Weakening::Revoked(change) => change(self.inner.revoke(credential, context).await),
                _ => self.inner.revoke(credential, context).await,
            }
        })
    }
}
