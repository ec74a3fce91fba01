//! The catalogue: all mutants, ordered by profile.

use crate::mutants::mutant::Mutant;
use crate::mutants::{
    contract, errors, expiry, hostile, http, non_revocability, rate_limit, renewal, revocation, scopes,
    secrets, upstream_faults,
};

/// All mutants, ordered by profile.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::profile::Profile;

    #[test]
    fn every_mutant_has_its_own_id() {
        let mutants = all();
        let ids: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.id).collect();
        assert_eq!(ids.len(), mutants.len());
        assert!(mutants.len() >= 40, "{}", mutants.len());
    }

    #[test]
    fn every_profile_has_mutants() {
        for profile in Profile::ALL {
            assert!(all().iter().any(|mutant| mutant.profile == profile), "{profile}");
        }
    }
}
