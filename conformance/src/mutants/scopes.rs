//! Mutants of the scopes: more of the profile than was asked for, or less.

use locum_abi::answer::Credential;
use serde_json::Value;

use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::{Mutant, drop_last};
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Scopes,
        vec![
            (
                "tells-the-address-unasked",
                "The user's email address stands in every token.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("email".to_owned(), "alice@example.com".into());
                    })
                }),
            ),
            (
                "carries-the-nonce-over",
                "The nonce of the login stands in the token.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("nonce".to_owned(), "nonce-of-the-login".into());
                    })
                }),
            ),
            (
                "ignores-the-scope",
                "No scope selects anything.",
                &[Feature::ProfileClaims],
                &[],
                Fault::Grant(|grant, _| grant.claims.clear()),
            ),
            (
                "drops-one-selected-claim",
                "Of the claims that a scope selects one is missing.",
                &[Feature::ProfileClaims],
                &[],
                Fault::Grant(|grant, _| {
                    drop_last(&mut grant.claims);
                }),
            ),
            (
                "knows-no-aliases",
                "The target's aliases for scopes mean nothing.",
                &[Feature::ProfileClaims],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.values_mut().for_each(|client| client.scope_aliases.clear())
                }),
            ),
            (
                "forgets-stored-users",
                "The stored profile fills in nothing.",
                &[Feature::ProfileClaims],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.users.values_mut().for_each(|user| {
                        if !user.blocked {
                            user.profile.clear();
                        }
                    })
                }),
            ),
            (
                "refuses-unknown-words",
                "A scope word that selects nothing is refused.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if request.body.contains("no_such_attribute") {
                        request.body.clear();
                    }
                }),
            ),
            (
                "tells-the-profile-in-the-text",
                "The user's name stands in the credential, whatever the scope.",
                &[Feature::Text],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Text(text) = &mut issued.credential {
                        text.push_str("&name=Alice Adams");
                    }
                }),
            ),
            (
                "reads-no-profile",
                "Attributes that the manifest reads never reach the issuer.",
                &[Feature::ReadsProfile],
                &[],
                Fault::Grant(|grant, _| grant.profile.clear()),
            ),
            (
                "lets-a-profile-replace-the-party",
                "An attribute named azp replaces the token's own.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, grant, context| {
                    if grant.scopes.iter().any(|word| word == "all") {
                        context.rewrite(issued, |_, claims| {
                            claims.insert("azp".to_owned(), Value::from("mallory"));
                        });
                    }
                }),
            ),
        ],
    )
}
