//! Mutants that disclose secrets.

use locum_abi::answer::Credential;
use serde_json::{Map, Value};

use crate::exchange::message::Request;
use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Secrets,
        vec![
            (
                "logs-a-secret",
                "A log line contains a secret.",
                &[],
                &[],
                Fault::Issued(
                    |_, _, context| tracing::info!(target: "plugin", "signing with {}", context.secret()),
                ),
            ),
            (
                "logs-an-encoded-secret",
                "A log line contains a secret in hex.",
                &[],
                &[],
                Fault::Issued(|_, _, context| {
                    let hex: String = context.secret().bytes().map(|byte| format!("{byte:02x}")).collect();
                    tracing::info!(target: "plugin", "signing with {hex}");
                }),
            ),
            (
                "logs-a-reversed-secret",
                "A log line contains a secret backwards.",
                &[],
                &[],
                Fault::Issued(|_, _, context| {
                    let reversed: String = context.secret().chars().rev().collect();
                    tracing::info!(target: "plugin", "signing with {reversed}");
                }),
            ),
            (
                "logs-a-secret-that-the-host-masks",
                "A log line contains a secret, which the host masks.",
                &[],
                &[],
                Fault::Issued(|_, _, _| {
                    tracing::info!(target: "plugin", "signing with {}", locum_host::SECRET_MASK);
                }),
            ),
            (
                "logs-the-credential",
                "A log line contains the issued credential.",
                &[],
                &[],
                Fault::Issued(|issued, _, _| {
                    let credential = match &issued.credential {
                        Credential::Text(text) | Credential::Jwt(text) => text.clone(),
                        Credential::Object(object) => Value::Object(object.clone()).to_string(),
                    };
                    tracing::info!(target: "plugin", "issued {credential}");
                }),
            ),
            (
                "issues-a-secret",
                "The credential contains a secret.",
                &[],
                &[],
                Fault::Issued(|issued, _, context| {
                    let secret = context.secret();
                    match &mut issued.credential {
                        Credential::Text(text) => text.push_str(&secret),
                        Credential::Object(object) => {
                            object.insert("debug".to_owned(), secret.into());
                        }
                        Credential::Jwt(_) => context.rewrite(issued, |_, claims| {
                            claims.insert("debug".to_owned(), secret.into());
                        }),
                    }
                }),
            ),
            (
                "records-the-id-token",
                "The audit event contains the presented id_token.",
                &[],
                &[],
                Fault::Request(|request, _| copy_to_device(request, "id_token")),
            ),
            (
                "echoes-the-id-token",
                "A response header contains the presented id_token.",
                &[],
                &[],
                Fault::Response(|response, request| {
                    response.headers.push(("x-debug".to_owned(), request.body.clone()))
                }),
            ),
            (
                "records-the-client-secret-of-a-request",
                "The audit event contains the client_secret that old libraries send.",
                &[],
                &[],
                Fault::Request(|request, _| copy_to_device(request, "client_secret")),
            ),
            (
                "repeats-a-secret-in-a-refusal",
                "A refusal of settings contains a secret.",
                &[Feature::SecretSettings],
                &[],
                Fault::Refusal(|mut failure, configuration| {
                    for (_, value) in &configuration.settings {
                        failure.message.push_str(&value.to_string());
                    }
                    failure
                }),
            ),
        ],
    )
}

/// Copies a parameter to `device`, which the audit event contains.
fn copy_to_device(request: &mut Request, name: &str) {
    if let Ok(mut parameters) = serde_json::from_str::<Map<String, Value>>(&request.body)
        && let Some(value) = parameters.get(name).cloned()
    {
        parameters.insert("device".to_owned(), value);
        request.body = Value::Object(parameters).to_string();
    }
}
