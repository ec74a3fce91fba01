//! Times one call of a plugin at both levels of isolation, many at once, calls in which the host signs, the start of a
//! runner, and the first answer after its death; and prints the memory of a runner.
//!
//! `cargo xtask bench` builds the plugins in release mode and passes their directory in LOCUM_BENCH_PLUGINS.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]
#![expect(clippy::print_stdout, reason = "it prints the memory of a runner")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use locum_abi::configuration::{Configuration, SigningKey, Tenant};
use locum_abi::grant::Grant;
use locum_engine::ports::{CallContext, Issuer, Issuers, NoAudiences};
use locum_host::runner::RunnerCommand;
use locum_host::{HttpUpstreams, Isolation, LoadOptions, Pins, PluginSet};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

/// Calls in flight at a time in the benchmark of many at once.
const CONCURRENT: u64 = 32;

fn app() -> PathBuf {
    let plugins = std::env::var("LOCUM_BENCH_PLUGINS").expect("run this benchmark with `cargo xtask bench`");
    Path::new(&plugins).join("liblocum_plugin_app.so")
}

fn load(isolation: Isolation) -> PluginSet {
    let file = app();
    let mut options = LoadOptions::new(Arc::new(HttpUpstreams::new().expect("the HTTP client starts")));
    options.runner = Some(RunnerCommand::Path(env!("CARGO_BIN_EXE_locum-plugin-runner").into()));
    let pins = Pins::trusting_file(&file).expect("the plugin `app`").at(isolation);
    PluginSet::load([file], &pins, options).expect("it loads")
}

/// An issuer that signs with HMAC.
fn issuer(set: &PluginSet) -> Arc<dyn Issuer> {
    let settings = json!({"alg": "HS256", "secret": "spa-secret-0123456789-0123456789-0123456789"});
    issuer_with(set, &settings, None)
}

fn issuer_with(set: &PluginSet, settings: &Value, signing_key: Option<SigningKey>) -> Arc<dyn Issuer> {
    let settings = settings.as_object().cloned().expect("it is an object");
    let tenant = Tenant { signing_key, ..Tenant::new("acme.example.com") };
    set.configure(Configuration::new("app", settings, tenant)).expect("valid settings")
}

fn grant() -> Grant {
    let claims = json!({"email": "alice@example.com", "name": "Alice Adams", "nickname": "alice"});
    Grant {
        user_id: "auth0|alice".to_owned(),
        client_id: "spa".to_owned(),
        target_id: "orders-api".to_owned(),
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        claims: claims.as_object().cloned().expect("it is an object"),
        profile: Map::new(),
        parameters: Map::new(),
        lifetime_seconds: 3600,
    }
}

async fn call(issuer: &dyn Issuer, grant: &Grant) {
    let context = CallContext { now_unix_ms: 1_900_000_000_000, entropy: [7; 32] };
    let issued = issuer.issue(grant, context, &NoAudiences).await;
    assert!(black_box(issued).is_ok());
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("it starts")
}

/// On a worker of the runtime, where requests run.
fn one_after_another(runtime: &Runtime, issuer: &Arc<dyn Issuer>, iterations: u64) -> Duration {
    let issuer = Arc::clone(issuer);
    let timed = runtime.spawn(async move {
        let grant = grant();
        let start = Instant::now();
        for _ in 0..iterations {
            call(&*issuer, &grant).await;
        }
        start.elapsed()
    });
    runtime.block_on(timed).expect("no panic")
}

