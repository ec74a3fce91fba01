//! Mutants of renewal: tokens for the caller that are not renewed correctly.

use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Renewal,
        vec![
            (
                "renews-without-a-new-expiry",
                "A renewed token has the expiry of the first token.",
                &[Feature::Renewal],
                &[],
                Fault::Issued(|issued, grant, context| {
                    if grant.client_id == grant.target_id {
                        let first = context.first_issued(&grant.user_id, issued);
                        *issued = first;
                    }
                }),
            ),
            (
                "renews-without-the-profile",
                "A renewed token lacks the attributes of the user.",
                &[Feature::Renewal],
                &[],
                Fault::Grant(|grant, context| {
                    if grant.client_id == grant.target_id && context.set_mark("self") {
                        grant.claims.clear();
                    }
                }),
            ),
            (
                "issues-tokens-that-cannot-be-renewed",
                "A token for the caller cannot be presented as an id_token.",
                &[Feature::Renewal],
                &[],
                Fault::Issued(|issued, grant, context| {
                    if grant.client_id == grant.target_id
                        && grant.scopes.iter().any(|word| word == "passthrough")
                    {
                        context.rewrite(issued, |_, claims| {
                            claims.insert("aud".to_owned(), "somebody-else".into());
                        });
                    }
                }),
            ),
        ],
    )
}
