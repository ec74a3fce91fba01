//! Mutants of the refusals: what must be refused is granted, or refused in another way.

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
                "calls-an-unknown-client-unauthenticated",
                "An unknown client is refused with 401.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if response.body.contains("invalid client") {
                        response.status = 401;
                    }
                }),
            ),
            (
                "takes-old-id-tokens",
                "An id_token is good for another hour.",
                &[],
                &[],
                Fault::Tenant(|tenant| tenant.delegation.leeway_seconds = 3600),
            ),
            (
                "takes-id-tokens-for-one-second-more",
                "An id_token is good in the second in which it ends.",
                &[],
                &[],
                Fault::Tenant(|tenant| tenant.delegation.leeway_seconds += 1),
            ),
            (
                "lets-every-client-ask",
                "A target's list of allowed clients means nothing.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.values_mut().for_each(|client| client.allowed_clients.clear())
                }),
            ),
            (
                "lets-no-listed-client-ask",
                "A target with a list of allowed clients allows nobody.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant
                        .clients
                        .values_mut()
                        .for_each(|client| client.allowed_clients.iter_mut().for_each(|id| id.push('x')))
                }),
            ),
            (
                "lets-blocked-users-in",
                "A blocked user is served.",
                &[],
                &[],
                Fault::Tenant(|tenant| tenant.users.values_mut().for_each(|user| user.blocked = false)),
            ),
            (
                "lets-third-parties-in",
                "A third-party client is served.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.values_mut().for_each(|client| client.is_first_party = true)
                }),
            ),
            (
                "asks-for-no-grant",
                "A client without the legacy grant is served.",
                &[],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.values_mut().for_each(|client| client.grants.id_token = true)
                }),
            ),
            (
                "serves-where-it-is-off",
                "A tenant that switched delegation off is served.",
                &[],
                &[],
                Fault::Tenant(|tenant| tenant.delegation.enabled = true),
            ),
            (
                "ignores-oidc-conformance",
                "OIDC-conformant clients take part.",
                &[Feature::App],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.values_mut().for_each(|client| client.oidc_conformant = false)
                }),
            ),
            (
                "answers-on-any-host",
                "A host that no tenant has is served.",
                &[],
                &[],
                Fault::Request(|request, document| request.host = document.domain().to_owned()),
            ),
            (
                "takes-any-grant-type",
                "Another grant type is taken for the one that is served.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    parameters(request, |own| {
                        if own.contains_key("grant_type") {
                            own.insert("grant_type".to_owned(), JWT_BEARER.into());
                        }
                    })
                }),
            ),
            (
                "needs-no-grant-type",
                "A request without grant_type is served.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    parameters(request, |own| {
                        own.entry("grant_type").or_insert(JWT_BEARER.into());
                    })
                }),
            ),
            (
                "takes-an-unknown-target-for-the-caller",
                "An unknown target means the target of last resort.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    parameters(request, |own| replace(own, "target", "nobody", "target"))
                }),
            ),
            (
                "takes-an-unknown-api-type-for-the-default",
                "An unknown api_type means the default.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    parameters(request, |own| replace(own, "api_type", "no_such_type", ""))
                }),
            ),
            (
                "prefers-the-id-token",
                "Of two tokens at once one is taken.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    parameters(request, |own| {
                        if own.contains_key("id_token") {
                            own.shift_remove("refresh_token");
                        }
                    })
                }),
            ),
            (
                "reads-any-content-type",
                "A body of any type is read as JSON.",
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
                "describes-nothing",
                "A refusal has no description.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    refusal(response, |body| {
                        body.shift_remove("error_description");
                    })
                }),
            ),
            (
                "describes-everything-alike",
                "Every refusal has the same description.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    refusal(response, |body| {
                        body.insert("error_description".to_owned(), "no".into());
                    })
                }),
            ),
            (
                "adds-a-stack-trace",
                "A refusal brings more than error and description.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    refusal(response, |body| {
                        body.insert("trace".to_owned(), "at line 7".into());
                    })
                }),
            ),
            (
                "answers-every-fault-with-500",
                "Whatever is wrong is answered with 500.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if (400..500).contains(&response.status) {
                        response.status = 500;
                    }
                }),
            ),
            (
                "forgets-failures",
                "A request that was refused is not recorded.",
                &[],
                &[],
                Fault::Audit(|event| if event.refusal.is_some() { Vec::new() } else { vec![event] }),
            ),
            (
                "records-everything-twice",
                "Every request is recorded twice.",
                &[],
                &[],
                Fault::Audit(|event| vec![event.clone(), event]),
            ),
            (
                "records-failures-as-successes",
                "A refused delegation is recorded as a good one.",
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

/// Changes the parameters of a delegation in JSON.
fn parameters(request: &mut Request, change: impl FnOnce(&mut Map<String, Value>)) {
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

fn refusal(response: &mut Response, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(mut body) = response.object()
        && body.contains_key("error")
    {
        change(&mut body);
        response.body = Value::Object(body).to_string();
    }
}