fn many_at_once(runtime: &Runtime, issuer: &Arc<dyn Issuer>, iterations: u64) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..CONCURRENT)
        .map(|_| {
            let issuer = Arc::clone(issuer);
            runtime.spawn(async move {
                let grant = grant();
                for _ in 0..iterations {
                    call(&*issuer, &grant).await;
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).expect("no panic");
    }
    start.elapsed()
}

/// Runs this thread, and those that it starts later, on the first processors only; `None` for all.
fn run_on(first: Option<usize>, all: &CpuSet) -> CpuSet {
    let mut chosen = CpuSet::new();
    let available = (0..CpuSet::MAX_CPU).filter(|processor| all.is_set(*processor));
    available.take(first.unwrap_or(CpuSet::MAX_CPU)).for_each(|processor| chosen.set(processor));
    sched_setaffinity(None, &chosen).expect("processors can be chosen");
    chosen
}

/// Runs the threads of a runner on these processors only.
fn run_runner_on(processors: &CpuSet) {
    for thread in fs::read_dir(format!("/proc/{}/task", runner().as_raw_nonzero())).expect("it runs") {
        let number = thread.ok().and_then(|thread| thread.file_name().to_str()?.parse().ok());
        sched_setaffinity(number.and_then(Pid::from_raw), processors).expect("processors can be chosen");
    }
}

fn time_one(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    runtime: &Runtime,
    issuer: &Arc<dyn Issuer>,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| one_after_another(runtime, issuer, iterations));
    });
}

fn time_many(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    runtime: &Runtime,
    issuer: &Arc<dyn Issuer>,
) {
    group.throughput(Throughput::Elements(CONCURRENT));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| many_at_once(runtime, issuer, iterations));
    });
}

fn calls(criterion: &mut Criterion) {
    let all = sched_getaffinity(None).expect("the processors are known");
    for isolation in [Isolation::InProcess, Isolation::Runner] {
        let mut group = criterion.benchmark_group(isolation.as_str());
        for (processors, name) in [(Some(1), "one call, one processor"), (None, "one call, all processors")] {
            run_on(processors, &all);
            let (runtime, set) = (runtime(), load(isolation));
            time_one(&mut group, name, &runtime, &issuer(&set));
        }
        run_on(Some(2), &all);
        let (runtime, set) = (runtime(), load(isolation));
        let name = match isolation {
            Isolation::Runner => "32 calls at once, two processors, two lanes",
            _ => "32 calls at once, two processors",
        };
        time_many(&mut group, name, &runtime, &issuer(&set));
        run_on(None, &all);
        group.finish();
    }
    lanes(criterion, &all);
}

/// What a call costs in which the host signs, beside a call in which the plugin signs with HMAC, and the signature alone.
fn signatures(criterion: &mut Criterion) {
    let all = sched_getaffinity(None).expect("the processors are known");
    run_on(Some(1), &all);
    let ed25519 = Ed25519KeyPair::generate().expect("the crypto library generates keys");
    let pkcs8 = ed25519.to_pkcs8v1().expect("the key has that form");
    let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8.as_ref()));
    let own_key = json!({"alg": "EdDSA", "private_key": pem});
    let rsa_pem = include_str!("../../../fixtures/keys/tenant-rsa.pem");
    let rsa = pem::parse(rsa_pem).expect("a PEM text");
    let rsa = RsaKeyPair::from_pkcs8(rsa.contents()).expect("an RSA key");
    let message = [7; 600];
    let mut group = criterion.benchmark_group("signing, one processor");
    group.bench_function("EdDSA alone", |bencher| bencher.iter(|| ed25519.sign(black_box(&message))));
    group.bench_function("RS256 alone", |bencher| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        bencher
            .iter(|| rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), black_box(&message), &mut signature));
    });
    for isolation in [Isolation::InProcess, Isolation::Runner] {
        let (runtime, set) = (runtime(), load(isolation));
        let signing_key =
            SigningKey { kid: "k".to_owned(), private_key_pem: rsa_pem.into(), certificate_pem: None };
        for (name, issuer) in [
            ("HS256, by the plugin", issuer(&set)),
            ("EdDSA, by the host", issuer_with(&set, &own_key, None)),
            ("RS256, by the host", issuer_with(&set, &json!({"alg": "RS256"}), Some(signing_key))),
        ] {
            time_one(&mut group, &format!("one call, {isolation}, {name}"), &runtime, &issuer);
        }
    }
    group.finish();
    run_on(None, &all);
}

