//! What plugins answer, from bytes to messages: capped, escaped where people read it, believed nowhere.

use locum_abi::answer::{Failure, FailureCode, IssueAnswer, LogLine, Reply, RevokeAnswer};
use locum_abi::upstream::UpstreamRequest;
use locum_engine::ports::IssuerFailure;
use serde::de::DeserializeOwned;

use crate::backend::Answered;
use crate::limits::{ANSWER_BYTES_MAX, MESSAGE_CHARS_MAX};
use crate::secrets::Secrets;

/// An answer that may ask for a call first.
pub(crate) trait Answer: DeserializeOwned {
    /// What is there when no more calls are needed.
    type Outcome;

    fn step(self) -> Step<Self::Outcome>;
}

/// What an answer asks of the host.
pub(crate) enum Step<T> {
    /// Nothing more.
    Done(T),
    /// A call, and another try with its reply.
    Call(UpstreamRequest),
    /// Something that this host does not know.
    Unknown,
}

impl Answer for IssueAnswer {
    type Outcome = locum_abi::answer::Issued;

    fn step(self) -> Step<Self::Outcome> {
        match self {
            Self::Issued(issued) => Step::Done(issued),
            Self::Call { request } => Step::Call(request),
            Self::Unknown => Step::Unknown,
        }
    }
}

impl Answer for RevokeAnswer {
    type Outcome = Self;

    fn step(self) -> Step<Self> {
        match self {
            Self::Revoked | Self::AlreadyGone | Self::NotRevocable => Step::Done(self),
            Self::Call { request } => Step::Call(request),
            Self::Unknown => Step::Unknown,
        }
    }
}

/// The answer in these bytes, and what was logged on the way to it.
pub(crate) fn read<A: Answer>(
    answered: Answered,
    secrets: &Secrets,
) -> (Result<A, IssuerFailure>, Vec<LogLine>) {
    match answered {
        Ok(reply) => match parse::<Reply<A>>(&reply, "reply") {
            Ok(Reply { answer, logs }) => (Ok(answer), logs),
            Err(broken) => (Err(IssuerFailure::ContractBroken(broken)), Vec::new()),
        },
        Err(failure) => match read_failure(&failure, secrets) {
            Ok((failure, logs)) => (Err(IssuerFailure::Failed(failure)), logs),
            Err(broken) => (Err(IssuerFailure::ContractBroken(broken)), Vec::new()),
        },
    }
}

/// The failure in these bytes, fit to be shown, and what was logged on the way to it.
pub(crate) fn read_failure(bytes: &[u8], secrets: &Secrets) -> Result<(Failure, Vec<LogLine>), String> {
    let mut failure: Failure = parse(bytes, "failure")?;
    let logs = std::mem::take(&mut failure.logs);
    failure.message = secrets.cleaned(&failure.message, MESSAGE_CHARS_MAX);
    failure.pointer = failure.pointer.map(|pointer| secrets.cleaned(&pointer, MESSAGE_CHARS_MAX));
    failure.upstream_code = failure.upstream_code.filter(|code| is_code(code));
    if failure.code == FailureCode::Unknown {
        failure.code = FailureCode::Internal;
    }
    Ok((failure, logs))
}

fn parse<M: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<M, String> {
    if bytes.len() > ANSWER_BYTES_MAX {
        return Err(format!("its {what} has more than {} KiB", ANSWER_BYTES_MAX >> 10));
    }
    // serde's text may quote the reply, and the reply may be a credential: only the place is told.
    serde_json::from_slice(bytes).map_err(|error| {
        format!(
            "its {what} is not one: {:?} error at line {} column {}",
            error.classify(),
            error.line(),
            error.column()
        )
    })
}

fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use locum_abi::configuration::Tenant;
    use serde_json::{Map, Value, json};

    use super::*;

    fn no_secrets() -> Secrets {
        Secrets::of(&Value::Null, &Map::new(), &Tenant { domain: String::new(), signing_key: None })
    }

    fn failure(failure: Value) -> Failure {
        read_failure(failure.to_string().as_bytes(), &no_secrets()).unwrap().0
    }

    fn broken(answered: Answered) -> String {
        match read::<IssueAnswer>(answered, &no_secrets()).0 {
            Err(IssuerFailure::ContractBroken(broken)) => broken,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_failure_is_escaped_and_its_code_kept_only_if_it_is_one() {
        let shown = failure(
            json!({"code": "upstream_refused", "message": "a\nb", "upstream_code": "Access.Denied-1"}),
        );
        assert_eq!(
            (shown.message.as_str(), shown.upstream_code.as_deref()),
            (r"a\u{a}b", Some("Access.Denied-1"))
        );
        let shown =
            failure(json!({"code": "upstream_refused", "message": "", "upstream_code": "Access denied"}));
        assert_eq!(shown.upstream_code, None);
    }

    #[test]
    fn an_unknown_failure_is_an_internal_one() {
        assert_eq!(failure(json!({"code": "of_the_future", "message": ""})).code, FailureCode::Internal);
    }

    #[test]
    fn what_is_no_answer_breaks_the_contract_and_is_not_quoted() {
        for reply in [
            "",
            "null",
            "[]",
            "{}",
            "secret",
            r#"{"kind":"issued","credential":"secret"}"#,
            "{\"kind\":\"issued\"} x",
        ] {
            let broken = broken(Ok(reply.into()));
            assert!(broken.starts_with("its reply is not one") && !broken.contains("secret"), "{broken}");
        }
        assert!(broken(Err(b"secret".to_vec())).starts_with("its failure is not one"));
    }

    #[test]
    fn an_answer_has_a_limit() {
        let mut reply = br#"{"kind":"later"}"#.to_vec();
        reply.resize(ANSWER_BYTES_MAX, b' ');
        assert!(matches!(read::<IssueAnswer>(Ok(reply.clone()), &no_secrets()).0, Ok(IssueAnswer::Unknown)));
        reply.push(b' ');
        assert_eq!(broken(Ok(reply)), "its reply has more than 256 KiB");
    }
}
