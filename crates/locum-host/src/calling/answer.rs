//! Parses the answers of plugins: limits their size, and escapes the texts that people read.

use std::mem::take;

use locum_abi::answer::{
    Credential, FailedReply, Failure, FailureCode, IssueAnswer, Issued, LogLine, RevokeAnswer,
};
use locum_abi::kept::Keep;
use locum_abi::signing::SigningRequest;
use locum_abi::upstream::{UpstreamRequest, is_error_code};
use locum_engine::ports::IssuerFailure;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::calling::backend::RawAnswer;
use crate::calling::kept_values::KeepOrders;
use crate::calling::secret_mask::SecretMask;
use crate::limits::{ANSWER_BYTES_MAX, CREDENTIAL_BYTES_MAX};

/// The answer of one operation, which may ask for upstream calls and signatures first.
pub(crate) trait OperationAnswer: Sized {
    /// The result once nothing more is needed.
    type Outcome;

    /// Reads the answer from its members; `None` if a member is missing.
    fn from_members(members: AnswerMembers<'_>) -> Option<IssuerStep<Self::Outcome>>;
}

/// What the host does next after an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum IssuerStep<T> {
    /// Return this result.
    Done(T),
    /// Make this upstream call, then call the issuer again with its reply.
    Call(UpstreamRequest),
    /// Sign this, then call the issuer again with the signature.
    Sign(SigningRequest),
    /// Refuse the answer: its kind is unknown to this host.
    Unknown,
}

/// The members of every kind of reply, parsed in one pass. The contract's own types are tagged and flattened, which
/// serde parses twice; that costs a microsecond per answer.
#[derive(Deserialize)]
pub(crate) struct AnswerMembers<'a> {
    kind: AnswerKind,
    credential: Option<Credential>,
    issued_at: Option<i64>,
    expires_at: Option<i64>,
    /// What it is depends on the kind.
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(default)]
    logs: Vec<LogLine>,
    #[serde(default)]
    keep: Vec<Keep>,
    #[serde(default)]
    forget: Vec<String>,
}

/// What comes with an answer or a failure of any kind.
#[derive(Default)]
pub(crate) struct Accompanying {
    pub(crate) logs: Vec<LogLine>,
    pub(crate) orders: KeepOrders,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswerKind {
    Issued,
    Call,
    Sign,
    Revoked,
    AlreadyGone,
    NotRevocable,
    #[serde(other)]
    Unknown,
}

impl OperationAnswer for IssueAnswer {
    type Outcome = Issued;

    fn from_members(members: AnswerMembers<'_>) -> Option<IssuerStep<Issued>> {
        let AnswerMembers { credential, issued_at, expires_at, request, .. } = members;
        Some(match members.kind {
            AnswerKind::Issued => {
                IssuerStep::Done(Issued { credential: credential?, issued_at: issued_at?, expires_at })
            }
            AnswerKind::Call => IssuerStep::Call(parsed(request?)?),
            AnswerKind::Sign => IssuerStep::Sign(parsed(request?)?),
            AnswerKind::Revoked
            | AnswerKind::AlreadyGone
            | AnswerKind::NotRevocable
            | AnswerKind::Unknown => IssuerStep::Unknown,
        })
    }
}

impl OperationAnswer for RevokeAnswer {
    type Outcome = Self;

