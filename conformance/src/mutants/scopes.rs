//! Mutants of the scopes: more or fewer attributes of the user than requested.

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
                "adds-the-email-to-every-token",
                "Every token has the user's email address.",
                &[Feature::App],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        claims.insert("email".to_owned(), "alice@example.com".into());
                    })
                }),
            ),
            (
                "copies-the-nonce-of-the-login",
                "The token has the nonce of the login.",
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
                "The scope selects no claims.",
                &[Feature::ProfileClaims],
                &[],
                Fault::Grant(|grant, _| grant.claims.clear()),
            ),
            (
                "drops-one-selected-claim",
                "One of the claims that the scope selects is missing.",
                &[Feature::ProfileClaims],
                &[],
                Fault::Grant(|grant, _| {
                    drop_last(&mut grant.claims);
                }),
            ),
            (
                "ignores-scope-aliases",
                "The target's scope aliases are ignored.",
                &[Feature::ProfileClaims],
                &[],
                Fault::Tenant(|tenant| {
                    tenant.clients.iter_mut().for_each(|client| client.scope_aliases.clear())
                }),
            ),
            (
                "ignores-stored-profiles",
                "Attributes of the stored user are not used.",
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
                "refuses-unknown-scopes",
                "A scope that selects nothing is refused.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if request.body.contains("no_such_attribute") {
                        request.body.clear();
                    }
                }),
            ),
            (
                "adds-the-name-to-the-text",
                "The text has the user's name, whatever the scope.",
                &[Feature::Text],
                &[],
                Fault::Issued(|issued, _, _| {
                    if let Credential::Text(text) = &mut issued.credential {
                        text.push_str("&name=Alice Adams");
                    }
                }),
            ),
            (
                "withholds-the-profile-from-the-issuer",
                "The attributes that the manifest reads are not passed to the issuer.",
                &[Feature::ReadsProfile],
                &[],
                Fault::Grant(|grant, _| grant.profile.clear()),
            ),
            (
                "lets-an-attribute-replace-azp",
                "A user attribute named azp replaces the token's claim.",
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
