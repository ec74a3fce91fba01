//! Every issuer that ships here passes.

use locum_conformance::{Options, Report, Subject, run};

use crate::plugin_files::built;

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
    passes("locum-issuer-app");
}

#[test]
fn firebase_passes() {
    passes("locum-issuer-firebase");
}

#[test]
fn azure_blob_passes() {
    passes("locum-issuer-azure-blob");
}
