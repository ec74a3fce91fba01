//! The border seen from inside a plugin: bytes to types and back, and no panic past this point.

use std::panic::{AssertUnwindSafe, catch_unwind};

use locum_abi::answer::{Failure, FailureCode, Reply};
use locum_abi::configuration::Configuration;
use locum_abi::ffi::abi_stable::type_level::downcasting::TD_Opaque;
use locum_abi::ffi::{AbiIssuer, AbiIssuer_TO, IssuerBox, RErr, ROk, RResult, RSlice, RVec};
use locum_abi::grant::{IssueInput, RevokeInput};
use locum_abi::manifest::Manifest;
use locum_abi::operation::{ENTROPY_BYTES, ISSUE, REVOKE};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::capture;
use crate::grant::Grant;
use crate::issuer::Issuer;

/// `describe` of every plugin: the manifest as the code states it.
pub fn describe(manifest: fn() -> Manifest) -> RVec<u8> {
    guarded(|| serde_json::to_vec(&manifest()).map_err(|error| Failure::internal(error.to_string())))
        .unwrap_or_else(|failure| json(&failure))
        .into()
}

/// `create` of every plugin: `make` picks the issuer type by api_type.
pub fn create(
    input: RSlice<'_, u8>,
    make: fn(Configuration) -> Result<IssuerBox, Failure>,
) -> RResult<IssuerBox, RVec<u8>> {
    capture::install();
    match guarded(|| make(parse(input.as_slice())?)) {
        Ok(issuer) => {
            capture::take_lines();
            ROk(issuer)
        }
        Err(failure) => RErr(json(&failure).into()),
    }
}

/// The answer to a configuration for an api_type that the plugin does not serve.
pub fn missing_api_type(api_type: &str) -> Failure {
    Failure::internal(format!("this plugin does not serve api_type `{api_type}`"))
}

/// Makes an issuer of this type ready and wraps it for the border.
pub(crate) fn ready<T: Issuer>(configuration: Configuration) -> Result<IssuerBox, Failure> {
    let settings = serde_json::from_value(configuration.settings.into())
        .map_err(|error| Failure::new(FailureCode::SettingsRefused, error.to_string()))?;
    let issuer = T::configure(&configuration.api_type, settings, &configuration.tenant)?;
    Ok(AbiIssuer_TO::from_value(Guarded(Some(issuer)), TD_Opaque))
}

/// An issuer of which no entry, not even its drop, lets a panic out.
struct Guarded<T: Issuer>(Option<T>);

impl<T: Issuer> AbiIssuer for Guarded<T> {
    fn call(
        &self,
        op: u32,
        now_unix_ms: u64,
        entropy: RSlice<'_, u8>,
        input: RSlice<'_, u8>,
    ) -> RResult<RVec<u8>, RVec<u8>> {
        let answer = guarded(|| self.operate(op, now_unix_ms, entropy.as_slice(), input.as_slice()));
        match answer {
            Ok(reply) => ROk(reply.into()),
            Err(failure) => RErr(json(&failure).into()),
        }
    }
}

impl<T: Issuer> Guarded<T> {
    fn operate(&self, op: u32, now_unix_ms: u64, entropy: &[u8], input: &[u8]) -> Result<Vec<u8>, Failure> {
        let Self(Some(issuer)) = self else {
            return Err(Failure::internal("called after its end"));
        };
        match op {
            ISSUE => {
                let input: IssueInput = parse(input)?;
                let entropy = <[u8; ENTROPY_BYTES]>::try_from(entropy)
                    .map_err(|_| Failure::internal(format!("expected {ENTROPY_BYTES} bytes of entropy")))?;
                let grant = Grant::from_message(input.grant, now_unix_ms, entropy)?;
                Ok(reply(issuer.issue(&grant, &input.replies)?))
            }
            REVOKE => {
                let input: RevokeInput = parse(input)?;
                Ok(reply(issuer.revoke(&input.credential, &input.replies)?))
            }
            _ => Err(Failure::new(FailureCode::UnknownOp, format!("operation {op} is not known here"))),
        }
    }
}

impl<T: Issuer> Drop for Guarded<T> {
    fn drop(&mut self) {
        let issuer = self.0.take();
        // Nobody is left to tell.
        let _ = guarded(move || {
            drop(issuer);
            Ok(())
        });
    }
}

fn reply<A: Serialize>(answer: A) -> Vec<u8> {
    json(&Reply { answer, logs: capture::take_lines() })
}

/// Runs it; a panic becomes a failure, and so does a panic in the drop of that panic's payload.
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
    serde_json::from_slice(bytes).map_err(|error| Failure::internal(format!("the host's message: {error}")))
}

fn json<M: Serialize>(message: &M) -> Vec<u8> {
    // Only a map with keys that are not texts can fail here, and no message has one.
    serde_json::to_vec(message).unwrap_or_default()
}
