//! The context of a probe: the issuer with all that is needed to configure and call it directly.

use std::sync::Arc;

use locum_abi::answer::Failure as IssuerRefusal;
use locum_abi::configuration::{Configuration, Tenant as TenantForIssuer};
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{CallContext, Issuer, NoAudiences, PresentedCredential};
use serde_json::{Map, Value};

use crate::cases::case_run::attributes;
use crate::cases::earlier_answers::EarlierAnswers;
use crate::cases::fresh_processes::NoProcess;
use crate::cases::harness::Harness;
use crate::cases::issuer_under_test::{IssuerUnderTest, variables_of};
use crate::cases::leaks::tokens_of_replies;
use crate::cases::scripted_upstreams::Script;
use crate::exchange::redaction::redacted;
use crate::fixtures::fixture::UpstreamExchange;
use crate::fixtures::plugin_spec::IssuerSpec;
use crate::fixtures::tenant_document::{ALICE, CALLER, TARGET, TenantDocument};
use crate::fixtures::tested_tenant::{Roles, TestedTenant, lifetime_seconds};
use crate::fixtures::variables::{TimeWindow, Variables};
use crate::probes::answered::{Answered, AnsweredRevocation};
use crate::probes::attribute_names::attribute_names;
use crate::probes::second_values::changed_text;
use crate::report::Difference;
use crate::settings_schema::properties;

/// When the issuer is called: 2030-01-08T18:45:14Z, unix seconds.
const NOW: i64 = 1_894_128_314;

/// The attributes of the user that the scope of a probe's requests selects.
const SELECTED: [&str; 3] = ["name", "email", "email_verified"];

/// Why a probe is not run.
pub(crate) struct NotRun(pub(crate) String);

/// What a probe finds.
pub(crate) type Found = Result<Vec<Difference>, NotRun>;

/// A request: the add-on that is asked, and for what.
#[derive(Clone)]
pub(crate) struct ProbeRequest {
    pub(crate) settings: Map<String, Value>,
    pub(crate) tenant: TenantForIssuer,
    pub(crate) grant: Grant,
    /// The user for whom entropy is drawn, if not that of the grant.
    pub(crate) drawn_for: Option<String>,
}

/// An issuer that a probe configures and calls without a server.
pub(crate) struct ProbeContext<'a> {
    pub(crate) manifest: &'a IssuerManifest,
    pub(crate) settings: Map<String, Value>,
    pub(crate) spec: &'a IssuerSpec,
    /// What the plugin's cases name under `never_seen`.
    pub(crate) never_seen: Vec<&'a str>,
    harness: &'a Harness,
    tested: TestedTenant,
}

impl<'a> ProbeContext<'a> {
    /// # Errors
    /// An invalid tenant file.
    pub(crate) fn of(issuer: &IssuerUnderTest<'a>, harness: &'a Harness) -> Result<Self, String> {
        let mut document = TenantDocument::new(issuer.tenant.clone());
        document.enable(issuer.manifest, issuer.spec.settings.clone(), &Map::new());
        let tested = TestedTenant { data: document.tenant()?, roles: Roles::of_suite() };
        let settings = tested.settings(&issuer.manifest.api_type);
        let IssuerUnderTest { manifest, spec, never_seen, .. } = issuer;
        Ok(Self { manifest, settings, spec, never_seen: never_seen.clone(), harness, tested })
    }

    /// The request of the suite's user, which every issuer grants.
    ///
    /// # Errors
    /// An unknown variable in the parameters of the plugin spec.
    pub(crate) fn request(&self) -> Result<ProbeRequest, NotRun> {
        let tenant = &self.tested.data.tenant;
        let attributes = attributes(self.spec);
        let with_names = |names: &mut dyn Iterator<Item = &str>| -> Map<String, Value> {
            names.filter_map(|name| Some((name.to_owned(), attributes.get(name)?.clone()))).collect()
        };
        let mut grant = Grant {
            user_id: ALICE.to_owned(),
            client_id: CALLER.to_owned(),
            target_id: TARGET.to_owned(),
            scopes: ["openid", "name", "email"].map(str::to_owned).to_vec(),
            claims: with_names(&mut SELECTED.into_iter()),
            profile: with_names(&mut attribute_names(self.manifest, &self.settings).into_iter()),
            parameters: Map::new(),
            lifetime_seconds: lifetime_seconds(&self.settings, self.tested.policy(), self.manifest),
        };
        let tenant = TenantForIssuer {
            domain: tenant.domain.clone(),
            signing_key: tenant.signing_keys.first().cloned(),
        };
        let request =
            ProbeRequest { settings: self.settings.clone(), tenant, grant: grant.clone(), drawn_for: None };
        grant.parameters = self.variables(&request).object(&self.spec.parameters).map_err(unusable)?;
        Ok(ProbeRequest { grant, ..request })
    }

