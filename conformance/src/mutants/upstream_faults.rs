//! Mutants of the handling of upstream faults: another response to the client, or too much detail.

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
                "answers-an-unreachable-upstream-with-500",
                "An unreachable upstream is answered with status 500.",
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
                "reports-a-timeout-as-unreachable",
                "An upstream timeout is answered like an unreachable upstream.",
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
                "passes-on-the-upstream-text",
                "The client receives the upstream's text.",
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
                "hides-the-upstream-code",
                "The client does not receive the upstream's error code.",
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
                "reports-a-malformed-reply-as-a-refusal",
                "A malformed reply of the upstream is treated like a refusal.",
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
                "calls-the-upstream-twice",
                "The upstream is called twice per credential.",
                &[Feature::Upstream],
                &[],
                Fault::IssuesTwice,
            ),
            (
                "stops-after-one-upstream-fault",
                "After one upstream fault no credential is issued.",
                &[Feature::Upstream],
                &[],
                Fault::IssueResult(|outcome, context| match outcome {
                    Err(failure) => {
                        context.set_mark("upstream fault");
                        Err(failure)
                    }
                    Ok(_) if context.is_marked("upstream fault") => {
                        Err(IssuerFailure::UpstreamUnreachable("stopped".to_owned()))
                    }
                    issued => issued,
                }),
            ),
        ],
    )
}
