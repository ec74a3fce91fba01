//! Both levels of isolation in one run: each request is made in process and then in the runner, with the same time, entropy
//! and upstream replies, and the answers must be the same.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_abi::answer::{Credential, Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::{
    CallContext, Issuer, IssuerFailure, Issuers, PortFuture, PresentedCredential, TenantAudiences,
};
use locum_host::{AllowedRequest, PluginSet, UpstreamError, Upstreams};
use serde_json::Value;
use tokio::time::Instant;

use crate::cases::runner_tokens::RunnerTokens;
use crate::cases::scripted_upstreams::ScriptedUpstreams;
use crate::exchange::parts::has_random_signature as of_algorithm;

/// One plugin file, loaded at both levels.
pub(crate) struct BothLevels {
    /// With [`RecordingUpstreams`].
    pub(crate) in_process: PluginSet,
    /// With [`ReplayingUpstreams`].
    pub(crate) runner: PluginSet,
    pub(crate) runner_tokens: Arc<RunnerTokens>,
}

impl Issuers for BothLevels {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.in_process.manifest(api_type)
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let in_process = self.in_process.configure(configuration.clone());
        match (in_process, self.runner.configure(configuration)) {
            (Ok(in_process), Ok(runner)) => {
                let runner_tokens = Arc::clone(&self.runner_tokens);
                Ok(Arc::new(BothIssuers { in_process, runner, runner_tokens }))
            }
            (Err(in_process), Err(runner)) if in_process == runner => Err(in_process),
            (in_process, runner) => {
                Err(Failure::internal(difference(in_process.err().as_ref(), runner.err().as_ref())))
            }
        }
    }
}

/// One add-on, configured at both levels.
struct BothIssuers {
    in_process: Arc<dyn Issuer>,
    runner: Arc<dyn Issuer>,
    runner_tokens: Arc<RunnerTokens>,
}

impl Issuer for BothIssuers {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
        audiences: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        Box::pin(async move {
            let (in_process, runner, same_calls) = at_both(
                self.in_process.issue(grant, context, audiences),
                self.runner.issue(grant, context, audiences),
            )
            .await;
            let issued = compare(in_process, &runner, same_calls, is_same_credential)?;
            if let Ok(Issued { credential: Credential::Jwt(runner), .. }) = &runner
                && !matches!(&issued.credential, Credential::Jwt(in_process) if in_process == runner)
            {
                self.runner_tokens.push(runner);
            }
            Ok(issued)
        })
    }

    fn revoke<'a>(
        &'a self,
        presented: PresentedCredential<'a>,
        context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(async move {
            let (in_process, runner, same_calls) =
                at_both(self.in_process.revoke(presented, context), self.runner.revoke(presented, context))
                    .await;
            compare(in_process, &runner, same_calls, PartialEq::eq)
        })
    }
}

type Exchange = (AllowedRequest, Result<UpstreamReply, UpstreamError>);
type Exchanges = Arc<Mutex<VecDeque<Exchange>>>;

tokio::task_local! {
    /// The upstream calls of the request that is made at both levels.
    static EXCHANGES: Exchanges;
}

/// Makes a request at one level, then at the other. Also returns whether the second one made all upstream calls of the
/// first.
async fn at_both<T>(in_process: impl Future<Output = T>, runner: impl Future<Output = T>) -> (T, T, bool) {
    let exchanges = Exchanges::default();
    let in_process = EXCHANGES.scope(Arc::clone(&exchanges), in_process).await;
    let runner = EXCHANGES.scope(Arc::clone(&exchanges), runner).await;
    let same_calls = exchanges.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
    (in_process, runner, same_calls)
}

/// The upstreams of the first request, which are the case's, and remembered.
pub(crate) struct RecordingUpstreams(pub(crate) Arc<ScriptedUpstreams>);

impl Upstreams for RecordingUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        deadline: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        Box::pin(async move {
            let reply = self.0.send(request.clone(), deadline).await;
            let _ = EXCHANGES.try_with(|exchanges| {
                let mut exchanges = exchanges.lock().unwrap_or_else(PoisonError::into_inner);
                exchanges.push_back((request, reply.clone()));
            });
            reply
        })
    }
}

/// The upstreams of the second request: they give the replies that the first one got, to equal calls.
pub(crate) struct ReplayingUpstreams;

impl Upstreams for ReplayingUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        _: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        let first = EXCHANGES
            .try_with(|exchanges| exchanges.lock().unwrap_or_else(PoisonError::into_inner).pop_front());
        Box::pin(ready(match first {
            Ok(Some((first, reply))) if first == request => reply,
            _ => Err(UpstreamError::Unreachable("in process this upstream call was not made".to_owned())),
        }))
    }
}

fn compare<T: Debug>(
    in_process: Result<T, IssuerFailure>,
    runner: &Result<T, IssuerFailure>,
    same_calls: bool,
    is_same: impl Fn(&T, &T) -> bool,
) -> Result<T, IssuerFailure> {
    let same = match (&in_process, runner) {
        (Ok(in_process), Ok(runner)) => is_same(in_process, runner),
        // These state how long something took.
        (Err(IssuerFailure::UpstreamTimedOut(_)), Err(IssuerFailure::UpstreamTimedOut(_)))
        | (Err(IssuerFailure::Hung(_)), Err(IssuerFailure::Hung(_))) => true,
        (Err(in_process), Err(runner)) => in_process.to_string() == runner.to_string(),
        _ => false,
    };
    if same && same_calls {
        return in_process;
    }
    let cause = if same {
        "the runner makes fewer upstream calls".to_owned()
    } else {
        difference(&in_process, runner)
    };
    Err(IssuerFailure::ContractBroken(cause))
}

