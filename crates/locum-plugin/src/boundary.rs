//! The boundary seen from inside a plugin: bytes become types and types bytes, and no panic gets past it.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use locum_abi::answer::{Credential, FailedReply, Failure, FailureCode, IssueAnswer, Issued, LogLine, Reply};
use locum_abi::boundary::{AbiIssuer, BorrowedBytes, CallResult, IssuerBox, OwnedBytes, issuer_box};
use locum_abi::configuration::Configuration;
use locum_abi::grant::{IssueInput, RevokeInput};
use locum_abi::manifest::Manifest;
use locum_abi::object_writer::ObjectWriter;
use locum_abi::operation::{ENTROPY_BYTES, ISSUE, REVOKE};
use locum_abi::signing::TENANT_KEY;
use locum_abi::time::UnixTime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::capture;
use crate::grant::Grant;
use crate::issuer::Issuer;
use crate::kept::Kept;
use crate::presented_credential::PresentedCredential;
use crate::private_key::PrivateKey;
use crate::signatures::Signatures;
use crate::tenant::Tenant;

/// Size of most messages, so that they are not copied while they grow.
const MESSAGE_BYTES_TYPICAL: usize = 1024;

/// `describe` of every plugin: the manifest that the code states.
pub fn describe(manifest: fn() -> Manifest) -> OwnedBytes {
    guarded(|| serde_json::to_vec(&manifest()).map_err(|error| Failure::internal(error.to_string())))
        .unwrap_or_else(|failure| to_json(&failure))
        .into()
}

/// `create` of every plugin: `make` chooses the issuer type by api_type.
pub fn create(
    input: BorrowedBytes<'_>,
    make: fn(Configuration) -> Result<IssuerBox, Failure>,
) -> CallResult<IssuerBox> {
    capture::install();
    create_linked(input, make)
}

/// `create` of an issuer that is linked into its host. Logger and panic hook are the program's there, so none is installed.
pub(crate) fn create_linked(
    input: BorrowedBytes<'_>,
    make: fn(Configuration) -> Result<IssuerBox, Failure>,
) -> CallResult<IssuerBox> {
    let created = guarded(|| make(parse(input.as_slice())?));
    created.map_err(|failure| to_json(&failure).into()).into()
}

/// The failure for a configuration whose api_type the plugin does not serve.
pub fn unknown_api_type(api_type: &str) -> Failure {
    Failure::internal(format!("this plugin does not serve api_type `{api_type}`"))
}

/// Configures an issuer of this type and wraps it for the boundary.
pub(crate) fn configured<T: Issuer>(configuration: Configuration) -> Result<IssuerBox, Failure> {
    let Configuration { api_type, mut settings, tenant, mut signing } = configuration;
    let tenant_key = signing.remove(TENANT_KEY).map(|info| PrivateKey::new(TENANT_KEY, info));
    for (name, info) in signing {
        settings.insert(name.clone(), json!(PrivateKey::new(name, info)));
    }
    let settings = serde_json::from_value(settings.into())
        .map_err(|error| Failure::new(FailureCode::SettingsRefused, error.to_string()))?;
    let issuer = T::configure(&api_type, settings, &Tenant::new(tenant, tenant_key))?;
    Ok(issuer_box(Guarded { issuer: Some(issuer), of_configure: Mutex::new(capture::take_lines()) }))
}

/// An issuer that catches panics in each entry point, also in `Drop`.
struct Guarded<T: Issuer> {
    issuer: Option<T>,
    /// What `configure` logged. Its own answer has no place for log lines, so the first reply has them.
    of_configure: Mutex<Vec<LogLine>>,
}

impl<T: Issuer> AbiIssuer for Guarded<T> {
    fn call(
        &self,
        op: u32,
        now_unix_ms: u64,
        entropy: BorrowedBytes<'_>,
        input: BorrowedBytes<'_>,
    ) -> CallResult<OwnedBytes> {
        let now = UnixTime::from_milliseconds(now_unix_ms);
        capture::begin_with(std::mem::take(
            &mut self.of_configure.lock().unwrap_or_else(PoisonError::into_inner),
        ));
        let kept = Kept::default();
        guarded(|| self.operate(op, now, entropy.as_slice(), input.as_slice(), &kept))
            .map(OwnedBytes::from)
            .map_err(|failure| {
                let (keep, forget) = kept.take_orders();
                to_json(&FailedReply { failure, keep, forget }).into()
            })
            .into()
    }
}

