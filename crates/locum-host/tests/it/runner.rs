//! Plugins in a process of their own: the same answers as in the host's process, and calls that survive the death of that
//! process.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::Credential;
use locum_engine::ports::{Issuer, IssuerFailure, NoAudiences};
use locum_host::runner::RunnerCommand;
use locum_host::{Isolation, LoadErrorCode, Pins, PluginSet, inspect};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{
    NOW, ScriptedUpstreams, TestDirectory, app, call_context, configured, contract_breach, grant, hostile,
    issue, load, load_in_runner, misbehaving, options, parrot, refused, reply,
};

fn in_runner(file: &Path) -> PluginSet {
    load_in_runner(file, options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10))).unwrap()
}

fn attempt(set: &PluginSet, attempt: &str, target: &str) -> Arc<dyn Issuer> {
    configured(set, "hostile", json!({"attempt": attempt, "target": target, "when": "issue"}))
}

fn deaths(set: &PluginSet) -> u32 {
    set.plugins().next().unwrap().health().deaths
}

#[tokio::test]
async fn input_configuration_and_answer_are_the_same_bytes_at_both_levels() {
    let echo = |what: &str| json!({"answers": [format!(r#"{{"kind":"issued","credential":{{"text":{what}}},"issued_at":{NOW}}}"#)]});
    let (runner, in_process) = (in_runner(parrot()), load(parrot()).unwrap());
    for what in ["{configuration}", "{input}"] {
        let answers = [
            issue(&*configured(&runner, "parrot_text", echo(what))).await.unwrap(),
            issue(&*configured(&in_process, "parrot_text", echo(what))).await.unwrap(),
        ];
        let [Credential::Text(runner), Credential::Text(in_process)] =
            answers.map(|issued| issued.credential)
        else {
            panic!("no text")
        };
        assert_eq!(runner, in_process);
        assert!(runner.starts_with('{'));
    }
}

#[tokio::test]
async fn each_step_of_a_request_receives_one_more_reply() {
    let request = json!({"method": "POST", "url": "https://login.example.com/token", "body": "x"});
    let call = json!({"kind": "call", "request": request}).to_string();
    let issued = format!(r#"{{"kind":"issued","credential":{{"text":"done"}},"issued_at":{NOW}}}"#);
    let upstreams = ScriptedUpstreams::of([Ok(reply(200, "first")), Ok(reply(200, "second"))]);
    let set = load_in_runner(parrot(), options(upstreams.clone(), Duration::from_secs(10))).unwrap();
    let settings = json!({"answers": [call, call, issued]});
    assert!(issue(&*configured(&set, "parrot_jwt", settings)).await.is_ok());
    assert_eq!(upstreams.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_plugins_refusals_panics_and_long_answers_are_those_of_the_hosts_process() {
    let (runner, in_process) = (in_runner(misbehaving()), load(misbehaving()).unwrap());
    let mut seen = Vec::new();
    for set in [&runner, &in_process] {
        let Err(IssuerFailure::Failed(panic)) = issue(&*configured(set, "panics_in_issue", json!({}))).await
        else {
            panic!("no failure")
        };
        let refusal = refused(set, "panics_in_configure", json!({}));
        let too_long = contract_breach(&*configured(set, "answers_too_much", json!({}))).await;
        drop(configured(set, "panics_in_drop", json!({})));
        let after = issue(&*configured(set, "panics_in_drop", json!({}))).await.unwrap();
        seen.push(format!("{panic:?} {refusal:?} {too_long} {after:?}"));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].contains("larger than 256 KiB"), "{}", seen[0]);
    assert_eq!(deaths(&runner), 0);
}

#[tokio::test]
async fn a_shipped_plugin_runs_in_its_own_process() {
    let set = in_runner(app());
    let plugin = set.plugins().next().unwrap();
    assert_eq!((plugin.isolation(), plugin.manifest().name.as_str()), (Isolation::Runner, "app"));
    assert!(plugin.protections().is_some());
    assert!(plugin.health().last_start.unwrap() > Duration::ZERO);
    assert!(load(app()).unwrap().plugins().next().unwrap().protections().is_none());
}

#[tokio::test]
async fn a_plugin_has_the_libraries_that_it_needs() {
    assert!(inspect(hostile()).unwrap().elf.libraries.contains(&"libm.so.6".to_owned()));
    let issued = issue(&*attempt(&in_runner(hostile()), "tangent", "11")).await.unwrap();
    // The tangent of 11 is -225.95.
    assert!(matches!(issued.credential, Credential::Text(text) if text == "tangent: -225"));
}

#[test]
fn a_pin_for_the_runner_is_refused_by_a_host_that_has_none() {
    let pins = Pins::trusting_file(parrot()).unwrap().at(Isolation::Runner);
    let options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
    let error = PluginSet::load([parrot()], &pins, options.clone()).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::RunnerUnavailable);
    assert!(error.to_string().contains("LoadOptions::runner"), "{error}");
    assert!(PluginSet::load([parrot()], &pins.at(Isolation::InProcess), options).is_ok());
}

#[test]
fn a_program_that_is_not_the_runner_is_an_error_that_says_so() {
    let pins = Pins::trusting_file(parrot()).unwrap().at(Isolation::Runner);
    for (program, cause) in [
        ("/nonexistent/runner", "/nonexistent/runner"),
        ("/bin/true", "ended before it was ready"),
        ("/bin/ls", "it wrote:"),
    ] {
        let mut options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
        options.runner = Some(RunnerCommand::Path(program.into()));
        let error = PluginSet::load([parrot()], &pins, options).err().unwrap();
        assert!(error.cause.contains(cause), "{error}");
    }
}

/// A program that says that it has mapped the plugin in a sandbox without landlock and MDWE, and has done neither. It
/// writes its number into the file `process`.
fn lying_runner(directory: &TestDirectory) -> PathBuf {
    let process = directory.path().join("process");
    let lie = "printf 'M\\000\\000' >&0\nexec sleep 60\n";
    let script = format!("#!/bin/sh\necho $$ > {}\n{lie}", process.display());
    let program = directory.file("runner", script);
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn a_runner_whose_filter_is_not_in_force_is_not_used() {
    let directory = TestDirectory::new();
    let pins = Pins::trusting_file(parrot()).unwrap().at(Isolation::Runner);
    let mut options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
    options.runner = Some(RunnerCommand::Path(lying_runner(&directory)));
    let error = PluginSet::load([parrot()], &pins, options).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::RunnerUnavailable);
    assert!(error.cause.contains("is not in force in all threads"), "{error}");
    let process = fs::read_to_string(directory.path().join("process")).unwrap();
    assert!(!Path::new("/proc").join(process.trim()).exists(), "it was ended");
}

#[test]
fn a_strict_sandbox_needs_what_the_kernel_can_add() {
    let directory = TestDirectory::new();
    let pins = Pins::trusting_file(parrot()).unwrap().at(Isolation::Runner);
    let mut strict = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
    strict.strict_sandbox = true;
    strict.runner = Some(RunnerCommand::Path(lying_runner(&directory)));
    let error = PluginSet::load([parrot()], &pins, strict.clone()).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::RunnerUnavailable);
    assert!(error.cause.contains("the kernel lacks landlock and PR_SET_MDWE"), "{error}");

    let present = in_runner(parrot()).plugins().next().unwrap().protections().unwrap();
    strict.runner = Some(RunnerCommand::Path(env!("CARGO_BIN_EXE_locum-plugin-runner").into()));
    let loaded = PluginSet::load([parrot()], &pins, strict);
    assert_eq!(loaded.is_ok(), present.landlock && present.no_new_code);
}

#[test]
fn the_runner_started_by_hand_says_what_it_is_for() {
    // With the arguments that a host passes it has no socket to a host either.
    for arguments in [&[][..], &["plugin-runner", "1"]] {
        let mut runner = Command::new(env!("CARGO_BIN_EXE_locum-plugin-runner"));
        let output = runner.args(arguments).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("`locum serve`"));
    }
}

/// How many calls can be in flight beside the guilty one: a runner has a lane for each processor, four at most.
fn innocent_calls() -> usize {
    std::thread::available_parallelism().unwrap().get().min(4) - 1
}

/// Runs as many harmless calls, and beside them one that ends the process in the middle of theirs.
async fn innocents_beside(set: &PluginSet, guilty: &str) -> (Vec<bool>, IssuerFailure) {
    let innocents: Vec<_> = (0..innocent_calls())
        .map(|_| {
            let issuer = attempt(set, "work", "600");
            tokio::spawn(async move { issue(&*issuer).await.is_ok() })
        })
        .collect();
    let guilty = attempt(set, guilty, "50");
    while set.plugins().next().unwrap().health().running < innocent_calls() {
        tokio::task::yield_now().await;
    }
    let failure = issue(&*guilty).await.unwrap_err();
    let mut answered = Vec::new();
    for innocent in innocents {
        answered.push(innocent.await.unwrap());
    }
    (answered, failure)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_beside_the_one_that_ended_the_process_are_sent_again() {
    let set = in_runner(hostile());
    let (answered, failure) = innocents_beside(&set, "work_and_abort").await;
    assert_eq!(answered, vec![true; innocent_calls()]);
    assert!(failure.to_string().contains("SIGABRT"), "{failure}");
    assert_eq!(deaths(&set), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_death_without_a_name_calls_are_sent_again_one_at_a_time() {
    let set = in_runner(hostile());
    let (answered, failure) = innocents_beside(&set, "work_and_hide").await;
    assert_eq!(answered, vec![true; innocent_calls()]);
    assert!(failure.to_string().contains("such as starting a thread"), "{failure}");
    // The first death has no name; in the second one the guilty call was alone.
    assert_eq!(deaths(&set), if innocent_calls() == 0 { 1 } else { 2 });
}

/// Ends the process by one call after the other, at most eight times, until this is so.
async fn end_the_process_until(killers: &[Arc<dyn Issuer>], is_so: impl Fn() -> bool) {
    for killer in killers {
        if is_so() {
            return;
        }
        assert!(contract_breach(&**killer).await.contains("SIGABRT"));
    }
}

/// An issuer for each time: one that ends the process three times is paused.
fn killers(set: &PluginSet) -> Vec<Arc<dyn Issuer>> {
    (0..8).map(|_| attempt(set, "work_and_abort", "50")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_given_up_when_others_have_ended_the_process_three_times() {
    // With one lane there is no call beside another.
    if innocent_calls() == 0 {
        return;
    }
    let set = in_runner(hostile());
    let (innocent, killers) = (attempt(&set, "loop", ""), killers(&set));
    let innocent = tokio::spawn(async move { contract_breach(&*innocent).await });
    end_the_process_until(&killers, || innocent.is_finished()).await;
    assert!(innocent.await.unwrap().contains("SIGABRT"));
    assert!(deaths(&set) >= 3);
}

#[test]
fn a_configuration_is_given_up_when_calls_have_ended_the_process_three_times() {
    let set = in_runner(hostile());
    let killers = killers(&set);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    std::thread::scope(|scope| {
        let settings = json!({"attempt": "loop", "target": "", "when": "configure"});
        let innocent = scope.spawn(|| refused(&set, "hostile", settings));
        runtime.block_on(end_the_process_until(&killers, || innocent.is_finished()));
        assert!(innocent.join().unwrap().message.contains("SIGABRT"));
    });
    assert!(deaths(&set) >= 3);
}

#[tokio::test]
async fn a_call_whose_caller_is_gone_gives_its_lane_back() {
    let set = in_runner(hostile());
    let works = attempt(&set, "work", "200");
    for _ in 0..8 {
        assert!(timeout(Duration::from_millis(20), issue(&*works)).await.is_err());
    }
    assert!(issue(&*attempt(&set, "nothing", "")).await.is_ok());
    assert_eq!(deaths(&set), 0);
}

#[tokio::test]
async fn a_call_that_hangs_after_its_caller_is_gone_is_ended_at_its_deadline() {
    let options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(3));
    let set = load_in_runner(hostile(), options).unwrap();
    let hangs = attempt(&set, "loop", "");
    for _ in 0..8 {
        assert!(timeout(Duration::from_millis(150), issue(&*hangs)).await.is_err());
    }
    // All lanes are taken until the first of those calls is ended.
    assert!(issue(&*attempt(&set, "nothing", "")).await.is_ok());
    assert!(deaths(&set) >= 1);
}

#[tokio::test]
async fn an_issuer_that_is_dropped_does_not_disturb_the_others() {
    let set = in_runner(parrot());
    let settings: Value =
        json!({"answers": [format!(r#"{{"kind":"issued","credential":{{"text":"x"}},"issued_at":{NOW}}}"#)]});
    let kept = configured(&set, "parrot_text", settings.clone());
    for _ in 0..100 {
        drop(configured(&set, "parrot_text", settings.clone()));
    }
    assert!(issue(&*kept).await.is_ok());
    assert_eq!(deaths(&set), 0);
}

#[tokio::test]
async fn an_issuer_that_is_dropped_is_dropped_in_the_process() {
    let set = in_runner(hostile());
    let dropped = async || {
        let issued = issue(&*attempt(&set, "count_dropped", "")).await.unwrap();
        let Credential::Text(text) = issued.credential else { panic!("no text") };
        text
    };
    assert_eq!(dropped().await, "count_dropped: 0");
    for _ in 0..3 {
        drop(attempt(&set, "nothing", ""));
    }
    // Those three, and the one that said so before.
    assert_eq!(dropped().await, "count_dropped: 4");
}

#[test]
fn calls_from_another_runtime_are_answered() {
    let set = in_runner(hostile());
    let issuer = attempt(&set, "nothing", "");
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(issue(&*issuer)).is_ok());
    }
    assert_eq!(deaths(&set), 0);
}

#[test]
fn configurations_that_wait_behind_one_that_ends_the_process_succeed() {
    let set = in_runner(hostile());
    let settings = |attempt: &str| json!({"attempt": attempt, "target": "100", "when": "configure"});
    std::thread::scope(|scope| {
        let guilty = scope.spawn(|| refused(&set, "hostile", settings("work_and_abort")));
        let innocents: Vec<_> =
            (0..3).map(|_| scope.spawn(|| configured(&set, "hostile", settings("work")))).collect();
        assert!(guilty.join().unwrap().message.contains("SIGABRT"));
        for innocent in innocents {
            drop(innocent.join().unwrap());
        }
    });
    assert_eq!(deaths(&set), 1);
}

#[test]
fn a_configuration_beside_a_call_that_ends_the_process_succeeds() {
    let set = in_runner(hostile());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let guilty = attempt(&set, "work_and_abort", "200");
    let settings = json!({"attempt": "work", "target": "600", "when": "configure"});
    std::thread::scope(|scope| {
        let innocent = scope.spawn(|| configured(&set, "hostile", settings));
        assert!(runtime.block_on(contract_breach(&*guilty)).contains("SIGABRT"));
        assert!(!innocent.is_finished());
        drop(innocent.join().unwrap());
    });
    assert_eq!(deaths(&set), 1);
}

#[tokio::test]
async fn a_request_that_the_socket_does_not_take_at_once_is_sent_whole() {
    let set = in_runner(parrot());
    let answer = json!({"kind": "issued", "credential": {"text": "t"}, "issued_at": NOW}).to_string();
    let issuer = configured(&set, "parrot_text", json!({"answers": [answer]}));
    let mut large = grant();
    large.claims.insert("nonsense".to_owned(), "x".repeat(4 << 20).into());
    assert!(issuer.issue(&large, call_context(), &NoAudiences).await.is_ok());
    assert!(issue(&*issuer).await.is_ok());
    assert_eq!(deaths(&set), 0);
}

#[tokio::test]
async fn a_call_has_the_stack_that_it_has_in_the_hosts_process() {
    let set = in_runner(hostile());
    assert!(issue(&*attempt(&set, "use_stack", "256")).await.is_ok());
    let cause = contract_breach(&*attempt(&set, "use_stack", "4096")).await;
    assert!(cause.contains("more stack than a thread has"), "{cause}");
}

#[tokio::test]
async fn the_process_ends_with_the_last_that_can_call_it_and_none_follows() {
    let directory = TestDirectory::new();
    let program = directory.path().join("runner");
    fs::copy(env!("CARGO_BIN_EXE_locum-plugin-runner"), &program).unwrap();
    let processes = || {
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        entries
            .filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program))
            .count()
    };
    let mut options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
    options.runner = Some(RunnerCommand::Path(program.clone()));
    let pins = Pins::trusting_file(hostile()).unwrap().at(Isolation::Runner);
    let set = PluginSet::load([hostile()], &pins, options).unwrap();
    let issuer = attempt(&set, "nothing", "");
    drop(set);
    assert!(issue(&*issuer).await.is_ok());
    assert_eq!(processes(), 1);
    drop(issuer);
    let ended = async {
        while processes() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Longer than a process takes to start.
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    timeout(Duration::from_secs(10), ended).await.unwrap();
    assert_eq!(processes(), 0);
}
