//! The profile `token-exchange` against Locum's own server, and against the same with one fault at a time.

mod documented;
mod faults;
mod faulty_server;
mod subject_tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use locum_conformance::report::{to_html, to_junit, to_table, to_yaml};
use locum_conformance::{
    Implementation, Options, Report, SetupError, TestedIsolation, TokenEndpointUnderTest,
    TokenExchangeSettings, run, token_exchange_cases,
};
use locum_host::runner::RunnerCommand;
use locum_store::TenantData;
use locum_store::tenant_file::{References, load};
use tempfile::TempDir;

use self::faults::{Found, KnownFault, faults};
use self::faulty_server::{Fault, around};
use self::subject_tokens::{SECRET, SPA_SECRET, tokens};
use crate::plugin_files::{built, workspace};
use crate::running_server::RunningServer;
use crate::shipped::TODAY;

/// A tenant whose server answers as every case asks for.
const TENANT: &str = r#"domain: acme.example.com
default: true
delegation:
  rate_limit:
    size: 10000
    per_minute: 10000
    invalid_tokens: { size: 10000, per_minute: 10000 }
signing_keys:
  - kid: tenant-2026
    private_key: ${file:keys/tenant-rsa.pem}
clients:
  - client_id: exchanger
    client_secret: ${env:SECRET}
  - client_id: spa
    client_secret: ${env:SPA_SECRET}
    token_endpoint_auth_method: none
  - client_id: orders-api
    client_secret: orders-secret-0123456789-0123456789-0123456789
    resources: ["https://orders.example.com/"]
    jwt_configuration: { alg: RS256, lifetime_in_seconds: 300 }
"#;

/// Settings that provide for every case.
const SETTINGS: &str = r#"
client: { client_id: exchanger, client_secret: "${env:SECRET}" }
public_client:
  client_id: spa
  subject_token: { type: "urn:ietf:params:oauth:token-type:id_token", value: "${env:OF_SPA}" }
subject_token: { type: "urn:ietf:params:oauth:token-type:id_token", value: "${env:SUBJECT}" }
expired_subject_token: { type: "urn:ietf:params:oauth:token-type:id_token", value: "${env:EXPIRED}" }
subject_token_with_act: { type: "urn:ietf:params:oauth:token-type:id_token", value: "${env:WITH_ACT}" }
subject_token_for_another_actor: { type: "urn:ietf:params:oauth:token-type:id_token", value: "${env:MAY_ACT}" }
actor_token: { type: "urn:ietf:params:oauth:token-type:id_token", value: "${env:ACTOR}" }
audience: orders-api
resource: https://orders.example.com/
scope: openid email
refused_scope: admin
requested_token_type: urn:ietf:params:oauth:token-type:access_token
"#;

fn environment(name: &str) -> Option<String> {
    let tokens = tokens();
    let value = match name {
        "SECRET" => SECRET,
        "SPA_SECRET" => SPA_SECRET,
        "SUBJECT" => &tokens.subject,
        "OF_SPA" => &tokens.of_spa,
        "EXPIRED" => &tokens.expired,
        "WITH_ACT" => &tokens.with_act,
        "MAY_ACT" => &tokens.for_another_actor,
        "ACTOR" => &tokens.actor,
        _ => return None,
    };
    Some(value.to_owned())
}

fn tenant() -> TenantData {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tenant.yaml");
    fs::write(&path, TENANT).unwrap();
    load(&path, &References::new(&environment, workspace().join("fixtures"))).unwrap().data
}

/// The plugin, built once.
fn plugin() -> &'static Path {
    static PLUGIN: OnceLock<PathBuf> = OnceLock::new();
    PLUGIN.get_or_init(|| built("locum-plugin-app"))
}

/// A server with a fault, or without one.
fn server(fault: Option<Fault>) -> RunningServer {
    RunningServer::behind(plugin(), tenant(), move |base_url, router| around(router, base_url, fault))
}

