//! A mutant: one fault with its id, and the issuers that it applies to.

use serde_json::{Map, Value};

use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::profile::Profile;

/// One fault that the suite must detect.
#[derive(Clone, Copy)]
pub(crate) struct Mutant {
    /// The id, in kebab case: what the faulty implementation does.
    pub(crate) id: &'static str,
    /// What is wrong, in one sentence.
    pub(crate) description: &'static str,
    /// The profile whose cases must detect it.
    pub(crate) profile: Profile,
    /// The mutant applies to issuers with all these features only.
    pub(crate) needs: &'static [Feature],
    /// The mutant does not apply to issuers with one of these features.
    pub(crate) needs_not: &'static [Feature],
    /// The fault.
    pub(crate) fault: Fault,
}

/// Id, description, needed features, excluded features, and the fault.
pub(crate) type Entry = (&'static str, &'static str, &'static [Feature], &'static [Feature], Fault);

impl Mutant {
    /// The mutants of a profile.
    pub(crate) fn all_of(profile: Profile, entries: Vec<Entry>) -> Vec<Self> {
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

/// Removes the last member.
pub(crate) fn drop_last(members: &mut Map<String, Value>) {
    if let Some(last) = members.keys().next_back().cloned() {
        members.shift_remove(&last);
    }
}