impl<T: Issuer> Guarded<T> {
    fn operate(
        &self,
        op: u32,
        now: UnixTime,
        entropy: &[u8],
        input: &[u8],
        kept: &Kept,
    ) -> Result<Vec<u8>, Failure> {
        let Some(issuer) = &self.issuer else {
            return Err(Failure::internal("called after it was dropped"));
        };
        match op {
            ISSUE => {
                let input: IssueInput = parse(input)?;
                let entropy = <[u8; ENTROPY_BYTES]>::try_from(entropy)
                    .map_err(|_| Failure::internal(format!("expected {ENTROPY_BYTES} bytes of entropy")))?;
                let signatures = Signatures::new(input.signatures);
                let grant = Grant::from_message(
                    input.grant,
                    now,
                    entropy,
                    kept.with(input.kept),
                    signatures.clone(),
                )?;
                let answer = issuer.issue(&grant, &input.replies);
                match signatures.missing() {
                    // Nor is anything kept that an answer without its signature asks for.
                    Some(request) => {
                        kept.take_orders();
                        Ok(issue_reply(IssueAnswer::Sign { request }, kept))
                    }
                    None => Ok(issue_reply(answer?, kept)),
                }
            }
            REVOKE => {
                let RevokeInput { credential: text, client_id, replies, kept: stored } = parse(input)?;
                let presented = PresentedCredential { text, client_id, kept: kept.with(stored) };
                Ok(reply(issuer.revoke(&presented, &replies)?, kept))
            }
            _ => Err(Failure::new(
                FailureCode::UnknownOp,
                format!("this plugin does not know the operation {op}"),
            )),
        }
    }
}

impl<T: Issuer> Drop for Guarded<T> {
    fn drop(&mut self) {
        let issuer = self.issuer.take();
        // A panic here concerns no request, so there is no reply to report it in.
        let _ = guarded(move || {
            drop(issuer);
            Ok(())
        });
    }
}

fn reply<A: Serialize>(answer: A, kept: &Kept) -> Vec<u8> {
    let (keep, forget) = kept.take_orders();
    to_json(&Reply { answer, logs: capture::take_lines(), keep, forget })
}

/// The reply with an answer to [`ISSUE`].
fn issue_reply(answer: IssueAnswer, kept: &Kept) -> Vec<u8> {
    let (keep, forget) = kept.take_orders();
    let reply = Reply { answer, logs: capture::take_lines(), keep, forget };
    credential_reply(&reply).unwrap_or_else(|| to_json(&reply))
}

/// What [`to_json`] makes of a reply with a credential that is a text, for which it takes five times as long.
fn credential_reply(reply: &Reply<IssueAnswer>) -> Option<Vec<u8>> {
    let Reply { answer: IssueAnswer::Issued(issued), logs, keep, forget } = reply else { return None };
    let Issued { credential, issued_at, expires_at } = issued;
    let (form, text) = match credential {
        Credential::Jwt(text) => ("jwt", text),
        Credential::Text(text) => ("text", text),
        Credential::Object(_) => return None,
    };
    let mut json = Vec::with_capacity(MESSAGE_BYTES_TYPICAL);
    let mut members = ObjectWriter::begin(&mut json);
    members.text("kind", "issued");
    members.object("credential", |credential| credential.text(form, text));
    members.value("issued_at", issued_at);
    if let Some(expires_at) = expires_at {
        members.value("expires_at", expires_at);
    }
    if !logs.is_empty() {
        members.value("logs", logs);
    }
    if !keep.is_empty() {
        members.value("keep", keep);
    }
    if !forget.is_empty() {
        members.value("forget", forget);
    }
    members.end();
    Some(json)
}

/// Turns a panic of `run` into a failure, also if dropping the panic's payload panics again.
fn guarded<A>(run: impl FnOnce() -> Result<A, Failure>) -> Result<A, Failure> {
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let mut failure = match outcome {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(failure)) => failure,
        Err(payload) => {
            let failure = Failure::new(FailureCode::Panicked, capture::take_panic());
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
            failure
        }
    };
    failure.logs = capture::take_lines();
    Err(failure)
}

