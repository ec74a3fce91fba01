//! What plugins answer, from bytes to messages: capped, escaped where people read it, believed nowhere.

use locum_abi::answer::{Credential, Failure, FailureCode, IssueAnswer, Issued, LogLine, RevokeAnswer};
use locum_abi::upstream::{UpstreamRequest, is_error_code};
use locum_engine::ports::IssuerFailure;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::backend::Answered;
use crate::limits::{ANSWER_BYTES_MAX, MESSAGE_CHARS_MAX};
use crate::secrets::Secrets;

/// An answer that may ask for a call first.
pub(crate) trait Answer: Sized {
    /// What is there when no more calls are needed.
    type Outcome;

    /// The answer that these members are; `None` if one is missing.
    fn of(members: Members) -> Option<Step<Self::Outcome>>;
}

/// What an answer asks of the host.
#[derive(Debug, PartialEq)]
pub(crate) enum Step<T> {
    /// Nothing more.
    Done(T),
    /// A call, and another try with its reply.
    Call(UpstreamRequest),
    /// Something that this host does not know.
    Unknown,
}

/// The members of a reply, all that there are. Read at once: the contract's own types say more, but serde reads a
/// flattened and tagged type twice, at a microsecond per answer.
#[derive(Deserialize)]
pub(crate) struct Members {
    kind: Kind,
    credential: Option<Credential>,
    issued_at: Option<i64>,
    expires_at: Option<i64>,
    request: Option<UpstreamRequest>,
    #[serde(default)]
    logs: Vec<LogLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Issued,
    Call,
    Revoked,
    AlreadyGone,
    NotRevocable,
    #[serde(other)]
    Unknown,
}

impl Answer for IssueAnswer {
    type Outcome = Issued;

    fn of(members: Members) -> Option<Step<Issued>> {
        let Members { credential, issued_at, expires_at, request, .. } = members;
        Some(match members.kind {
            Kind::Issued => Step::Done(Issued { credential: credential?, issued_at: issued_at?, expires_at }),
            Kind::Call => Step::Call(request?),
            Kind::Revoked | Kind::AlreadyGone | Kind::NotRevocable | Kind::Unknown => Step::Unknown,
        })
    }
}

impl Answer for RevokeAnswer {
    type Outcome = Self;

    fn of(members: Members) -> Option<Step<Self>> {
        Some(match members.kind {
            Kind::Revoked => Step::Done(Self::Revoked),
            Kind::AlreadyGone => Step::Done(Self::AlreadyGone),
            Kind::NotRevocable => Step::Done(Self::NotRevocable),
            Kind::Call => Step::Call(members.request?),
            Kind::Issued | Kind::Unknown => Step::Unknown,
        })
    }
}

/// The answer in these bytes, and what was logged on the way to it.
pub(crate) fn read<A: Answer>(
    answered: Answered,
    secrets: &Secrets,
) -> (Result<Step<A::Outcome>, IssuerFailure>, Vec<LogLine>) {
    match answered {
        Ok(reply) => match parse::<Members>(&reply, "reply") {
            Ok(mut members) => {
                let logs = std::mem::take(&mut members.logs);
                let missing = || IssuerFailure::ContractBroken("its reply lacks a member".to_owned());
                (A::of(members).ok_or_else(missing), logs)
            }
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
    failure.upstream_code = failure.upstream_code.filter(|code| is_error_code(code));
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

#[cfg(test)]
mod tests {
    use locum_abi::answer::Reply;
    use locum_abi::configuration::Tenant;
    use serde::Serialize;
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
            assert!(broken.starts_with("its reply") && !broken.contains("secret"), "{broken}");
        }
        assert!(broken(Err(b"secret".to_vec())).starts_with("its failure is not one"));
    }

    /// What is read of an answer that was written by the contract's own types.
    fn reread<A: Answer + Serialize>(answer: A) -> Step<A::Outcome> {
        let logs = vec![LogLine { level: "info".to_owned(), message: "m".to_owned() }];
        let written = serde_json::to_vec(&Reply { answer, logs: logs.clone() }).unwrap();
        let (step, read_logs) = read::<A>(Ok(written), &no_secrets());
        assert_eq!(read_logs, logs);
        step.unwrap()
    }

    #[test]
    fn what_the_contract_writes_is_read_as_it_was_written() {
        let credentials = [
            Credential::Jwt("a.b.c".to_owned()),
            Credential::Text("t".to_owned()),
            Credential::Object(Map::new()),
        ];
        for (credential, expires_at) in credentials.into_iter().zip([Some(2), None, Some(3)]) {
            let issued = Issued { credential, issued_at: 1, expires_at };
            assert_eq!(reread(IssueAnswer::Issued(issued.clone())), Step::Done(issued));
        }
        let mut request = UpstreamRequest::new("GET", "u");
        request.headers = vec![("accept".to_owned(), "*/*".to_owned())];
        request.body = "b".to_owned();
        assert_eq!(reread(IssueAnswer::Call { request: request.clone() }), Step::Call(request.clone()));
        assert_eq!(reread(RevokeAnswer::Call { request: request.clone() }), Step::Call(request));
        for answer in [RevokeAnswer::Revoked, RevokeAnswer::AlreadyGone, RevokeAnswer::NotRevocable] {
            assert_eq!(reread(answer.clone()), Step::Done(answer));
        }
    }

    #[test]
    fn an_answer_to_another_operation_is_unknown() {
        let read_as_issue = read::<IssueAnswer>(Ok(br#"{"kind":"revoked"}"#.to_vec()), &no_secrets()).0;
        assert!(matches!(read_as_issue, Ok(Step::Unknown)));
        let read_as_revoke = read::<RevokeAnswer>(Ok(br#"{"kind":"issued"}"#.to_vec()), &no_secrets()).0;
        assert!(matches!(read_as_revoke, Ok(Step::Unknown)));
    }

    #[test]
    fn an_answer_has_a_limit() {
        let mut reply = br#"{"kind":"later"}"#.to_vec();
        reply.resize(ANSWER_BYTES_MAX, b' ');
        assert!(matches!(read::<IssueAnswer>(Ok(reply.clone()), &no_secrets()).0, Ok(Step::Unknown)));
        reply.push(b' ');
        assert_eq!(broken(Ok(reply)), "its reply has more than 256 KiB");
    }
}
