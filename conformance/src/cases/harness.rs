//! The harness: the plugin's issuers, with scripted upstreams and the log, shared by all cases of a run.

use std::sync::Arc;

use locum_abi::manifest::Manifest;
use locum_engine::ports::Issuers;

use crate::cases::both_endpoints::BothEndpoints;
use crate::cases::earlier_answers::EarlierAnswers;
use crate::cases::fresh_processes::FreshProcesses;
use crate::cases::log_lines::LogLines;
use crate::cases::runner_tokens::RunnerTokens;
use crate::cases::scripted_upstreams::ScriptedUpstreams;
use crate::faults::FaultyIssuers;
use crate::faults::fault::Fault;
use crate::faults::request_fault::RequestFault;
use crate::fixtures::plugin_spec::PluginSpec;

/// The plugin's issuers and what records their effects.
#[derive(Clone)]
pub(crate) struct Harness {
    pub(crate) issuers: Arc<dyn Issuers>,
    pub(crate) upstreams: Arc<ScriptedUpstreams>,
    pub(crate) log: Arc<LogLines>,
    pub(crate) runner_tokens: Arc<RunnerTokens>,
    pub(crate) fresh: Arc<FreshProcesses>,
    pub(crate) earlier: Arc<EarlierAnswers>,
    /// If it is there, every delegation is made at both endpoints.
    pub(crate) both_endpoints: Option<Arc<BothEndpoints>>,
    /// The fault of the mutant that runs.
    pub(crate) fault: Option<Fault>,
    /// The fault in the plugin's requests to upstreams.
    pub(crate) request_fault: Option<Arc<RequestFault>>,
}

impl Harness {
    /// The same harness with a fault.
    pub(crate) fn with_fault(&self, manifest: &Manifest, spec: &PluginSpec, fault: Fault) -> Self {
        let issuers = Arc::new(FaultyIssuers::new(self.issuers.clone(), manifest, spec, fault));
        Self { issuers, fault: Some(fault), ..self.clone() }
    }

    /// The same harness with a fault in the plugin's requests.
    pub(crate) fn with_request_fault(&self, fault: RequestFault) -> Self {
        Self { request_fault: Some(Arc::new(fault)), ..self.clone() }
    }
}
