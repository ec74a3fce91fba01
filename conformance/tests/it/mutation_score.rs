//! The mutation score: the suite detects every mutant, and every profile is needed for that.

use std::fs;

use locum_conformance::report::{MutantResult, to_table};
use locum_conformance::{Options, Profile, Report, run_with_mutants, survivor_without};

use crate::changed_values::copy_of_fixtures;
use crate::plugin_files::{ShippedPlugin, workspace};
use crate::shipped::{for_every_shipped_plugin, options};

/// Minimum number of mutants that apply to the plugin `app`.
const MUTANTS_OF_APP_MIN: usize = 40;

/// The plugins that make requests, and how many mutants these have at least.
const REQUEST_MUTANTS_MIN: [(&str, usize); 6] =
    [("aws", 18), ("entra", 14), ("gcp", 51), ("github_app", 13), ("salesforce_api", 22), ("sap_api", 15)];

#[test]
fn no_mutant_of_a_shipped_plugin_survives() {
    for_every_shipped_plugin(|plugin| {
        let report = run_with_mutants(&options(&plugin.package)).unwrap();
        let table = to_table(&report);
        assert_eq!(report.counts.failed, 0, "{}: {table}", plugin.folder);
        let score = report.mutation_score.as_ref().unwrap();
        assert_eq!(score.survived, 0, "{}: {table}", plugin.folder);
        assert_eq!(report.exit_code(), 0, "{}: {table}", plugin.folder);
        let killed =
            score.mutants.iter().filter(|mutant| matches!(mutant.result, MutantResult::Killed { .. }));
        assert_eq!(killed.count(), score.killed, "{}: {table}", plugin.folder);
        if plugin.folder == "app" {
            assert!(score.killed >= MUTANTS_OF_APP_MIN, "{table}");
        }
        check_requests(plugin, &report);
    });
}

/// No mutant of its requests survives, and a plugin that makes requests has some.
fn check_requests(plugin: &ShippedPlugin, report: &Report) {
    let score = report.request_mutation_score.as_ref();
    assert_eq!(score.map_or(0, |score| score.survived), 0, "{}: {}", plugin.folder, to_table(report));
    let killed = score.map_or(0, |score| score.killed);
    match REQUEST_MUTANTS_MIN.iter().find(|(folder, _)| *folder == plugin.folder) {
        Some((_, minimum)) => assert!(killed >= *minimum, "{}: {killed}", plugin.folder),
        None => assert!(score.is_none(), "{} makes requests", plugin.folder),
    }
}

#[test]
fn a_request_whose_expiry_no_fixture_states_has_a_mutant_that_survives() {
    let survivors = |spec: &str| {
        let folder = tempfile::tempdir().unwrap();
        let copied = copy_of_fixtures("salesforce_api", folder.path());
        fs::write(copied.join("plugin.yaml"), spec).unwrap();
        let only = ["a-token-is-requested-by-the-jwt-bearer-grant", "a-token-is-revoked-where-it-was-issued"];
        let only = only.map(str::to_owned).to_vec();
        let options = Options { fixtures: vec![copied], only, ..options("locum-plugin-salesforce-api") };
        let report = run_with_mutants(&options).unwrap();
        let mutants = report.request_mutation_score.unwrap().mutants.into_iter();
        let survived = mutants.filter(|mutant| mutant.result == MutantResult::Survived);
        survived.map(|mutant| mutant.mutant).collect::<Vec<_>>()
    };
    let spec = fs::read_to_string(workspace().join("fixtures/salesforce_api/plugin.yaml")).unwrap();
    assert_eq!(survivors(&spec), [""; 0]);
    let expiry = "              exp: \"${now+120}\"\n";
    assert_eq!(spec.matches(expiry).count(), 2);
    assert_eq!(
        survivors(&spec.replace(expiry, "")),
        [
            "delegation-1/form/assertion/exp/other (salesforce_api)",
            "delegation-1/form/assertion/exp/other (salesforce_sandbox_api)"
        ]
    );
}

/// Between them these two plugins have every feature.
#[test]
fn without_the_cases_of_any_one_profile_a_mutant_survives() {
    let plugins = [options("locum-plugin-app"), options("locum-plugin-salesforce-api")];
    for profile in Profile::ALL {
        let survivor = plugins.iter().find_map(|plugin| survivor_without(plugin, profile).unwrap());
        assert!(survivor.is_some(), "no mutant needs the cases of the profile {profile}");
    }
}
