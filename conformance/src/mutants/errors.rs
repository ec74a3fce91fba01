//! Mutants of the refusals: invalid requests are accepted, or refused in another way.

use locum_engine::{AuditCode, JWT_BEARER};
use serde_json::{Map, Value};

use crate::exchange::message::{Request, Response};
use crate::exchange::request_builder::DELEGATION;
use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Errors,
        vec![
            (
                "refuses-an-unknown-client-with-401",
                "An unknown client is refused with status 401.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if response.body.contains("invalid client") {
                        response.status = 401;
                    }
                }),
            ),
            (
                "accepts-expired-id-tokens",
                "An id_token is accepted for an hour after its expiry.",
                &[],
                &[],
                Fault::Tenant(|data| data.tenant.delegation.leeway_seconds = 3600),
            ),
            (
                "accepts-id-tokens-in-the-second-of-expiry",
                "An id_token is accepted in the second of its expiry.",
                &[],
                &[],
                Fault::Tenant(|data| data.tenant.delegation.leeway_seconds += 1),
            ),
            (
                "ignores-the-allowed-clients",
                "The target's list of allowed clients is ignored.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.iter_mut().for_each(|client| client.allowed_clients.clear())
                }),
            ),
            (
                "refuses-the-allowed-clients",
                "The clients in the target's list of allowed clients are refused.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant
                        .clients
                        .iter_mut()
                        .for_each(|client| client.allowed_clients.iter_mut().for_each(|id| id.push('x')))
                }),
            ),
            (
                "accepts-blocked-users",
                "A blocked user is accepted.",
                &[],
                &[],
                Fault::Tenant(|tenant| tenant.users.values_mut().for_each(|user| user.blocked = false)),
            ),
            (
                "accepts-third-party-clients",
                "A third-party client is accepted.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.iter_mut().for_each(|client| client.is_first_party = true)
                }),
            ),
            (
                "accepts-clients-without-the-legacy-grant",
                "A client without the legacy grant is accepted.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.iter_mut().for_each(|client| client.grants.id_token = true)
                }),
            ),
            (
                "ignores-that-delegation-is-disabled",
                "A tenant with delegation disabled is served.",
                &[],
                &[],
                Fault::Tenant(|data| data.tenant.delegation.enabled = true),
            ),
            (
                "ignores-oidc-conformance",
                "OIDC-conformant clients are accepted.",
                &[Feature::App],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.iter_mut().for_each(|client| client.oidc_conformant = false)
                }),
            ),
            (
                "serves-unknown-hosts",
                "A request for an unknown host is served.",
                &[],
                &[],
                Fault::Request(|request, document| request.host = document.domain().to_owned()),
            ),
            (
                "accepts-any-grant-type",
                "An unsupported grant type is accepted.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    change_parameters(request, |parameters| {
                        if parameters.contains_key("grant_type") {
                            parameters.insert("grant_type".to_owned(), JWT_BEARER.into());
                        }
                    })
                }),
            ),
            (
                "accepts-a-missing-grant-type",
                "A request without grant_type is accepted.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    change_parameters(request, |parameters| {
                        parameters.entry("grant_type").or_insert(JWT_BEARER.into());
                    })
                }),
            ),
            (
                "replaces-an-unknown-target",
                "An unknown target is replaced by a known one.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    change_parameters(request, |parameters| replace(parameters, "target", "nobody", "target"))
                }),
            ),
            (
                "replaces-an-unknown-api-type",
                "An unknown api_type is replaced by the default.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    change_parameters(request, |parameters| {
                        replace(parameters, "api_type", "no_such_type", "")
                    })
                }),
            ),
            (
                "accepts-two-subject-tokens",
                "A request with an id_token and a refresh_token is accepted.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    change_parameters(request, |parameters| {
                        if parameters.contains_key("id_token") {
                            parameters.shift_remove("refresh_token");
                        }
                    })
                }),
            ),
            (
                "accepts-any-content-type",
                "A body of any content type is read as JSON.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    request.headers.iter_mut().for_each(|(name, value)| {
                        if name == "content-type" && value == "text/plain" {
                            *value = "application/json".to_owned();
                        }
                    })
                }),
            ),
            (
                "drops-error-descriptions",
                "A refusal has no description.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    change_refusal(response, |body| {
                        body.shift_remove("error_description");
                    })
                }),
            ),
            (
                "gives-every-refusal-the-same-description",
                "Every refusal has the same description.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    change_refusal(response, |body| {
                        body.insert("error_description".to_owned(), "no".into());
                    })
                }),
            ),
            (
                "adds-a-stack-trace",
                "A refusal has an additional member.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    change_refusal(response, |body| {
                        body.insert("trace".to_owned(), "at line 7".into());
                    })
                }),
            ),
            (
                "answers-client-errors-with-500",
                "Errors of the client are answered with status 500.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if (400..500).contains(&response.status) {
                        response.status = 500;
                    }
                }),
            ),
            (
                "drops-audit-events-of-failures",
                "A refused request has no audit event.",
                &[],
                &[],
                Fault::Audit(|event| if event.refusal.is_some() { Vec::new() } else { vec![event] }),
            ),
            (
                "records-every-audit-event-twice",
                "Every request has two audit events.",
                &[],
                &[],
                Fault::Audit(|event| vec![event.clone(), event]),
            ),
            (
                "records-failures-as-successes",
                "The audit event of a refused delegation has the code of a success.",
                &[],
                &[],
                Fault::Audit(|mut event| {
                    if event.code == AuditCode::Failure {
                        event.code = AuditCode::Success;
                    }
                    vec![event]
                }),
            ),
        ],
    )
}

/// Changes the JSON parameters of a delegation.
fn change_parameters(request: &mut Request, change: impl FnOnce(&mut Map<String, Value>)) {
    if request.target == DELEGATION
        && let Ok(mut parameters) = serde_json::from_str::<Map<String, Value>>(&request.body)
    {
        change(&mut parameters);
        request.body = Value::Object(parameters).to_string();
    }
}

fn replace(parameters: &mut Map<String, Value>, name: &str, from: &str, to: &str) {
    if parameters.get(name).and_then(Value::as_str) == Some(from) {
        parameters.insert(name.to_owned(), to.into());
    }
}

fn change_refusal(response: &mut Response, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(mut body) = response.object()
        && body.contains_key("error")
    {
        change(&mut body);
        response.body = Value::Object(body).to_string();
    }
}
