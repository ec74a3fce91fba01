//! The features of an issuer, and whether they satisfy a case.

use crate::cases::issuer_under_test::IssuerUnderTest;
use crate::feature::Feature;
use crate::fixtures::case::{Case, FixtureSet};

/// The features of one issuer.
pub(crate) struct Features(Vec<Feature>);

impl Features {
    pub(crate) fn of(issuer: &IssuerUnderTest<'_>) -> Self {
        let mut features = Feature::of_manifest(issuer.manifest);
        features.extend(&issuer.spec.features);
        Self(features)
    }

    /// Why a case does not apply to the issuer, if it does not.
    pub(crate) fn unmet_by_case(&self, case: &Case) -> Option<String> {
        let server = (case.set == FixtureSet::Server).then_some(Feature::App);
        let needs: Vec<Feature> = server.into_iter().chain(case.fixture.needs.iter().copied()).collect();
        self.unmet(&needs, &case.fixture.needs_not)
    }

    /// The first needed feature that is missing, or the first excluded feature that is there, as a reason.
    pub(crate) fn unmet(&self, needs: &[Feature], needs_not: &[Feature]) -> Option<String> {
        if let Some(feature) = needs.iter().find(|feature| !self.0.contains(feature)) {
            return Some(format!("needs {feature}"));
        }
        let excluded = needs_not.iter().find(|feature| self.0.contains(feature))?;
        Some(format!("is for issuers without {excluded}"))
    }
}
