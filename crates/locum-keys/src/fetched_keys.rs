//! The engine's port: an entry for each issuer whose keys have been needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use locum_egress::{HttpClient, HttpError, Tls};
use locum_engine::KeySet;
use locum_engine::ports::{IssuerKeys, PortReply, StoreUnavailable};
use locum_engine::prepared::RemoteIssuer;
use tokio::runtime::Handle;

use crate::entry::{Entry, Look, Status};
use crate::limits::UNUSED_MAX;

/// Fetches the keys of issuers when a token first needs them, and keeps them. Needs a tokio runtime with I/O and time.
pub struct FetchedKeys {
    /// Trusts the certificates that the system does.
    http: HttpClient,
    entries: Mutex<HashMap<[u8; 32], Arc<Entry>>>,
}

/// What is known of an issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerStatus {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// How long ago its keys were fetched, or found to be unchanged; `None` if that has never succeeded.
    pub age: Option<Duration>,
    /// Why the last fetch failed, if it did.
    pub failure: Option<String>,
}

impl FetchedKeys {
    /// Without any keys yet.
    ///
    /// # Errors
    /// If TLS cannot be set up, for example because no root certificates are installed.
    pub fn new() -> Result<Self, HttpError> {
        Ok(Self { http: HttpClient::new()?, entries: Mutex::default() })
    }

    /// The issuers whose keys have been needed, by name.
    pub fn status(&self) -> Vec<IssuerStatus> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = entries.values().map(|entry| status_of(entry)).collect();
        all.sort_by(|a, b| a.issuer.cmp(&b.issuer));
        all
    }

    /// What is known of the keys of this issuer; `None` if they have not been needed lately.
    pub fn status_of(&self, issuer: &RemoteIssuer) -> Option<IssuerStatus> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&issuer.id()).map(|entry| status_of(entry))
    }

    fn entry(&self, issuer: &RemoteIssuer) -> Result<Arc<Entry>, StoreUnavailable> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&issuer.id()) {
            return Ok(Arc::clone(entry));
        }
        let http = match &issuer.keys().authorities_pem {
            None => self.http.clone(),
            Some(pem) => Tls::default()
                .authorities(pem)
                .and_then(|tls| HttpClient::with_tls(&tls))
                .map_err(|error| StoreUnavailable(format!("the issuer's authorities: {error}")))?,
        };
        // Tenants change: what none of them needs any more goes.
        entries.retain(|_, entry| entry.unused_for() < UNUSED_MAX);
        let entry = Arc::new(Entry::new(issuer.clone(), http));
        entries.insert(issuer.id(), Arc::clone(&entry));
        Ok(entry)
    }
}

fn status_of(entry: &Entry) -> IssuerStatus {
    let Status { age, failure } = entry.status();
    IssuerStatus { issuer: entry.issuer().to_owned(), age, failure }
}

impl IssuerKeys for FetchedKeys {
    fn keys<'a>(
        &'a self,
        issuer: &'a RemoteIssuer,
        kid: Option<&'a str>,
    ) -> PortReply<'a, Result<Arc<KeySet>, StoreUnavailable>> {
        if Handle::try_current().is_err() {
            return PortReply::Now(Err(StoreUnavailable(
                "keys are fetched in a tokio runtime only".to_owned(),
            )));
        }
        let stale_if_error = issuer.keys().stale_if_error;
        let entry = match self.entry(issuer) {
            Ok(entry) => entry,
            Err(unavailable) => return PortReply::Now(Err(unavailable)),
        };
        match entry.look(kid, stale_if_error) {
            Look::Ready(keys) => PortReply::Now(keys),
            Look::Fetching(mut fetching) => PortReply::Later(Box::pin(async move {
                // Nothing is sent: it closes.
                let _ = fetching.changed().await;
                entry.after(kid, stale_if_error)
            })),
        }
    }
}
