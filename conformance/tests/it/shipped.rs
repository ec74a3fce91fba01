//! Every issuer that ships here passes.

use std::fs;

use locum_conformance::{Options, Report, Subject, run};

use crate::plugin_files::{built, workspace};

/// 2026-11-21T00:00:00Z
pub(crate) const TODAY: i64 = 1_795_219_200;

pub(crate) fn options(package: &str) -> Options {
    Options {
        subject: Subject::Plugin(built(package)),
        fixtures: Vec::new(),
        settings: None,
        only: Vec::new(),
        now_unix_seconds: TODAY,
        command: "locum conformance plugin.so".to_owned(),
    }
}

pub(crate) fn judged(package: &str) -> Report {
    run(&options(package)).unwrap_or_else(|error| panic!("{error}"))
}

fn passes(package: &str) {
    let report = judged(package);
    assert_eq!(report.exit_code(), 0, "{}", report.table());
}

#[test]
fn app_passes() {
    passes("locum-plugin-app");
}

#[test]
fn aws_passes() {
    passes("locum-plugin-aws");
}

#[test]
fn azure_blob_passes() {
    passes("locum-plugin-azure-blob");
}

#[test]
fn azure_sb_passes() {
    passes("locum-plugin-azure-sb");
}

#[test]
fn firebase_passes() {
    passes("locum-plugin-firebase");
}

#[test]
fn layer_passes() {
    passes("locum-plugin-layer");
}

#[test]
fn salesforce_passes() {
    passes("locum-plugin-salesforce-api");
}

#[test]
fn sap_api_passes() {
    passes("locum-plugin-sap-api");
}

#[test]
fn wams_passes() {
    passes("locum-plugin-wams");
}

/// A plugin that nobody tests here would be a hole in this list.
#[test]
fn every_plugin_of_this_workspace_is_judged_here() {
    let mut names: Vec<String> = fs::read_dir(workspace().join("plugins"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["app", "aws", "azure_blob", "azure_sb", "firebase", "layer", "salesforce_api", "sap_api", "wams"]
    );
}