/// A run with further lines of settings.
fn try_report(server: &RunningServer, settings: &str, only: &[&str]) -> Result<Report, SetupError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("settings.yaml");
    let endpoint = format!("token_endpoint: {}/oauth/token\n", server.base_url);
    fs::write(&path, format!("{endpoint}{settings}")).unwrap();
    report_with(&server.base_url, &path, only)
}

fn report_with(issuer: &str, settings: &Path, only: &[&str]) -> Result<Report, SetupError> {
    let settings = TokenExchangeSettings::read(settings, &environment);
    let settings = settings.unwrap_or_else(|error| panic!("{error}"));
    let endpoint = TokenEndpointUnderTest { issuer: issuer.to_owned(), settings };
    run(&Options {
        implementation: Implementation::TokenEndpoint(Box::new(endpoint)),
        only: only.iter().map(|id| (*id).to_owned()).collect(),
        verbose: false,
        command: "locum conformance https://a.example --profile token-exchange".to_owned(),
        fixtures: Vec::new(),
        settings: None,
        now_unix_seconds: TODAY,
        isolation: TestedIsolation::InProcess,
        runner: RunnerCommand::SelfExe,
    })
}

fn report(server: &RunningServer, settings: &str, only: &[&str]) -> Report {
    try_report(server, settings, only).unwrap_or_else(|error| panic!("{error}"))
}

/// The cases with another result than passed, and the reasons of those that did not run.
fn deviations(report: &Report) -> BTreeMap<String, Found> {
    let profile = &report.profiles[0];
    let listed = [
        (Found::Warned, &profile.warned),
        (Found::AllowedOtherwise, &profile.allowed_otherwise),
        (Found::NotRun, &profile.not_run),
    ];
    let mut found: BTreeMap<String, Found> =
        profile.failed.iter().map(|case| (case.clone(), Found::Failed)).collect();
    for (result, cases) in listed {
        found.extend(cases.iter().map(|listed| (listed.case.clone(), result)));
    }
    found
}

/// What Locum's own server does not do as the cases ask: it answers `invalid_grant` for invalid tokens, and it is on this
/// machine.
const OF_LOCUM: [(&str, Found); 8] = [
    ("tx.actor.malformed", Found::AllowedOtherwise),
    ("tx.actor.wrong-signature", Found::AllowedOtherwise),
    ("tx.endpoint.tls", Found::NotRun),
    ("tx.subject.changed-claims", Found::AllowedOtherwise),
    ("tx.subject.expired", Found::AllowedOtherwise),
    ("tx.subject.malformed", Found::AllowedOtherwise),
    ("tx.subject.unsigned", Found::AllowedOtherwise),
    ("tx.subject.wrong-signature", Found::AllowedOtherwise),
];

#[test]
fn locums_own_server_passes_and_every_case_runs() {
    let plain = RunningServer::of(plugin(), tenant());
    let settings = format!("issuer: https://acme.example.com/\n{SETTINGS}");
    let report_of_plain = report(&plain, &settings, &[]);
    let layered = report(&server(None), SETTINGS, &[]);
    assert_eq!(layered.exit_code(), 0, "{}", to_table(&layered));
    let expected: BTreeMap<String, Found> =
        OF_LOCUM.iter().map(|(case, found)| ((*case).to_owned(), *found)).collect();
    assert_eq!(deviations(&layered), expected, "{}", to_table(&layered));
    assert_eq!(deviations(&report_of_plain), expected, "{}", to_table(&report_of_plain));
}

