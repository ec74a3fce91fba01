//! The mutation score: the suite detects every mutant, and every profile is needed for that.

use locum_conformance::report::{MutantResult, to_table};
use locum_conformance::{Profile, run_with_mutants, survivor_without};

use crate::shipped::{for_every_shipped_plugin, options};

/// Minimum number of mutants that apply to the plugin `app`.
const MUTANTS_OF_APP_MIN: usize = 40;

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
    });
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
