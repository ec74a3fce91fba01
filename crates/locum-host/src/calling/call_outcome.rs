//! What the observer is told of a call: the outcome of an answer, and of a call without one.

use locum_abi::answer::FailureCode;
use locum_engine::ports::IssuerFailure;

use crate::calling::answer::IssuerStep;
use crate::calling::backend::CallError;
use crate::observer::CallOutcome;

/// Of an answer, or of the failure that was read from it.
pub(super) fn of_answer<T>(answer: &Result<IssuerStep<T>, IssuerFailure>) -> CallOutcome {
    match answer {
        Ok(IssuerStep::Unknown) | Err(IssuerFailure::ContractBroken(_)) => CallOutcome::ContractBroken,
        Ok(_) => CallOutcome::Answered,
        Err(IssuerFailure::Failed(failure)) => match failure.code {
            FailureCode::ParameterRefused | FailureCode::AttributeMissing | FailureCode::UpstreamRefused => {
                CallOutcome::Refused
            }
            _ => CallOutcome::Failed,
        },
        Err(_) => CallOutcome::Failed,
    }
}

/// Of a call without an answer.
pub(super) fn of_error(error: &CallError) -> CallOutcome {
    match error {
        CallError::TimedOut => CallOutcome::TimedOut,
        CallError::Died(_) => CallOutcome::Died,
        CallError::Quarantined | CallError::NoRuntime => CallOutcome::NotCalled,
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::answer::Failure;

    use super::*;

    #[test]
    fn a_refusal_is_no_fault_of_the_plugin_and_a_failure_is() {
        let outcome = |code| {
            let mut failure = Failure::internal("");
            failure.code = code;
            of_answer::<()>(&Err(IssuerFailure::Failed(failure)))
        };
        for code in
            [FailureCode::ParameterRefused, FailureCode::AttributeMissing, FailureCode::UpstreamRefused]
        {
            assert_eq!(outcome(code), CallOutcome::Refused, "{code:?}");
        }
        for code in [FailureCode::Internal, FailureCode::Panicked, FailureCode::UpstreamNonsense] {
            assert_eq!(outcome(code), CallOutcome::Failed, "{code:?}");
        }
    }

    #[test]
    fn an_answer_of_an_unknown_kind_breaks_the_contract() {
        assert_eq!(of_answer::<()>(&Ok(IssuerStep::Unknown)), CallOutcome::ContractBroken);
        assert_eq!(of_answer(&Ok(IssuerStep::Done(()))), CallOutcome::Answered);
    }
}
