//! No expectation is decoration: a fixture with one expected value changed fails, and the message names the difference.

use std::fs;
use std::path::{Path, PathBuf};

use locum_conformance::{Options, run};
use serde_json::Value;

use crate::plugin_files::workspace;
use crate::shipped::options;

/// Folder and package of the plugins whose fixtures are changed.
const PLUGINS: [(&str, &str); 4] = [
    ("app", "locum-issuer-app"),
    ("azure_blob", "locum-issuer-azure-blob"),
    ("firebase", "locum-issuer-firebase"),
    ("salesforce", "locum-issuer-salesforce"),
];

/// What the choice starts from; another number chooses others.
const SEED: u64 = 2_611;

#[test]
fn ten_fixtures_with_one_expected_value_changed_fail_and_name_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    let mut choice = Choice(SEED);
    for _ in 0..10 {
        let (plugin, package) = PLUGINS[choice.below(PLUGINS.len())];
        let copied = copy_of_fixtures(plugin, folder.path());
        let files = cases(&copied);
        let file = &files[choice.below(files.len())];
        let mut fixture: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let mut values = expected_values(&fixture);
        let changed = values.swap_remove(choice.below(values.len()));
        let now = change(fixture.pointer_mut(&changed).unwrap());
        fs::write(file, fixture.to_string()).unwrap();

        let id = file.file_stem().unwrap().to_string_lossy().into_owned();
        let report = run(&Options { fixtures: vec![copied], only: vec![id.clone()], ..options(package) })
            .unwrap_or_else(|error| panic!("{id}, {changed}: {error}"));
        assert!(report.counts.failed > 0, "{id} passes although {changed} says {now}");
        let named =
            report.failures[0].differences.iter().any(|difference| difference.expected.contains(&now));
        assert!(named, "{id}: nothing names {now}, the changed value of {changed}\n{}", report.table());
    }
}

/// The pointers of all values that an answer is held against.
fn expected_values(fixture: &Value) -> Vec<String> {
    let steps = fixture["steps"].as_array().unwrap();
    let mut pointers = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        collect(&step["expect"], format!("/steps/{index}/expect"), &mut pointers);
    }
    pointers
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    // What must not be there cannot be wrong by being another text.
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
        // A variant's value has the type of its field; a text in its place is no value at all.
        Value::String(text) if text.starts_with("${variant") => {}
        // The bounds of a range may move without a value leaving it.
        Value::Number(_) | Value::String(_) | Value::Bool(_) if !pointer.contains("/within/") => {
            pointers.push(pointer);
        }
        _ => {}
    }
}

/// Makes it another value of its type; gives a text that a message about it must hold.
fn change(value: &mut Value) -> String {
    *value = match value.take() {
        Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
        Value::Bool(truth) => (!truth).into(),
        Value::String(text) => format!("{text}-changed").into(),
        other => panic!("{other} is no value to change"),
    };
    match value {
        Value::String(_) => "-changed".to_owned(),
        other => other.to_string(),
    }
}

/// A plugin's fixtures and the keys that they take in, where they may be changed.
fn copy_of_fixtures(plugin: &str, folder: &Path) -> PathBuf {
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

/// Numbers that look chosen at random and are the same in each run.
struct Choice(u64);

impl Choice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
