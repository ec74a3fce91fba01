//! The mutation score of the plugin's requests: each request to an upstream, changed in one place at a time.
//!
//! A mutant stands for a bug of the plugin. The replies of the script do not depend on the request, so only what the
//! plugin's own fixtures say about it can detect the change.

use crate::cases::case_run::run_case;
use crate::cases::harness::Harness;
use crate::cases::issuer_under_test::{Destination, IssuerUnderTest};
use crate::cases::successful_requests::successful_requests;
use crate::faults::request_change::RequestChange;
use crate::faults::request_fault::{Operation, RequestFault};
use crate::fixtures::case::FixtureSet;
use crate::report::{MutantReport, MutantResult, MutationScore, Outcome};
use crate::running::{Exemptions, Features, Run, RunDestination};

/// The score; `None` if the plugin makes no requests.
pub(super) async fn request_mutation_score(run: &Run<'_>) -> Option<MutationScore> {
    let RunDestination::InProcess(harness) = &run.destination else { return None };
    let mut mutants = Vec::new();
    for manifest in &run.manifest.issuers {
        let Some(spec) = run.spec.issuers.get(&manifest.api_type) else { continue };
        let issuer = run.issuer_under_test(manifest, spec, &Destination::InProcess(harness.clone()));
        for operation in [Operation::Delegation, Operation::Revocation] {
            let requests = successful_requests(&issuer, operation).await;
            for (exchange, request) in requests.iter().enumerate() {
                for change in RequestChange::all_of(request) {
                    let fault = RequestFault { operation, exchange, change };
                    mutants.push(mutant_report(run, harness, &issuer, fault).await);
                }
            }
        }
    }
    (!mutants.is_empty()).then(|| MutationScore::of(mutants))
}

async fn mutant_report(
    run: &Run<'_>,
    harness: &Harness,
    issuer: &IssuerUnderTest<'_>,
    fault: RequestFault,
) -> MutantReport {
    let mutant = run.label(&fault.id(), &issuer.manifest.api_type);
    let description = fault.description();
    let destination = Destination::InProcess(harness.with_request_fault(fault));
    let mutated = IssuerUnderTest { destination, ..issuer.clone() };
    let result = match detecting_case(run, &mutated).await {
        Some(by) => MutantResult::Killed { by },
        None => MutantResult::Survived,
    };
    MutantReport { mutant, description, profile: None, result }
}

/// The first case that fails. The plugin's own cases run first; the core cases use its exchanges, too.
async fn detecting_case(run: &Run<'_>, issuer: &IssuerUnderTest<'_>) -> Option<String> {
    let api_type = &issuer.manifest.api_type;
    let features = Features::of(issuer);
    // A case that fails or is skipped without the mutant shows nothing about it.
    let exemptions = Exemptions::of(run.spec, run.options.now_unix_seconds);
    for of_plugin in [true, false] {
        for case in run.cases_for(api_type) {
            if matches!(case.set, FixtureSet::Plugin(_)) == of_plugin
                && !exemptions.contains(&case.id)
                && features.unmet_by_case(case).is_none()
                && matches!(run_case(&case.fixture, issuer).await, Outcome::Failed(_))
            {
                return Some(run.label(&case.id, api_type));
            }
        }
    }
    None
}