    /// Configures an issuer with these settings for the suite's tenant, on the load of the run.
    pub(crate) fn configure(&self, settings: Map<String, Value>) -> Result<Arc<dyn Issuer>, IssuerRefusal> {
        let tenant = &self.tested.data.tenant;
        let tenant = TenantForIssuer {
            domain: tenant.domain.clone(),
            signing_key: tenant.signing_keys.first().cloned(),
        };
        self.harness.issuers.configure(Configuration::new(self.manifest.api_type.as_str(), settings, tenant))
    }

    /// Configures the issuer of a request on the load of the run, which has served others.
    ///
    /// # Errors
    /// The settings are refused.
    pub(crate) fn issuer_for(&self, request: &ProbeRequest) -> Result<Arc<dyn Issuer>, NotRun> {
        let issuer = self.harness.issuers.configure(self.configuration(request));
        issuer.map_err(|refusal| NotRun(format!("needs settings that are accepted: {}", refusal.message)))
    }

    /// Makes a request.
    ///
    /// # Errors
    /// An unknown variable in the plugin spec.
    pub(crate) async fn ask(&self, issuer: &dyn Issuer, request: &ProbeRequest) -> Result<Answered, NotRun> {
        self.harness.upstreams.start(Script::by_fit(self.script(&self.spec.upstream, request)?));
        let issued = issuer.issue(&request.grant, call_context(request), &NoAudiences).await;
        Ok(Answered { issued, requests: self.harness.upstreams.requests() })
    }

    /// The exchanges of a request, with their variables replaced.
    ///
    /// # Errors
    /// An unknown variable in the plugin spec.
    pub(crate) fn exchanges(&self, request: &ProbeRequest) -> Result<Vec<UpstreamExchange>, NotRun> {
        self.script(&self.spec.upstream, request)
    }

    /// Makes a request after others at an issuer, to upstreams that answer by these exchanges.
    ///
    /// # Errors
    /// The settings are refused.
    pub(crate) async fn ask_with(
        &self,
        issuer: &Arc<dyn Issuer>,
        request: &ProbeRequest,
        exchanges: Vec<UpstreamExchange>,
    ) -> Result<Answered, NotRun> {
        // Of kept values, the issuer would leave exchanges out.
        let own = if self.manifest.keeps { self.issuer_for(request)? } else { Arc::clone(issuer) };
        self.harness.upstreams.start(Script::whole(exchanges));
        let issued = own.issue(&request.grant, call_context(request), &NoAudiences).await;
        Ok(Answered { issued, requests: self.harness.upstreams.requests() })
    }