fn difference(in_process: impl Debug, runner: impl Debug) -> String {
    format!("the levels of isolation differ: in process {in_process:?}, in the runner {runner:?}")
}

/// Whether two credentials are the same bytes. Of a JWT whose signature is random only what is signed must be; the
/// signature is verified with the response.
fn is_same_credential(in_process: &Issued, runner: &Issued) -> bool {
    if in_process == runner {
        return true;
    }
    let (Credential::Jwt(first), Credential::Jwt(second)) = (&in_process.credential, &runner.credential)
    else {
        return false;
    };
    let times = |issued: &Issued| (issued.issued_at, issued.expires_at);
    let signed = |jwt: &str| jwt.rsplit_once('.').map(|(signed, _)| signed.to_owned());
    times(in_process) == times(runner) && has_random_signature(first) && signed(first) == signed(second)
}

fn has_random_signature(jwt: &str) -> bool {
    let header = jwt.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header: Option<Value> = header.and_then(|header| serde_json::from_slice(&header).ok());
    let algorithm = header.as_ref().and_then(|header| header.get("alg")?.as_str());
    algorithm.is_some_and(of_algorithm)
}

#[cfg(test)]
mod tests {
    use locum_engine::ports::NoAudiences;

    use super::*;

    fn issued(credential: Credential) -> Issued {
        Issued { credential, issued_at: 1, expires_at: Some(2) }
    }

    fn jwt(algorithm: &str, rest: &str) -> Issued {
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#));
        issued(Credential::Jwt(format!("{header}.{rest}")))
    }

    #[test]
    fn only_a_random_signature_may_differ() {
        assert!(is_same_credential(&jwt("HS256", "a.b"), &jwt("HS256", "a.b")));
        assert!(!is_same_credential(&jwt("HS256", "a.b"), &jwt("HS256", "a.c")));
        for algorithm in ["PS256", "ES384"] {
            assert!(is_same_credential(&jwt(algorithm, "a.b"), &jwt(algorithm, "a.c")));
            assert!(!is_same_credential(&jwt(algorithm, "a.b"), &jwt(algorithm, "b.b")));
        }
        let mut later = jwt("PS256", "a.c");
        later.issued_at += 1;
        assert!(!is_same_credential(&jwt("PS256", "a.b"), &later));
        let text = |text: &str| issued(Credential::Text(text.to_owned()));
        assert!(!is_same_credential(&text("a"), &text("b")));
    }

    /// Issues this.
    struct Fixed(Issued);

    impl Issuer for Fixed {
        fn issue<'a>(
            &'a self,
            _: &'a Grant,
            _: CallContext,
            _: &'a dyn TenantAudiences,
        ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
            Box::pin(ready(Ok(self.0.clone())))
        }

        fn revoke<'a>(
            &'a self,
            _: PresentedCredential<'a>,
            _: CallContext,
        ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
            Box::pin(ready(Err(IssuerFailure::ContractBroken("it revokes nothing".to_owned()))))
        }
    }

    #[tokio::test]
    async fn a_token_of_the_runner_with_another_signature_is_kept_to_be_verified() {
        let grant = Grant {
            user_id: "u".to_owned(),
            client_id: "c".to_owned(),
            target_id: "t".to_owned(),
            scopes: Vec::new(),
            claims: serde_json::Map::new(),
            profile: serde_json::Map::new(),
            parameters: serde_json::Map::new(),
            lifetime_seconds: 60,
        };
        let runner_tokens = Arc::new(RunnerTokens::default());
        for (runner, kept) in [(jwt("PS256", "a.c"), 1), (jwt("PS256", "a.b"), 0), (jwt("PS256", "b.b"), 0)] {
            let token = runner.credential.clone();
            let both = BothIssuers {
                in_process: Arc::new(Fixed(jwt("PS256", "a.b"))),
                runner: Arc::new(Fixed(runner)),
                runner_tokens: Arc::clone(&runner_tokens),
            };
            let context = CallContext { now_unix_ms: 1, entropy: [0; 32] };
            let _ = both.issue(&grant, context, &NoAudiences).await;
            let tokens = runner_tokens.take();
            assert_eq!(tokens.len(), kept);
            assert!(tokens.into_iter().all(|text| Credential::Jwt(text) == token));
        }
    }

    #[test]
    fn answers_and_failures_that_differ_are_a_broken_contract() {
        let failed = |text: &str| Err::<i32, _>(IssuerFailure::ContractBroken(text.to_owned()));
        let outcome = |in_process, runner, same_calls| {
            compare(in_process, &runner, same_calls, PartialEq::eq).map_err(|failure| failure.to_string())
        };
        assert_eq!(outcome(Ok(1), Ok(1), true), Ok(1));
        assert!(outcome(Ok(1), Ok(2), true).unwrap_err().contains("levels of isolation differ"));
        assert!(outcome(Ok(1), Ok(1), false).unwrap_err().contains("fewer upstream calls"));
        assert_eq!(
            outcome(failed("x"), failed("x"), true),
            Err("the issuer broke its contract: x".to_owned())
        );
        assert!(outcome(failed("x"), failed("y"), true).unwrap_err().contains("levels of isolation differ"));
        assert!(outcome(failed("x"), Ok(1), true).unwrap_err().contains("levels of isolation differ"));
        let timed_out = |ms| Err(IssuerFailure::UpstreamTimedOut(ms));
        assert!(outcome(timed_out(1), timed_out(2), true).unwrap_err().contains("no answer within 1 ms"));
    }

    #[tokio::test]
    async fn a_call_of_the_runner_gets_the_reply_of_the_equal_call_in_process_and_no_other_gets_one() {
        let no_request = at_both(ready(1), ready(2)).await;
        assert_eq!(no_request, (1, 2, true));
    }
}