fn parse<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, Failure> {
    let unreadable = |error: &dyn Display| Failure::internal(format!("the host's message: {error}"));
    // As a whole, which is faster than text by text.
    let text = std::str::from_utf8(bytes).map_err(|error| unreadable(&error))?;
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

fn to_json<M: Serialize>(message: &M) -> Vec<u8> {
    let mut json = Vec::with_capacity(MESSAGE_BYTES_TYPICAL);
    // Serialization fails only for maps whose keys are not strings, and no message has one.
    let written = serde_json::to_writer(&mut json, message);
    debug_assert!(written.is_ok(), "a message is JSON");
    json
}

#[cfg(test)]
mod tests {
    use locum_abi::configuration::Tenant as HostTenant;
    use locum_abi::grant::Grant as HostGrant;
    use locum_abi::kept::Keep;
    use locum_abi::upstream::UpstreamReply;
    use serde_json::{Map, Value};

    use super::*;
    use crate::api_type::ApiType;
    use crate::grant::NoParameters;

    struct Talkative;

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct NoSettings {}

    impl Issuer for Talkative {
        type Settings = NoSettings;
        type Parameters = NoParameters;

        fn api_types() -> Vec<ApiType> {
            vec![ApiType::text("talkative", "text")]
        }

        fn configure(_: &str, _: NoSettings, _: &Tenant) -> Result<Self, Failure> {
            log::warn!("the key is old");
            Ok(Self)
        }

        fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
            log::info!("issues");
            if grant.scopes.is_empty() {
                Err(Failure::internal("no scope"))
            } else {
                Ok(grant.text("x".to_owned()))
            }
        }
    }

    fn lines(reply: &[u8]) -> Vec<String> {
        let reply: Value = serde_json::from_slice(reply).unwrap();
        let lines = reply["logs"].as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .map(|line| format!("{} {}", line["level"].as_str().unwrap(), line["message"].as_str().unwrap()))
            .collect()
    }

    /// The log lines of two calls of one issuer, with these scopes.
    fn lines_of_two_calls(scopes: &[&str]) -> [Vec<String>; 2] {
        let configuration = Configuration::new("talkative", Map::new(), HostTenant::new("acme.example.com"));
        // Without the hook for panics, which would hide the messages of other tests.
        capture::install_logger();
        let issuer = configured::<Talkative>(configuration).unwrap();
        let grant = HostGrant {
            user_id: "auth0|alice".to_owned(),
            client_id: "caller".to_owned(),
            target_id: "target".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            claims: Map::new(),
            profile: Map::new(),
            parameters: Map::new(),
            lifetime_seconds: 60,
        };
        let input =
            IssueInput { grant, replies: Vec::new(), signatures: Vec::new(), kept: Default::default() };
        let input = serde_json::to_vec(&input).unwrap();
        [(), ()].map(|()| {
            let entropy = [0; ENTROPY_BYTES];
            match issuer.call(ISSUE, 1, entropy[..].into(), input.as_slice().into()).into_result() {
                Ok(reply) => lines(&reply.into_vec()),
                Err(failure) => lines(&failure.into_vec()),
            }
        })
    }

    #[test]
    fn a_credential_is_written_as_the_serializer_writes_it() {
        let line = LogLine { level: "info".to_owned(), message: "a\nb".to_owned() };
        let kept = Keep { key: "k".to_owned(), value: "v".into(), expires_at: 7 };
        for form in [Credential::Jwt, Credential::Text] {
            for (text, expires_at, members) in
                [("", None, 0), ("a.b-_c", Some(i64::MAX), 1), ("a\"b\\ü\n", Some(-7), 2)]
            {
                let credential = form(text.to_owned());
                let reply = Reply {
                    answer: IssueAnswer::Issued(Issued { credential, issued_at: -1, expires_at }),
                    logs: vec![line.clone(); members],
                    keep: vec![kept.clone(); members],
                    forget: vec!["f".to_owned(); members],
                };
                assert_eq!(credential_reply(&reply), Some(to_json(&reply)), "{text}");
            }
        }
    }

    #[test]
    fn what_configure_logs_is_in_the_first_reply_even_if_that_is_a_failure() {
        for scopes in [&["openid"][..], &[]] {
            let [first, second] = lines_of_two_calls(scopes);
            assert_eq!(first, ["warn while it was configured: the key is old", "info issues"], "{scopes:?}");
            assert_eq!(second, ["info issues"], "{scopes:?}");
        }
    }
}