    /// Makes a request after others at an issuer: at the same one, or if the host keeps values for it at another one, because
    /// the values of the requests before are another matter.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) async fn ask_next(
        &self,
        issuer: &Arc<dyn Issuer>,
        request: &ProbeRequest,
    ) -> Result<Answered, NotRun> {
        if self.manifest.keeps {
            return self.ask(&*self.issuer_for(request)?, request).await;
        }
        self.ask(&**issuer, request).await
    }

    /// Makes a request in a process that serves nothing else.
    ///
    /// # Errors
    /// There is no such process, or as [`ask`](Self::ask).
    pub(crate) async fn ask_alone(&self, request: &ProbeRequest) -> Result<Answered, NotRun> {
        self.in_fresh_process(request, async |issuer| self.ask(issuer, request).await).await?
    }

    /// Works with the issuer of a request in a process that serves nothing else.
    ///
    /// # Errors
    /// There is no such process, or the settings are refused there.
    pub(crate) async fn in_fresh_process<T>(
        &self,
        request: &ProbeRequest,
        work: impl AsyncFnOnce(&dyn Issuer) -> T,
    ) -> Result<T, NotRun> {
        if self.harness.fault.is_some() {
            return Err(NotRun("the faults of mutants are not in the plugin's own process".to_owned()));
        }
        let outcome = self.harness.fresh.with_issuer(self.configuration(request), work).await;
        outcome.map_err(|error| match error {
            NoProcess::Unavailable(why) => NotRun(why),
            NoProcess::Refused(refusal) => {
                NotRun(format!("needs settings that are accepted: {}", refusal.message))
            }
        })
    }

    /// Presents a credential to be revoked, to upstreams that answer by these exchanges.
    ///
    /// # Errors
    /// An unknown variable in the exchanges.
    pub(crate) async fn revoke(
        &self,
        issuer: &dyn Issuer,
        request: &ProbeRequest,
        credential: &str,
        exchanges: &[UpstreamExchange],
    ) -> Result<AnsweredRevocation, NotRun> {
        self.harness.upstreams.start(Script::whole(self.script(exchanges, request)?));
        let presented = PresentedCredential { text: credential, client_id: TARGET };
        let answer = issuer.revoke(presented, call_context(request)).await;
        Ok(AnsweredRevocation { answer, requests: self.harness.upstreams.requests().len() })
    }

    /// What issuers have answered at the beginning of the run.
    pub(crate) fn earlier(&self) -> &EarlierAnswers {
        &self.harness.earlier
    }

    /// The top-level properties of the settings schema.
    pub(crate) fn settings_schema(&self) -> impl Iterator<Item = (&str, &Value)> {
        properties(&self.manifest.settings_schema)
    }

    /// The differences without tokens and secrets.
    pub(crate) fn redacted(&self, differences: Vec<Difference>) -> Vec<Difference> {
        let mut hidden = self.tested.secrets(self.manifest);
        // Those of a second tenant differ in one letter.
        let changed: Vec<_> =
            hidden.iter().map(|(name, secret)| (name.clone(), changed_text(secret))).collect();
        hidden.extend(changed);
        let exchanges = self.spec.upstream.iter().chain(&self.spec.revocation).cloned();
        let tokens = tokens_of_replies(&exchanges.collect::<Vec<_>>(), &[]);
        hidden.extend(tokens.into_iter().map(|token| ("a token of the upstream".to_owned(), token)));
        let shown = |text: String| redacted(&text, &hidden);
        let differences = differences.into_iter();
        differences
            .map(|Difference { what, expected, got }| Difference::new(what, shown(expected), shown(got)))
            .collect()
    }

    fn configuration(&self, request: &ProbeRequest) -> Configuration {
        let ProbeRequest { settings, tenant, .. } = request;
        Configuration::new(self.manifest.api_type.as_str(), settings.clone(), tenant.clone())
    }

    fn script(
        &self,
        exchanges: &[UpstreamExchange],
        request: &ProbeRequest,
    ) -> Result<Vec<UpstreamExchange>, NotRun> {
        let variables = self.variables(request);
        exchanges.iter().map(|exchange| exchange.filled(&variables).map_err(unusable)).collect()
    }

    fn variables(&self, request: &ProbeRequest) -> Variables {
        let ProbeRequest { tenant, grant, .. } = request;
        let window = TimeWindow { earliest: NOW, latest: NOW };
        let mut variables = variables_of(self.manifest, window, &grant.user_id);
        variables.set("subject", grant.user_id.as_str());
        variables.set("domain", tenant.domain.as_str());
        variables.set("caller", grant.client_id.as_str());
        variables.set("target", grant.target_id.as_str());
        variables.set("lifetime", grant.lifetime_seconds);
        if let Some(key) = &tenant.signing_key {
            variables.set("kid", key.kid.as_str());
        }
        variables
    }
}

/// The time and the entropy of a request: the same for the same user at the same client, whoever asked before.
fn call_context(ProbeRequest { grant, drawn_for, .. }: &ProbeRequest) -> CallContext {
    let mut entropy = [7_u8; ENTROPY_BYTES];
    let user_id = drawn_for.as_ref().unwrap_or(&grant.user_id);
    let text = [user_id, "\n", &grant.client_id, "\n", &grant.target_id].concat();
    for (index, byte) in text.bytes().enumerate() {
        if let Some(slot) = entropy.get_mut(index % ENTROPY_BYTES) {
            *slot = byte.wrapping_add(slot.rotate_left(3));
        }
    }
    CallContext { now_unix_ms: NOW.unsigned_abs() * 1000, entropy }
}

fn unusable(error: impl std::fmt::Display) -> NotRun {
    NotRun(format!("needs a plugin.yaml without this error: {error}"))
}
