//! Mutants of renewal: tokens for the caller itself that bring no fresh life.

use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Renewal,
        vec![
            (
                "renews-without-a-fresh-life",
                "A renewed token ends when the first one did.",
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
                "A renewed token says less of its user than the first one.",
                &[Feature::Renewal],
                &[],
                Fault::Grant(|grant, context| {
                    if grant.client_id == grant.target_id && context.was_marked("self") {
                        grant.claims.clear();
                    }
                }),
            ),
            (
                "renews-nothing",
                "A token for the caller itself cannot be presented again.",
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
