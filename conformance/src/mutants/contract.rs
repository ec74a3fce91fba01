//! Mutants of the contract: settings that are not validated, credentials with another form or content.

use locum_abi::answer::Credential;
use serde_json::{Map, Value};

use crate::exchange::message::Response;
use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::{Mutant, drop_last};
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Contract,
        vec![
            (
                "accepts-unknown-settings",
                "Settings that the schema does not define are ignored instead of refused.",
                &[],
                &[],
                Fault::Configuration(|configuration, manifest| {
                    let known = manifest.settings_schema.get("properties").and_then(Value::as_object);
                    configuration
                        .settings
                        .retain(|name, _| known.is_some_and(|known| known.contains_key(name)));
                }),
            ),
            (
                "accepts-all-settings",
                "Settings that the issuer refuses are accepted.",
                &[],
                &[],
                Fault::AcceptsAllSettings,
            ),
            (
                "refuses-settings-without-a-pointer",
                "A refusal of settings has no pointer to the setting.",
                &[],
                &[],
                Fault::Refusal(|mut failure, _| {
                    failure.pointer = None;
                    failure
                }),
            ),
            (
                "issues-different-credentials-for-equal-grants",
                "Two equal grants give two different credentials.",
                &[],
                &[],
                Fault::Issued(|issued, _, context| {
                    let count = context.next_number();
                    match &mut issued.credential {
                        Credential::Text(text) => text.push_str(&format!("&n={count}")),
                        Credential::Object(object) => {
                            object.insert("n".to_owned(), count.into());
                        }
                        Credential::Jwt(_) => context.rewrite(issued, |_, claims| {
                            claims.insert("jti".to_owned(), count.to_string().into());
                        }),
                    }
                }),
            ),
            (
                "adds-a-claim",
                "The token has an additional claim.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("admin".to_owned(), true.into());
                    })
                }),
            ),
            (
                "drops-the-last-claim",
                "The token lacks its last claim.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        drop_last(claims);
                    })
                }),
            ),
            (
                "sets-the-audience-to-the-caller",
                "The audience of the token is the caller instead of the target.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, grant, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("aud".to_owned(), grant.client_id.as_str().into());
                    })
                }),
            ),
            (
                "drops-the-authorized-party",
                "The token lacks the claim azp.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.shift_remove("azp");
                    })
                }),
            ),
            (
                "drops-the-slash-of-the-issuer",
                "The claim iss lacks its trailing slash.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        let issuer = claims
                            .get("iss")
                            .and_then(Value::as_str)
                            .unwrap_or_default()
                            .trim_end_matches('/')
                            .to_owned();
                        claims.insert("iss".to_owned(), issuer.into());
                    })
                }),
            ),
            (
                "changes-the-subject",
                "The subject of the token is another user.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("sub".to_owned(), "auth0|mallory".into());
                    })
                }),
            ),
            (
                "issues-with-alg-none",
                "The token has the algorithm none and no signature.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |header, _| {
                        header.insert("alg".to_owned(), "none".into());
                    })
                }),
            ),
            (
                "breaks-the-signature",
                "The signature of the token is not valid.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Jwt(token) = &mut issued.credential {
                        let cut = token.len() - 4;
                        token.truncate(cut);
                        token.push_str("AAAA");
                    }
                }),
            ),
            (
                "drops-the-key-id",
                "The header of an RS256 token lacks the key id.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |header, _| {
                        header.shift_remove("kid");
                    })
                }),
            ),
            (
                "adds-a-query-parameter",
                "The text has an additional parameter.",
                &[Feature::Text],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Text(text) = &mut issued.credential {
                        text.push_str("&more=1");
                    }
                }),
            ),
            (
                "drops-the-last-query-parameter",
                "The text lacks its last parameter, or its last part if it has no parameters.",
                &[Feature::Text],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Text(text) = &mut issued.credential
                        && let Some(at) = text.rfind('&').or_else(|| text.rfind('.'))
                    {
                        text.truncate(at);
                    }
                }),
            ),
            (
                "adds-a-member",
                "The object has a member that the upstream did not send.",
                &[Feature::Object],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Object(object) = &mut issued.credential {
                        object.insert("more".to_owned(), 1.into());
                    }
                }),
            ),
            (
                "drops-a-member",
                "The object lacks a member that the upstream sent.",
                &[Feature::Object],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Object(object) = &mut issued.credential {
                        drop_last(object);
                    }
                }),
            ),
            (
                "issues-another-form",
                "The form of the credential is not the one that the manifest declares.",
                &[],
                &[],
                Fault::Issued(|issued, _, _| {
                    issued.credential = match &issued.credential {
                        Credential::Jwt(text) => Credential::Text(text.clone()),
                        _ => Credential::Jwt("a.b.c".to_owned()),
                    };
                }),
            ),
            (
                "adds-a-refresh-token",
                "The response has a refresh_token that was not requested.",
                &[Feature::Jwt],
                &[],
                Fault::Response(|response, _| {
                    change_issued_body(response, |body| {
                        body.insert("refresh_token".to_owned(), "r".into());
                    })
                }),
            ),
            (
                "changes-the-token-type",
                "The response states another token type.",
                &[Feature::Jwt],
                &[],
                Fault::Response(|response, _| {
                    change_issued_body(response, |body| {
                        body.insert("token_type".to_owned(), "mac".into());
                    })
                }),
            ),
            (
                "adds-an-error-to-a-credential",
                "A response with a credential also has an error.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    change_issued_body(response, |body| {
                        body.insert("error".to_owned(), "none".into());
                    })
                }),
            ),
            (
                "refuses-form-bodies",
                "A form body is not read.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if request.headers.iter().any(|(_, value)| value.contains("urlencoded")) {
                        request.body.clear();
                    }
                }),
            ),
            (
                "allows-caching-of-credentials",
                "A response with a credential lacks Cache-Control.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if response.status == 200 {
                        response.headers.retain(|(name, _)| name != "cache-control");
                    }
                }),
            ),
        ],
    )
}

/// Changes the body of a response with a credential.
fn change_issued_body(response: &mut Response, change: impl FnOnce(&mut Map<String, Value>)) {
    if response.status == 200
        && let Some(mut body) = response.object()
        && !body.contains_key("keys")
    {
        change(&mut body);
        response.body = Value::Object(body).to_string();
    }
}