/// A runner has as many lanes as it has processors when it starts.
fn lanes(criterion: &mut Criterion, all: &CpuSet) {
    let mut group = criterion.benchmark_group("runner");
    for (lanes, name) in [
        (1, "32 calls at once, two processors, one lane"),
        (4, "32 calls at once, two processors, four lanes"),
    ] {
        run_on(Some(lanes), all);
        let set = load(Isolation::Runner);
        let two = run_on(Some(2), all);
        run_runner_on(&two);
        let runtime = runtime();
        time_many(&mut group, name, &runtime, &issuer(&set));
        run_on(None, all);
    }
    let (runtime, set) = (runtime(), load(Isolation::Runner));
    time_many(&mut group, "32 calls at once, all processors", &runtime, &issuer(&set));
    group.finish();
    print_memory();
}

/// Prints the memory of the runner, of which the plugin's memory file exists once for host and runners.
fn print_memory() {
    let smaps = fs::read_to_string(format!("/proc/{}/smaps", runner().as_raw_nonzero())).expect("it runs");
    let (mut resident, mut file, mut own) = (0, 0, 0);
    let mut of_file = false;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let (name, kib) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let kib = kib.parse().unwrap_or(0_u64);
        match name {
            "Rss:" => resident += kib,
            // Of a memory file, what is not anonymous is the file itself.
            "Private_Dirty:" if of_file => file += kib,
            "Private_Dirty:" => own += kib,
            "Anonymous:" if of_file => (file, own) = (file - kib, own + kib),
            _ if !name.ends_with(':') => of_file = line.contains("/memfd:"),
            _ => {}
        }
    }
    println!(
        "memory of a runner: {resident} KiB resident; private dirty: {own} KiB and {file} KiB of the memory file"
    );
}

fn starts(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("runner");
    group.bench_function("start until ready", |bencher| {
        bencher.iter_custom(|iterations| (0..iterations).map(|_| last_start(&load(Isolation::Runner))).sum());
    });
    group.bench_function("load and first answer", |bencher| {
        bencher.iter(|| {
            let set = load(Isolation::Runner);
            one_after_another(&runtime, &issuer(&set), 1)
        });
    });
    let set = load(Isolation::Runner);
    let issuer = issuer(&set);
    group.bench_function("death and next answer", |bencher| {
        bencher.iter_custom(|iterations| {
            (0..iterations).map(|_| death_and_next_answer(&runtime, &set, &issuer)).sum()
        });
    });
    group.finish();
}

/// How long the process took to start, without what the host does with the file before that.
fn last_start(set: &PluginSet) -> Duration {
    set.plugins().next().and_then(|plugin| plugin.health().last_start).expect("it has a runner")
}

/// Kills the runner while it is idle, and waits for an answer of the next one.
fn death_and_next_answer(runtime: &Runtime, set: &PluginSet, issuer: &Arc<dyn Issuer>) -> Duration {
    let deaths = || set.plugins().map(|plugin| plugin.health().deaths).sum::<u32>();
    let (before, runner) = (deaths(), runner());
    let start = Instant::now();
    kill_process(runner, Signal::KILL).expect("it runs");
    while deaths() == before {
        std::hint::spin_loop();
    }
    one_after_another(runtime, issuer, 1);
    start.elapsed()
}

/// The only child of this process.
fn runner() -> Pid {
    let own = format!("PPid:\t{}\n", std::process::id());
    let processes = fs::read_dir("/proc").expect("/proc is mounted").filter_map(Result::ok);
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse::<i32>().ok());
    let status = |number: i32| fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
    let mut children = numbers.filter(|number| status(*number).contains(&own));
    children.next().and_then(Pid::from_raw).expect("a runner")
}

criterion_group!(benches, calls, signatures, starts);
criterion_main!(benches);
