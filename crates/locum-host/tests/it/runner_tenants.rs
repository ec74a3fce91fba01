//! A process for each tenant: what it keeps apart, and when it runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;
use std::time::{Duration, Instant};

use locum_abi::answer::Credential;
use locum_abi::configuration::{Configuration, Tenant};
use locum_engine::ports::{Issuer, IssuerFailure, Issuers as _};
use locum_host::runner::RunnerCommand;
use locum_host::{Isolation, LoadErrorCode, PauseScope, Pins, PluginSet, ProcessScope};
use serde_json::json;

use crate::harness::{ScriptedUpstreams, TestDirectory, contract_breach, hostile, issue, options, runner};

const SCOPES: [ProcessScope; 2] = [ProcessScope::Tenant, ProcessScope::Plugin];

fn load(scope: ProcessScope) -> PluginSet {
    load_by(scope, runner())
}

fn load_by(scope: ProcessScope, runner: RunnerCommand) -> PluginSet {
    let mut options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
    options.runner = Some(runner);
    PluginSet::load([hostile()], &Pins::trusting_file(hostile()).unwrap().isolating(scope), options).unwrap()
}

fn add_on(set: &PluginSet, tenant: &str, attempt: &str, target: &str) -> Arc<dyn Issuer> {
    let settings = json!({"attempt": attempt, "target": target, "when": "issue"});
    let configuration =
        Configuration::new("hostile", settings.as_object().cloned().unwrap(), Tenant::new(tenant));
    set.configure(configuration).unwrap()
}

/// What a call of this tenant says that was remembered, after which it remembers this number.
async fn remembered(set: &PluginSet, tenant: &str, number: u32) -> String {
    let issued = issue(&*add_on(set, tenant, "remember", &number.to_string())).await.unwrap();
    let Credential::Text(text) = issued.credential else { panic!("no text") };
    text
}

fn processes(set: &PluginSet) -> usize {
    set.plugins().next().unwrap().health().processes
}

