//! Mutants of the defences against malicious requests: each removes one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

use crate::exchange::message::Request;
use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::fixtures::tested_tenant::TestedTenant;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Hostile,
        vec![
            (
                "accepts-duplicate-json-keys",
                "The last one of duplicate JSON keys is used.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if let Ok(lenient) = serde_json::from_str::<Value>(&request.body) {
                        request.body = lenient.to_string();
                    }
                }),
            ),
            (
                "accepts-duplicate-form-fields",
                "The first one of duplicate form fields is used.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if request.body.starts_with("client_id=caller&client_id=caller&") {
                        request.body = request.body.replacen("client_id=caller&", "", 1);
                    }
                }),
            ),
            (
                "accepts-deeply-nested-json",
                "JSON of any depth is read.",
                &[],
                &[],
                Fault::Request(|request, _| remove_parameter(request, "deep")),
            ),
            (
                "accepts-bodies-of-any-size",
                "A body of any size is read.",
                &[],
                &[],
                Fault::Request(|request, _| remove_parameter(request, "padding")),
            ),
            (
                "ignores-signatures",
                "The signature of an id_token is not verified.",
                &[],
                &[],
                Fault::Request(|request, tenant| resign(request, tenant, |_, _| {})),
            ),
            (
                "accepts-alg-none",
                "An id_token with the algorithm none is accepted.",
                &[],
                &[],
                Fault::Request(|request, tenant| {
                    resign(request, tenant, |header, claims| {
                        if !header
                            .get("alg")
                            .and_then(Value::as_str)
                            .is_some_and(|alg| alg.eq_ignore_ascii_case("none"))
                        {
                            claims.clear();
                        }
                    })
                }),
            ),
            (
                "ignores-critical-extensions",
                "The header crit of an id_token is ignored.",
                &[],
                &[],
                Fault::Request(|request, tenant| {
                    resign(request, tenant, |header, claims| {
                        if header.shift_remove("crit").is_none() {
                            claims.clear();
                        }
                    })
                }),
            ),
            (
                "accepts-one-audience-of-several",
                "An id_token with several audiences is accepted.",
                &[],
                &[],
                Fault::Request(|request, tenant| {
                    resign(request, tenant, |_, claims| {
                        if claims.get("aud").is_some_and(Value::is_array) {
                            claims.insert("aud".to_owned(), json!(tenant.roles.caller));
                        } else {
                            claims.clear();
                        }
                    })
                }),
            ),
            (
                "accepts-user-ids-with-control-characters",
                "A user id may contain control characters.",
                &[],
                &[],
                Fault::Request(|request, tenant| {
                    resign(request, tenant, |_, claims| match claims.get("sub").and_then(Value::as_str) {
                        Some(sub) if sub.contains('\n') => {
                            let sub = sub.replace('\n', "");
                            claims.insert("sub".to_owned(), sub.into());
                        }
                        _ => claims.clear(),
                    })
                }),
            ),
            (
                "lets-a-parameter-choose-the-user",
                "The request parameter user_id chooses the user of the credential.",
                &[Feature::App],
                &[],
                Fault::Grant(|grant, _| {
                    if let Some(Value::String(user)) = grant.parameters.get("user_id") {
                        grant.user_id = user.clone();
                    }
                }),
            ),
            (
                "lets-a-parameter-choose-the-lifetime",
                "The request parameter lifetime_seconds chooses the lifetime of the credential.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Issued(|issued, grant, _| {
                    if grant.parameters.contains_key("lifetime_seconds") {
                        issued.expires_at = Some(9_000_000_000);
                    }
                }),
            ),
            (
                "refuses-control-characters-in-parameters",
                "A parameter with a control character is refused.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if request.body.contains("\\u001b") {
                        request.body.clear();
                    }
                }),
            ),
            (
                "cuts-audit-events-at-a-line-break",
                "A text in an audit event ends at a line break.",
                &[],
                &[],
                Fault::Audit(|mut event| {
                    event.device =
                        event.device.map(|device| device.lines().next().unwrap_or_default().to_owned());
                    vec![event]
                }),
            ),
        ],
    )
}

/// Removes a parameter.
fn remove_parameter(request: &mut Request, name: &str) {
    if let Ok(mut parameters) = serde_json::from_str::<Map<String, Value>>(&request.body)
        && parameters.shift_remove(name).is_some()
    {
        request.body = Value::Object(parameters).to_string();
    }
}

/// Changes the presented id_token and signs it with the caller's key. If the change clears the claims, the token
/// stays as it is.
fn resign(
    request: &mut Request,
    tenant: &TestedTenant,
    change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
) {
    let Ok(Value::Object(mut parameters)) = serde_json::from_str(&request.body) else { return };
    let Some(token) = parameters.get("id_token").and_then(Value::as_str) else { return };
    let mut parts = token
        .split('.')
        .map(|part| serde_json::from_slice::<Map<String, Value>>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok());
    let (Some(Some(mut header)), Some(Some(mut claims))) = (parts.next(), parts.next()) else { return };
    change(&mut header, &mut claims);
    if claims.is_empty() {
        return;
    }
    let message = [json!({"alg": "HS256"}), Value::Object(claims)]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
        .join(".");
    let key = EncodingKey::from_secret(tenant.caller_secret());
    if let Ok(signature) = crypto::sign(message.as_bytes(), &key, Algorithm::HS256) {
        parameters.insert("id_token".to_owned(), format!("{message}.{signature}").into());
        request.body = Value::Object(parameters).to_string();
    }
}
