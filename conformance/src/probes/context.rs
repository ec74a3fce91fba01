//! The context of a probe: the issuer with all that is needed to configure and call it directly.

use std::sync::Arc;

use locum_abi::answer::Failure as IssuerRefusal;
use locum_abi::configuration::{Configuration, Tenant as TenantForIssuer};
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{CallContext, Issuer, NoAudiences};
use serde_json::{Map, Value, json};

use crate::cases::harness::Harness;
use crate::cases::issuer_under_test::IssuerUnderTest;
use crate::fixtures::plugin_spec::IssuerSpec;
use crate::fixtures::tenant_document::{ALICE, CALLER, TARGET, TenantDocument};
use crate::fixtures::tested_tenant::{Roles, TestedTenant};
use crate::fixtures::variables::{TimeWindow, Variables};
use crate::settings_schema::properties;

/// When the issuer is called: 2030-01-08T18:45:14Z, unix seconds.
const NOW: i64 = 1_894_128_314;

/// An issuer that a probe configures and calls without a server.
pub(crate) struct ProbeContext<'a> {
    pub(crate) manifest: &'a IssuerManifest,
    pub(crate) settings: Map<String, Value>,
    spec: &'a IssuerSpec,
    harness: &'a Harness,
    tenant: TenantForIssuer,
    variables: Variables,
}

impl<'a> ProbeContext<'a> {
    /// # Errors
    /// An invalid tenant file.
    pub(crate) fn of(issuer: &IssuerUnderTest<'a>, harness: &'a Harness) -> Result<Self, String> {
        let mut document = TenantDocument::new(issuer.tenant.clone());
        document.enable(issuer.manifest, issuer.spec.settings.clone(), &Map::new());
        let tested = TestedTenant { data: document.tenant()?, roles: Roles::of_suite() };
        let tenant = &tested.data.tenant;
        Ok(Self {
            manifest: issuer.manifest,
            settings: tested.settings(&issuer.manifest.api_type),
            spec: issuer.spec,
            harness,
            variables: issuer.variables(TimeWindow { earliest: NOW, latest: NOW }, ALICE),
            tenant: TenantForIssuer {
                domain: tenant.domain.clone(),
                signing_key: tenant.signing_keys.first().cloned(),
            },
        })
    }

    pub(crate) fn configure(&self, settings: Map<String, Value>) -> Result<Arc<dyn Issuer>, IssuerRefusal> {
        self.harness.issuers.configure(Configuration::new(
            self.manifest.api_type.as_str(),
            settings,
            self.tenant.clone(),
        ))
    }

    /// The top-level properties of the settings schema.
    pub(crate) fn settings_schema(&self) -> impl Iterator<Item = (&str, &Value)> {
        properties(&self.manifest.settings_schema)
    }

    /// Configures a new issuer and lets it issue the credential for a fixed grant.
    ///
    /// # Errors
    /// Refused settings, a refused grant, or an unknown variable in the plugin spec.
    pub(crate) async fn issue(&self) -> Result<Value, String> {
        let issuer = self.configure(self.settings.clone()).map_err(|refusal| refusal.message)?;
        let script = self.spec.upstream.iter().map(|exchange| exchange.filled(&self.variables));
        self.harness.upstreams.start(script.collect::<Result<_, _>>().map_err(|error| error.to_string())?);
        let context = CallContext { now_unix_ms: NOW.unsigned_abs() * 1000, entropy: [7; ENTROPY_BYTES] };
        let issued = issuer
            .issue(&self.grant(), context, &NoAudiences)
            .await
            .map_err(|failure| failure.to_string())?;
        Ok(json!(issued))
    }

    fn grant(&self) -> Grant {
        Grant {
            user_id: ALICE.to_owned(),
            client_id: CALLER.to_owned(),
            target_id: TARGET.to_owned(),
            scopes: vec!["openid".to_owned()],
            claims: Map::new(),
            profile: self.spec.profile.clone(),
            parameters: self.spec.parameters.clone(),
            lifetime_seconds: self.manifest.lifetime.default_seconds,
        }
    }
}
