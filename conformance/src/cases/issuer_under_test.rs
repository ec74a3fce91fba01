//! The issuer that a case runs against, and where the requests go.

use std::sync::{Arc, Mutex, PoisonError};

use locum_abi::manifest::IssuerManifest;
use serde_json::Value;

use crate::cases::harness::Harness;
use crate::cases::remote_server::RemoteServer;
use crate::fixtures::fixture::ExpectedCredential;
use crate::fixtures::plugin_spec::IssuerSpec;
use crate::fixtures::tested_tenant::TestedTenant;
use crate::fixtures::variables::{TimeWindow, Variables};
use crate::report::ShownExchange;

/// One issuer with everything that its cases need.
#[derive(Clone)]
pub(crate) struct IssuerUnderTest<'a> {
    pub(crate) manifest: &'a IssuerManifest,
    pub(crate) spec: &'a IssuerSpec,
    /// The suite's own tenant file, which cases in this process change.
    pub(crate) tenant: &'a Value,
    pub(crate) destination: Destination,
    /// What each credential holds; `None` where the case or the tenant may have other settings than the spec.
    pub(crate) issued: Option<&'a ExpectedCredential>,
    /// What the plugin's cases name under `never_seen`.
    pub(crate) never_seen: Vec<&'a str>,
    /// Where the exchanges of its cases are kept, if they are.
    pub(crate) trace: Option<Trace>,
}

/// The exchanges of a case, as reports show them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<ShownExchange>>>);

impl Trace {
    pub(crate) fn add(&self, exchange: ShownExchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }

    pub(crate) fn take(&self) -> Vec<ShownExchange> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where requests go.
#[derive(Clone)]
pub(crate) enum Destination {
    /// To a server in this process, made for the case.
    InProcess(Harness),
    /// To a running server.
    Remote(RemoteDestination),
}

/// A running server, and what is known about its tenant.
#[derive(Clone)]
pub(crate) struct RemoteDestination {
    pub(crate) server: Arc<RemoteServer>,
    pub(crate) tenant: Arc<TestedTenant>,
    /// Whether the target's settings for this api_type are those of `plugin.yaml`.
    pub(crate) has_settings_of_spec: bool,
    /// Why the suite cannot verify the issued credentials, if it cannot.
    pub(crate) unverifiable: Option<String>,
    /// Whether the credential does not state its expiry with these settings.
    pub(crate) states_no_expiry: bool,
}

impl IssuerUnderTest<'_> {
    /// The values of `${…}` at this time, for this user.
    pub(crate) fn variables(&self, now: TimeWindow, user: &str) -> Variables {
        variables_of(self.manifest, now, user)
    }
}

/// The values of `${…}` that follow from a manifest, at this time, for this user.
pub(crate) fn variables_of(manifest: &IssuerManifest, now: TimeWindow, user: &str) -> Variables {
    let lifetime = &manifest.lifetime;
    let unit = lifetime.setting.as_ref().map_or(1, |setting| setting.unit_seconds.max(1));
    let mut variables = Variables::new(now);
    variables.set("user", user);
    variables.set("api_type", manifest.api_type.as_str());
    variables.set("lifetime_default", lifetime.default_seconds);
    variables.set("lifetime_minimum", lifetime.minimum_seconds);
    variables.set("lifetime_maximum", lifetime.maximum_seconds);
    variables.set("lifetime_shortest", lifetime.minimum_seconds.div_ceil(unit) * unit);
    variables
}