    fn from_members(members: AnswerMembers<'_>) -> Option<IssuerStep<Self>> {
        Some(match members.kind {
            AnswerKind::Revoked => IssuerStep::Done(Self::Revoked),
            AnswerKind::AlreadyGone => IssuerStep::Done(Self::AlreadyGone),
            AnswerKind::NotRevocable => IssuerStep::Done(Self::NotRevocable),
            AnswerKind::Call => IssuerStep::Call(parsed(members.request?)?),
            AnswerKind::Sign => IssuerStep::Sign(parsed(members.request?)?),
            AnswerKind::Issued | AnswerKind::Unknown => IssuerStep::Unknown,
        })
    }
}

fn parsed<'a, T: Deserialize<'a>>(request: &'a RawValue) -> Option<T> {
    serde_json::from_str(request.get()).ok()
}

/// Parses an answer and what came with it.
pub(crate) fn read_answer<A: OperationAnswer>(
    answered: RawAnswer,
    secret_mask: &SecretMask,
) -> (Result<IssuerStep<A::Outcome>, IssuerFailure>, Accompanying) {
    match answered {
        Ok(reply) => match parse::<AnswerMembers<'_>>(&reply, "reply") {
            Ok(mut members) => {
                let AnswerMembers { logs, keep, forget, .. } = &mut members;
                let accompanying = Accompanying {
                    logs: take(logs),
                    orders: KeepOrders { keep: take(keep), forget: take(forget) },
                };
                let missing = || {
                    IssuerFailure::ContractBroken(
                        "its reply lacks a required member, or one is malformed".to_owned(),
                    )
                };
                (A::from_members(members).ok_or_else(missing), accompanying)
            }
            Err(broken) => (Err(IssuerFailure::ContractBroken(broken)), Accompanying::default()),
        },
        Err(failure) => match read_failure(&failure, secret_mask) {
            Ok((failure, accompanying)) => (Err(IssuerFailure::Failed(failure)), accompanying),
            Err(broken) => (Err(IssuerFailure::ContractBroken(broken)), Accompanying::default()),
        },
    }
}

/// Parses a failure and what came with it. Its texts are escaped and free of the issuer's secrets.
pub(crate) fn read_failure(
    bytes: &[u8],
    secret_mask: &SecretMask,
) -> Result<(Failure, Accompanying), String> {
    let FailedReply { mut failure, keep, forget } = parse(bytes, "failure")?;
    let accompanying = Accompanying { logs: take(&mut failure.logs), orders: KeepOrders { keep, forget } };
    failure.upstream_code = failure.upstream_code.filter(|code| is_error_code(code));
    secret_mask.mask_failure(&mut failure);
    if failure.code == FailureCode::Unknown {
        failure.code = FailureCode::Internal;
    }
    Ok((failure, accompanying))
}

/// Refuses a credential that discloses a secret of the issuer, and a JWT or text over the limit; an object is limited by
/// [`ANSWER_BYTES_MAX`]. The engine checks everything else about a credential.
pub(crate) fn check_credential(
    credential: &Credential,
    secret_mask: &SecretMask,
) -> Result<(), IssuerFailure> {
    check_credential_size(credential)?;
    match secret_mask.disclosed_by(credential) {
        Some(secret) => Err(IssuerFailure::ContractBroken(format!("the credential contains {secret}"))),
        None => Ok(()),
    }
}

fn check_credential_size(credential: &Credential) -> Result<(), IssuerFailure> {
    match credential {
        Credential::Jwt(text) | Credential::Text(text) if text.len() > CREDENTIAL_BYTES_MAX => {
            let limit = CREDENTIAL_BYTES_MAX >> 10;
            Err(IssuerFailure::ContractBroken(format!("the credential is larger than {limit} KiB")))
        }
        Credential::Jwt(_) | Credential::Text(_) | Credential::Object(_) => Ok(()),
    }
}

