//! The mutants: every way in which the suite must notice that something is wrong.

mod contract;
mod errors;
mod expiry;
mod hostile;
mod http;
mod non_revocability;
mod rate_limit;
mod renewal;
mod revocation;
mod scopes;
mod secrets;
mod upstream_faults;

use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::profile::{Feature, Profile};

/// One fault, and what it is called.
#[derive(Clone, Copy)]
pub(crate) struct Mutant {
    /// A name in kebab case.
    pub(crate) id: &'static str,
    /// One sentence: what is wrong.
    pub(crate) description: &'static str,
    /// Whose cases must notice it.
    pub(crate) profile: Profile,
    /// The features of issuers that it can be put into.
    pub(crate) needs: &'static [Feature],
    /// The features of issuers that it cannot be put into.
    pub(crate) needs_not: &'static [Feature],
    /// The fault itself.
    pub(crate) fault: Fault,
}

/// All mutants, by profile.
pub(crate) fn all() -> Vec<Mutant> {
    [
        contract::mutants(),
        scopes::mutants(),
        expiry::mutants(),
        non_revocability::mutants(),
        revocation::mutants(),
        rate_limit::mutants(),
        errors::mutants(),
        renewal::mutants(),
        upstream_faults::mutants(),
        hostile::mutants(),
        secrets::mutants(),
        http::mutants(),
    ]
    .concat()
}

/// Takes the last member away.
fn drop_last(members: &mut Map<String, Value>) {
    if let Some(last) = members.keys().next_back().cloned() {
        members.shift_remove(&last);
    }
}

/// Name, fault, needed and unwanted features, and the fault itself.
type Entry = (&'static str, &'static str, &'static [Feature], &'static [Feature], Fault);

impl Mutant {
    /// The mutants of a profile.
    fn all_of(profile: Profile, entries: Vec<Entry>) -> Vec<Self> {
        let entries = entries.into_iter();
        entries
            .map(|(id, description, needs, needs_not, fault)| Self {
                id,
                description,
                profile,
                needs,
                needs_not,
                fault,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_mutants_have_one_name() {
        let mutants = all();
        let names: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.id).collect();
        assert_eq!(names.len(), mutants.len());
        assert!(mutants.len() >= 40, "{}", mutants.len());
    }

    #[test]
    fn every_profile_has_mutants() {
        for profile in Profile::ALL {
            assert!(all().iter().any(|mutant| mutant.profile == profile), "{profile}");
        }
    }
}
