//! Mutants of the contract: credentials of another form or content, settings that are not looked at.

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
                "takes-unknown-settings",
                "A setting that no schema knows is dropped without a word.",
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
                "takes-all-settings",
                "Settings that the issuer refuses are taken.",
                &[],
                &[],
                Fault::AcceptsAllSettings,
            ),
            (
                "refuses-settings-without-a-pointer",
                "A refusal of settings does not say which setting.",
                &[],
                &[],
                Fault::Refusal(|mut failure, _| {
                    failure.pointer = None;
                    failure
                }),
            ),
            (
                "gives-another-credential-each-time",
                "The same grant gives another credential each time.",
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
                "A claim that nobody asked for stands in the token.",
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
                "The last claim is missing.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        drop_last(claims);
                    })
                }),
            ),
            (
                "swaps-the-audience",
                "The token is for the caller, not for the target.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, grant, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("aud".to_owned(), grant.client_id.as_str().into());
                    })
                }),
            ),
            (
                "drops-the-authorised-party",
                "The token does not say who asked for it.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.shift_remove("azp");
                    })
                }),
            ),
            (
                "issues-in-another-name",
                "The issuer's name lacks its last slash.",
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
                "changes-the-user",
                "The token is another user's.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("sub".to_owned(), "auth0|mallory".into());
                    })
                }),
            ),
            (
                "signs-nothing",
                "The token says alg none and has no signature.",
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
                "The signature is not the key's.",
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
                "hides-the-keys-name",
                "The header of an RS256 token does not name the key.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |header, _| {
                        header.shift_remove("kid");
                    })
                }),
            ),
            (
                "changes-the-text",
                "The text has a parameter more than it should.",
                &[Feature::Text],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Text(text) = &mut issued.credential {
                        text.push_str("&more=1");
                    }
                }),
            ),
            (
                "cuts-the-text",
                "The text lacks its last parameter.",
                &[Feature::Text],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Text(text) = &mut issued.credential
                        && let Some(at) = text.rfind('&')
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
                "answers-in-another-form",
                "The credential has another form than the manifest declares.",
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
                "The answer brings a refresh_token that nobody asked for.",
                &[Feature::Jwt],
                &[],
                Fault::Response(|response, _| {
                    issued_body(response, |body| {
                        body.insert("refresh_token".to_owned(), "r".into());
                    })
                }),
            ),
            (
                "calls-the-token-mac",
                "The answer names another token type.",
                &[Feature::Jwt],
                &[],
                Fault::Response(|response, _| {
                    issued_body(response, |body| {
                        body.insert("token_type".to_owned(), "mac".into());
                    })
                }),
            ),
            (
                "answers-token-and-error",
                "A good answer holds an error as well.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    issued_body(response, |body| {
                        body.insert("error".to_owned(), "none".into());
                    })
                }),
            ),
            (
                "reads-no-forms",
                "A request that comes as a form is not read.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if request.headers.iter().any(|(_, value)| value.contains("urlencoded")) {
                        request.body.clear();
                    }
                }),
            ),
            (
                "lets-answers-be-stored",
                "An answer with a credential may be stored by caches.",
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

/// Changes the body of an answer that brings a credential.
fn issued_body(response: &mut Response, change: impl FnOnce(&mut Map<String, Value>)) {
    if response.status == 200
        && let Some(mut body) = response.object()
        && !body.contains_key("keys")
    {
        change(&mut body);
        response.body = Value::Object(body).to_string();
    }
}
