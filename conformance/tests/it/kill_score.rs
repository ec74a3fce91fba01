//! The suite bites: every fault that is put into a plugin's way is noticed, and each profile is there for something.

use std::collections::BTreeSet;

use locum_conformance::report::Fate;
use locum_conformance::{Profile, run_with_mutants, survivor_without};

use crate::shipped::options;

/// No mutant survives; gives the names of those that were killed.
fn killed(package: &str) -> BTreeSet<String> {
    let report = run_with_mutants(&options(package)).unwrap();
    assert_eq!(report.counts.failed, 0, "{}", report.table());
    let score = report.kill_score.as_ref().unwrap();
    assert_eq!(score.survived, 0, "{}", report.table());
    assert_eq!(report.exit_code(), 0);
    let killed = score.mutants.iter().filter(|mutant| matches!(mutant.fate, Fate::Killed { .. }));
    killed.map(|mutant| mutant.mutant.clone()).collect()
}

#[test]
fn no_mutant_of_app_survives() {
    assert!(killed("locum-plugin-app").len() >= 40);
}

#[test]
fn no_mutant_of_an_issuer_that_calls_upstreams_survives() {
    for package in ["locum-plugin-aws", "locum-plugin-salesforce-api", "locum-plugin-sap-api"] {
        killed(package);
    }
}

#[test]
fn no_mutant_of_an_issuer_that_signs_for_azure_survives() {
    for package in ["locum-plugin-azure-blob", "locum-plugin-azure-sb", "locum-plugin-wams"] {
        killed(package);
    }
}

#[test]
fn no_mutant_of_an_issuer_with_a_key_of_its_own_survives() {
    for package in ["locum-plugin-firebase", "locum-plugin-layer"] {
        killed(package);
    }
}

/// Between them these plugins have every feature.
#[test]
fn without_the_cases_of_any_one_profile_a_mutant_survives() {
    let plugins = [options("locum-plugin-app"), options("locum-plugin-salesforce-api")];
    for profile in Profile::ALL {
        let survivor = plugins.iter().find_map(|plugin| survivor_without(plugin, profile).unwrap());
        assert!(survivor.is_some(), "no mutant needs the cases of the profile {profile}");
    }
}
