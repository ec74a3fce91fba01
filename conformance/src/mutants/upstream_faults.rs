//! Mutants of the upstream's faults: clients are told something else, or too much.

use locum_abi::answer::{Failure, FailureCode};
use locum_engine::ports::IssuerFailure;

use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::UpstreamFaults,
        vec![
            (
                "blames-itself-for-the-upstream",
                "An upstream that is away is answered with 500.",
                &[Feature::Upstream],
                &[],
                Fault::IssueResult(|outcome, _| {
                    outcome.map_err(|failure| match failure {
                        IssuerFailure::UpstreamUnreachable(why) => IssuerFailure::ContractBroken(why),
                        other => other,
                    })
                }),
            ),
            (
                "calls-a-late-upstream-away",
                "An upstream that is late is answered as one that is away.",
                &[Feature::Upstream],
                &[],
                Fault::IssueResult(|outcome, _| {
                    outcome.map_err(|failure| match failure {
                        IssuerFailure::UpstreamTimedOut(ms) => {
                            IssuerFailure::UpstreamUnreachable(format!("{ms} ms"))
                        }
                        other => other,
                    })
                }),
            ),
            (
                "tells-the-upstreams-text",
                "The client is told what the upstream said.",
                &[Feature::Upstream],
                &[],
                Fault::IssueResult(|outcome, _| {
                    outcome.map_err(|failure| match failure {
                        IssuerFailure::UpstreamUnreachable(why) => {
                            IssuerFailure::Failed(Failure::new(FailureCode::ParameterRefused, why))
                        }
                        other => other,
                    })
                }),
            ),
            (
                "hides-the-upstreams-code",
                "The client is not told the upstream's code.",
                &[Feature::Upstream],
                &[],
                Fault::IssueResult(|outcome, _| {
                    outcome.map_err(|failure| match failure {
                        IssuerFailure::Failed(mut failure) => {
                            failure.upstream_code = None;
                            IssuerFailure::Failed(failure)
                        }
                        other => other,
                    })
                }),
            ),
            (
                "makes-nonsense-a-refusal",
                "Nonsense of the upstream is taken for its refusal.",
                &[Feature::Upstream],
                &[],
                Fault::IssueResult(|outcome, _| {
                    outcome.map_err(|failure| match failure {
                        IssuerFailure::Failed(mut failure)
                            if failure.code == FailureCode::UpstreamNonsense =>
                        {
                            failure.code = FailureCode::UpstreamRefused;
                            IssuerFailure::Failed(failure)
                        }
                        other => other,
                    })
                }),
            ),
            (
                "asks-the-upstream-twice",
                "The upstream is asked twice for each credential.",
                &[Feature::Upstream],
                &[],
                Fault::IssuesTwice,
            ),
            (
                "gives-up-after-one-fault",
                "After one fault of the upstream nothing is issued any more.",
                &[Feature::Upstream],
                &[],
                Fault::IssueResult(|outcome, context| match outcome {
                    Err(failure) => {
                        context.was_marked("a fault");
                        Err(failure)
                    }
                    Ok(_) if context.is_marked("a fault") => {
                        Err(IssuerFailure::UpstreamUnreachable("given up".to_owned()))
                    }
                    issued => issued,
                }),
            ),
        ],
    )
}