#[tokio::test]
async fn what_a_plugin_keeps_of_one_tenant_is_seen_by_another_only_in_a_shared_process() {
    for scope in SCOPES {
        let set = load(scope);
        let plugin = set.plugins().next().unwrap();
        assert_eq!(plugin.process_scope(), scope);
        assert!(plugin.protections().is_some());
        let _kept = ["a.example.com", "b.example.com"].map(|tenant| add_on(&set, tenant, "nothing", ""));
        assert_eq!(remembered(&set, "a.example.com", 7).await, "remember: 0");
        let seen_by_b = remembered(&set, "b.example.com", 8).await;
        let seen_by_a = remembered(&set, "a.example.com", 9).await;
        match scope {
            ProcessScope::Tenant => assert_eq!((&*seen_by_b, &*seen_by_a), ("remember: 0", "remember: 7")),
            _ => assert_eq!((&*seen_by_b, &*seen_by_a), ("remember: 7", "remember: 8")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_in_one_tenants_process_leaves_the_call_of_another_where_it_is() {
    for scope in SCOPES {
        let set = load(scope);
        let (works, dies) =
            (add_on(&set, "b.example.com", "work", "300"), add_on(&set, "a.example.com", "abort", ""));
        assert_eq!(remembered(&set, "b.example.com", 5).await, "remember: 0");
        let (answered, cause) = tokio::join!(issue(&*works), contract_breach(&*dies));
        assert!(answered.is_ok() && cause.contains("SIGABRT"), "{cause}");
        assert_eq!(set.plugins().next().unwrap().health().deaths, 1);
        // The process that did the work has lived all the time, or is another one that was sent it again.
        let survived = remembered(&set, "b.example.com", 6).await == "remember: 5";
        assert_eq!(survived, scope == ProcessScope::Tenant);
    }
}

#[tokio::test]
async fn a_tenants_process_starts_with_its_first_add_on_and_ends_with_its_last() {
    let set = load(ProcessScope::Tenant);
    assert_eq!(processes(&set), 0);
    let a = add_on(&set, "a.example.com", "nothing", "");
    assert_eq!(processes(&set), 1);
    let (again, b) =
        (add_on(&set, "a.example.com", "nothing", ""), add_on(&set, "b.example.com", "nothing", ""));
    assert_eq!(processes(&set), 2);
    drop(a);
    assert_eq!(processes(&set), 2);
    assert!(issue(&*again).await.is_ok());
    drop(again);
    assert_eq!(processes(&set), 1);
    // Without the plugin set, the rest goes on until it is dropped too.
    drop(set);
    assert!(issue(&*b).await.is_ok());
}

/// Waits until it is so, for ten seconds at most.
async fn until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_process_does_not_start_again_that_is_shown_and_calls_are_refused() {
    for scope in SCOPES {
        let directory = TestDirectory::new();
        let program = directory.path().join("runner");
        let put_program = || symlink(env!("CARGO_BIN_EXE_locum-plugin-runner"), &program).unwrap();
        put_program();
        let set = load_by(scope, RunnerCommand::Path(program.clone()));
        let add_on = |attempt| add_on(&set, "a.example.com", attempt, "");
        let (works, dies) = (add_on("nothing"), add_on("abort"));
        let health = || set.plugins().next().unwrap().health();
        assert!(!health().quarantined);

        fs::remove_file(&program).unwrap();
        assert!(contract_breach(&*dies).await.contains("SIGABRT"));
        until(|| health().quarantined).await;
        assert_eq!((health().processes, health().deaths), (0, 1));
        assert!(matches!(issue(&*works).await, Err(IssuerFailure::Quarantined)));

        put_program();
        until(|| health().processes == 1).await;
        assert!(issue(&*works).await.is_ok() && !health().quarantined);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_does_not_start_is_started_again_after_twice_the_time() {
    let directory = TestDirectory::new();
    let program = directory.path().join("runner");
    symlink(env!("CARGO_BIN_EXE_locum-plugin-runner"), &program).unwrap();
    let set = load_by(ProcessScope::Plugin, RunnerCommand::Path(program.clone()));
    let dies = add_on(&set, "a.example.com", "abort", "");

    let starts = directory.path().join("starts");
    fs::remove_file(&program).unwrap();
    let script = format!("#!/bin/sh\necho started >> {}\n", starts.display());
    fs::set_permissions(directory.file("runner", script), Permissions::from_mode(0o755)).unwrap();
    let begin = Instant::now();
    assert!(contract_breach(&*dies).await.contains("SIGABRT"));
    until(|| fs::read_to_string(&starts).is_ok_and(|starts| starts.lines().count() >= 4)).await;
    // The waits between them are 100, 200 and 400 ms.
    assert!(begin.elapsed() >= Duration::from_millis(700), "{:?}", begin.elapsed());
}

#[test]
fn what_cannot_be_loaded_is_refused_before_there_is_a_tenant() {
    let pins = Pins::trusting_file(hostile()).unwrap().isolating(ProcessScope::Tenant);
    let options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
    let error = PluginSet::load([hostile()], &pins, options.clone()).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::RunnerUnavailable);
    let in_process = PluginSet::load([hostile()], &pins.clone().at(Isolation::InProcess), options.clone());
    assert_eq!(in_process.unwrap().plugins().next().unwrap().process_scope(), ProcessScope::Plugin);

    let mut contradiction = pins.iter().next().unwrap().clone();
    contradiction.isolation = Isolation::InProcess;
    let mut pins = Pins::default();
    pins.pin(contradiction);
    let error = PluginSet::load([hostile()], &pins, options).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::LockUnusable);
    assert!(error.cause.contains("need `isolation = \"runner\"`"), "{error}");
}

#[tokio::test]
async fn the_pause_of_one_tenants_add_on_is_shown_and_ended_and_others_go_on() {
    let set = load(ProcessScope::Tenant);
    let (dies, works) =
        (add_on(&set, "a.example.com", "abort", ""), add_on(&set, "b.example.com", "nothing", ""));
    for _ in 0..3 {
        contract_breach(&*dies).await;
    }
    let paused: Vec<_> =
        set.pauses().into_iter().map(|pause| (pause.scope.tenant, pause.scope.api_type)).collect();
    assert_eq!(paused, [(Some("a.example.com".to_owned()), Some("hostile".to_owned()))]);
    assert!(matches!(issue(&*dies).await, Err(IssuerFailure::Quarantined)));
    assert!(issue(&*works).await.is_ok());
    let of_b = PauseScope { tenant: Some("b.example.com".to_owned()), ..PauseScope::of_plugin("hostile") };
    assert_eq!(set.resume(&of_b), 0);
    assert_eq!(set.resume(&PauseScope::of_plugin("hostile")), 1);
    assert!(contract_breach(&*dies).await.contains("SIGABRT"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_of_all_tenants_are_counted_together() {
    let set = load(ProcessScope::Tenant);
    let issuers = ["a.example.com", "b.example.com"].map(|tenant| add_on(&set, tenant, "work", "2000"));
    let running = || set.plugins().next().unwrap().health().running;
    assert_eq!(running(), 0);
    let calls = issuers.map(|issuer| tokio::spawn(async move { issue(&*issuer).await.is_ok() }));
    while running() < 2 {
        assert!(!calls.iter().any(tokio::task::JoinHandle::is_finished), "{} at a time", running());
        tokio::task::yield_now().await;
    }
    for call in calls {
        assert!(call.await.unwrap());
    }
    assert_eq!(running(), 0);
}