#[test]
fn each_fault_is_found_by_its_case_and_by_no_other() {
    let correct = deviations(&report(&server(None), SETTINGS, &[]));
    let mut wrong = Vec::new();
    for group in faults().chunks(4) {
        let runs: Vec<(&KnownFault, Report)> = thread::scope(|scope| {
            let run = |known: &'static KnownFault| (known, report(&server(Some(known.fault)), SETTINGS, &[]));
            let threads: Vec<_> = group.iter().map(|&known| scope.spawn(move || run(known))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (known, report) in runs {
            let mut found = deviations(&report);
            found.retain(|case, result| *result != Found::NotRun && correct.get(case) != Some(result));
            let expected = known.found_by.iter().map(|(case, found)| ((*case).to_owned(), *found)).collect();
            if found != expected {
                wrong.push(format!("{}: expected {expected:?}, found {found:?}", known.what));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A run against a server with a fault, of these cases alone.
fn found_by(fault: Fault, settings: &str, only: &[&str]) -> BTreeMap<String, Found> {
    deviations(&report(&server(Some(fault)), settings, only))
}

fn only(case: &str, found: Found) -> BTreeMap<String, Found> {
    BTreeMap::from([(case.to_owned(), found)])
}

#[test]
fn a_server_that_refuses_every_exchange_fails_once_and_shows_nothing_else() {
    let fault: Fault = |sent, answered| {
        if sent.path == "/oauth/token" {
            answered.refuse(400, "invalid_request");
        }
    };
    let report = report(&server(Some(fault)), SETTINGS, &[]);
    assert_eq!(report.profiles[0].failed, ["tx.exchange"]);
    assert!(report.profiles[0].passed.iter().all(|case| case.starts_with("tx.metadata.")));
    let reason = &report.profiles[0].not_run[0].reason;
    assert!(reason.ends_with("it is answered 400 invalid_request; see tx.exchange"), "{reason}");
    assert!(report.failures[0].reproduce.ends_with("--profile token-exchange --only tx.exchange"));
}

#[test]
fn a_client_for_the_body_may_be_refused_in_the_header() {
    let fault: Fault = |sent, answered| {
        if !sent.authorization.is_empty() {
            answered.refuse(401, "invalid_client");
        }
    };
    let settings = SETTINGS
        .replace("client_id: exchanger,", "client_id: exchanger, authentication: client_secret_post,");
    let found = found_by(fault, &settings, &["tx.client.basic"]);
    assert_eq!(found, only("tx.client.basic", Found::AllowedOtherwise));
    let not_run = found_by(fault, &settings, &["tx.client.basic-encoding"]);
    assert_eq!(not_run, only("tx.client.basic-encoding", Found::NotRun));
}

#[test]
fn a_token_for_one_use_is_allowed() {
    static EXCHANGES: AtomicUsize = AtomicUsize::new(0);
    let fault: Fault = |sent, answered| {
        // The first is that of the settings, on which each run begins.
        if sent.is_plain() && EXCHANGES.fetch_add(1, Ordering::Relaxed) == 2 {
            answered.refuse(400, "invalid_request");
        }
    };
    let found = found_by(fault, SETTINGS, &["tx.subject.twice"]);
    assert_eq!(found, only("tx.subject.twice", Found::AllowedOtherwise));
}

#[test]
fn an_endpoint_without_tls_fails_unless_it_is_on_this_machine() {
    let mut server = server(None);
    // Reaches this machine, and is no loopback address.
    server.base_url = server.base_url.replace("127.0.0.1", "0.0.0.0");
    let found = deviations(&report(&server, SETTINGS, &["tx.endpoint.tls"]));
    assert_eq!(found, only("tx.endpoint.tls", Found::Failed));
}

#[test]
fn a_rate_limit_is_no_result() {
    let fault: Fault = |sent, answered| {
        if sent.has("scope") {
            answered.refuse(429, "too_many_requests");
        }
    };
    let report = report(&server(Some(fault)), SETTINGS, &["tx.scope"]);
    assert_eq!(report.profiles[0].not_run.len(), 4);
    assert!(report.profiles[0].not_run[0].reason.contains("limits the rate"));
    assert!(!report.passed());
}

#[test]
fn settings_that_are_missing_are_named_for_each_case() {
    let (minimal, _) = SETTINGS.split_once("expired_subject_token").unwrap();
    let minimal = minimal.replace("public_client:\n  client_id: spa\n  subject_token: ", "# ");
    let report = report(&server(None), &minimal, &[]);
    assert_eq!(report.counts.failed, 0, "{}", to_table(&report));
    let listed = report.profiles[0].not_run.iter();
    let reasons: BTreeMap<&str, &str> =
        listed.map(|listed| (listed.case.as_str(), listed.reason.as_str())).collect();
    for (case, setting) in [
        ("tx.actor.accepted", "actor_token"),
        ("tx.actor.chain", "subject_token_with_act"),
        ("tx.actor.may-act", "subject_token_for_another_actor"),
        ("tx.client.public", "public_client"),
        ("tx.request.requested-token-type", "requested_token_type"),
        ("tx.scope.granted", "scope"),
        ("tx.scope.refused", "refused_scope"),
        ("tx.subject.expired", "expired_subject_token"),
        ("tx.target.audience-twice", "audience"),
        ("tx.target.resource", "resource"),
    ] {
        assert_eq!(reasons[case], format!("needs `{setting}`; add it to the settings"), "{case}");
    }
}

#[test]
fn the_endpoint_is_found_by_the_metadata() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("settings.yaml");
    fs::write(&path, SETTINGS).unwrap();
    let only_of_openid: Fault = |sent, answered| {
        if sent.is_metadata() {
            answered.status = 404;
        }
    };
    for fault in [None, Some(only_of_openid)] {
        let server = server(fault);
        let report = report_with(&server.base_url, &path, &["tx.exchange", "tx.metadata"]).unwrap();
        assert_eq!((report.exit_code(), report.counts.passed), (0, 5), "{}", to_table(&report));
    }
    let server = server(None);
    let error = report_with(&format!("{}/elsewhere", server.base_url), &path, &[]).unwrap_err().to_string();
    assert!(
        error.starts_with("no metadata found (http://")
            && error.ends_with("add `token_endpoint` to the settings")
    );
}

#[test]
fn an_unknown_case_is_named() {
    let error = try_report(&server(None), SETTINGS, &["tx.nothing"]).unwrap_err().to_string();
    assert_eq!(error, "no case has the id `tx.nothing`, or fits it as a pattern; check --only");
}

#[test]
fn no_report_shows_a_secret_or_a_token() {
    // Fails as many cases as possible, with answers that repeat what was sent.
    let fault: Fault = |sent, answered| {
        if sent.path == "/oauth/token" && !sent.is_plain() {
            answered.grant();
            answered.set("error_description", sent.body.clone());
            answered.set("error_uri", sent.values("subject_token").concat());
            answered.set("issued_token_type", sent.values("actor_token").concat());
            answered.status = 418;
        }
    };
    let report = report(&server(Some(fault)), SETTINGS, &[]);
    assert!(report.counts.failed > 30, "{}", to_table(&report));
    let tokens = tokens();
    let secrets = [SECRET, &tokens.subject, &tokens.actor, &tokens.expired, &tokens.with_act, &tokens.of_spa];
    for text in [to_table(&report), to_yaml(&report), to_html(&report), to_junit(&report)] {
        for secret in secrets {
            let signature = secret.rsplit('.').next().unwrap();
            assert!(!text.contains(signature), "{signature}");
        }
        assert!(!text.contains(&BASE64_STANDARD.encode("exchanger:")[..11]));
    }
}

/// Cases whose fault needs other settings or another server. Each has a test of its own above.
const TESTED_APART: [&str; 4] = ["tx.exchange", "tx.client.basic", "tx.subject.twice", "tx.endpoint.tls"];

#[test]
fn every_case_has_a_fault() {
    let table = token_exchange_cases();
    let cases: BTreeSet<&str> = table.lines().skip(2).filter_map(|line| line.split('`').nth(1)).collect();
    let found = faults().into_iter().flat_map(|known| known.found_by).map(|(case, _)| *case);
    let tested: BTreeSet<&str> = found.chain(TESTED_APART).collect();
    assert_eq!(cases, tested);
}