fn parse<'a, M: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<M, String> {
    if bytes.len() > ANSWER_BYTES_MAX {
        return Err(format!("its {what} is larger than {} KiB", ANSWER_BYTES_MAX >> 10));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| format!("its {what} is not UTF-8"))?;
    // serde's message may quote the reply, which may contain a credential: only the position is reported.
    serde_json::from_str(text).map_err(|error| {
        format!(
            "its {what} cannot be parsed: {:?} error at line {} column {}",
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

    fn no_secrets() -> SecretMask {
        SecretMask::new(&Value::Null, &Map::new(), &Tenant { domain: String::new(), signing_key: None })
    }

    fn failure(failure: Value) -> Failure {
        read_failure(failure.to_string().as_bytes(), &no_secrets()).unwrap().0
    }

    fn broken(answered: RawAnswer) -> String {
        match read_answer::<IssueAnswer>(answered, &no_secrets()).0 {
            Err(IssuerFailure::ContractBroken(broken)) => broken,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_failure_is_escaped_and_a_malformed_upstream_code_dropped() {
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
    fn an_unknown_failure_code_becomes_internal() {
        assert_eq!(failure(json!({"code": "of_the_future", "message": ""})).code, FailureCode::Internal);
    }

    #[test]
    fn a_malformed_answer_breaks_the_contract_and_is_not_quoted() {
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
        assert!(broken(Err(b"secret".to_vec())).starts_with("its failure cannot be parsed"));
    }

    /// Serialises an answer with the contract's own types and parses it.
    fn round_trip<A: OperationAnswer + Serialize>(answer: A) -> IssuerStep<A::Outcome> {
        let logs = vec![LogLine { level: "info".to_owned(), message: "m".to_owned() }];
        let written =
            serde_json::to_vec(&Reply { answer, logs: logs.clone(), keep: Vec::new(), forget: Vec::new() })
                .unwrap();
        let (step, accompanying) = read_answer::<A>(Ok(written), &no_secrets());
        assert_eq!(accompanying.logs, logs);
        step.unwrap()
    }

    #[test]
    fn every_answer_of_the_contract_survives_a_round_trip() {
        let credentials = [
            Credential::Jwt("a.b.c".to_owned()),
            Credential::Text("t".to_owned()),
            Credential::Object(Map::new()),
        ];
        for (credential, expires_at) in credentials.into_iter().zip([Some(2), None, Some(3)]) {
            let issued = Issued { credential, issued_at: 1, expires_at };
            assert_eq!(round_trip(IssueAnswer::Issued(issued.clone())), IssuerStep::Done(issued));
        }
        let mut request = UpstreamRequest::new("GET", "u");
        request.headers = vec![("accept".to_owned(), "*/*".to_owned())];
        request.body = "b".to_owned();
        assert_eq!(
            round_trip(IssueAnswer::Call { request: request.clone() }),
            IssuerStep::Call(request.clone())
        );
        assert_eq!(round_trip(RevokeAnswer::Call { request: request.clone() }), IssuerStep::Call(request));
        for answer in [RevokeAnswer::Revoked, RevokeAnswer::AlreadyGone, RevokeAnswer::NotRevocable] {
            assert_eq!(round_trip(answer.clone()), IssuerStep::Done(answer));
        }
    }

    #[test]
    fn an_answer_to_another_operation_is_unknown() {
        let read_as_issue =
            read_answer::<IssueAnswer>(Ok(br#"{"kind":"revoked"}"#.to_vec()), &no_secrets()).0;
        assert!(matches!(read_as_issue, Ok(IssuerStep::Unknown)));
        let read_as_revoke =
            read_answer::<RevokeAnswer>(Ok(br#"{"kind":"issued"}"#.to_vec()), &no_secrets()).0;
        assert!(matches!(read_as_revoke, Ok(IssuerStep::Unknown)));
    }

    #[test]
    fn a_credential_over_the_size_limit_is_refused() {
        for form in [Credential::Jwt, Credential::Text] {
            assert!(check_credential_size(&form("x".repeat(CREDENTIAL_BYTES_MAX))).is_ok());
            let failure = check_credential_size(&form("x".repeat(CREDENTIAL_BYTES_MAX + 1))).unwrap_err();
            assert!(failure.to_string().ends_with("the credential is larger than 64 KiB"), "{failure}");
        }
    }

    #[test]
    fn an_answer_over_the_size_limit_is_refused() {
        let mut reply = br#"{"kind":"later"}"#.to_vec();
        reply.resize(ANSWER_BYTES_MAX, b' ');
        assert!(matches!(
            read_answer::<IssueAnswer>(Ok(reply.clone()), &no_secrets()).0,
            Ok(IssuerStep::Unknown)
        ));
        reply.push(b' ');
        assert_eq!(broken(Ok(reply)), "its reply is larger than 256 KiB");
    }
}
