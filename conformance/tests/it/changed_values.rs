//! Every expectation counts: a fixture with one changed expected value fails, and the report names the difference.

use std::fs;
use std::path::{Path, PathBuf};

use locum_conformance::report::to_table;
use locum_conformance::{Options, run};
use serde_json::Value;

use crate::plugin_files::{ShippedPlugin, workspace};
use crate::shipped::{for_every_shipped_plugin, options};

/// The seed of the pseudo-random selection.
const SEED: u64 = 2_611;

/// How many fixtures of each plugin are changed.
const FIXTURES_PER_PLUGIN: usize = 2;

#[test]
fn a_fixture_with_one_changed_expected_value_fails_and_names_the_difference() {
    for_every_shipped_plugin(|plugin| {
        let mut selection = Selection(SEED);
        for _ in 0..FIXTURES_PER_PLUGIN {
            change_one_value(plugin, &mut selection);
        }
    });
}

fn change_one_value(plugin: &ShippedPlugin, selection: &mut Selection) {
    let folder = tempfile::tempdir().unwrap();
    let copied = copy_of_fixtures(&plugin.folder, folder.path());
    let mut files = cases(&copied);
    let file = files.swap_remove(selection.below(files.len()));
    let mut fixture: Value = serde_saphyr::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let mut values = expected_values(&fixture);
    let pointer = values.swap_remove(selection.below(values.len()));
    let changed = change(fixture.pointer_mut(&pointer).unwrap());
    fs::write(&file, fixture.to_string()).unwrap();

    let id = file.file_stem().unwrap().to_string_lossy().into_owned();
    let report = run(&Options { fixtures: vec![copied], only: vec![id.clone()], ..options(&plugin.package) })
        .unwrap_or_else(|error| panic!("{id}, {pointer}: {error}"));
    assert!(report.counts.failed > 0, "{id} passes although {pointer} is {changed}");
    let mut differences = report.failures.iter().flat_map(|failure| &failure.differences);
    let named = differences.any(|difference| difference.expected.contains(&changed));
    assert!(named, "{id}: no difference names {changed}, the value of {pointer}\n{}", to_table(&report));
}

/// JSON pointers of all expected values.
fn expected_values(fixture: &Value) -> Vec<String> {
    let steps = fixture["steps"].as_array().unwrap();
    let mut pointers = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        collect(&step["expect"], format!("/steps/{index}/expect"), &mut pointers);
    }
    pointers
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    // A changed text that must be absent is absent too; a changed key is tested elsewhere.
    let absence = ["/never_holds", "/never_seen", "/lacks", "/verifies_with"];
    if absence.iter().any(|absence| pointer.ends_with(absence)) {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(member, format!("{pointer}/{name}"), pointers);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{pointer}/{index}"), pointers);
            }
        }
        // Another text is not a value of the field's type.
        Value::String(text) if text.starts_with("${variant") => {}
        // A value may stay inside a changed range.
        Value::Number(_) | Value::String(_) | Value::Bool(_) if !pointer.contains("/within/") => {
            pointers.push(pointer);
        }
        _ => {}
    }
}

/// Changes a value to another of its type. Returns a text that the report of the difference must contain.
fn change(value: &mut Value) -> String {
    *value = match value.take() {
        Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
        Value::Bool(truth) => (!truth).into(),
        Value::String(text) => format!("{text}-changed").into(),
        other => panic!("{other} cannot be changed"),
    };
    match value {
        Value::String(_) => "-changed".to_owned(),
        other => other.to_string(),
    }
}

/// A copy of a plugin's fixtures and of the key files that they include.
pub(crate) fn copy_of_fixtures(plugin: &str, folder: &Path) -> PathBuf {
    for name in [plugin, "keys"] {
        fs::create_dir_all(folder.join(name)).unwrap();
        for entry in fs::read_dir(workspace().join("fixtures").join(name)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.join(name).join(entry.file_name())).unwrap();
        }
    }
    folder.join(plugin)
}

/// The cases with steps, sorted.
fn cases(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "yaml"))
        .filter(|file| fs::read_to_string(file).unwrap().contains("\nsteps:"))
        .collect();
    files.sort();
    files
}

/// Pseudo-random numbers, the same in each run.
struct Selection(u64);

impl Selection {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
