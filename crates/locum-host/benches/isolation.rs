//! Times one call of a plugin at both levels of isolation, many at once, the start of a runner, and the first answer after
//! its death.
//!
//! `cargo xtask bench` builds the plugins in release mode and passes their directory in LOCUM_BENCH_PLUGINS.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use locum_abi::configuration::{Configuration, Tenant};
use locum_abi::grant::Grant;
use locum_engine::ports::{CallContext, Issuer, Issuers, NoAudiences};
use locum_host::runner::RunnerCommand;
use locum_host::{HttpUpstreams, Isolation, LoadOptions, Pins, PluginSet};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, json};
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
    let settings = settings.as_object().cloned().expect("it is an object");
    let configuration = Configuration::new("app", settings, Tenant::new("acme.example.com"));
    set.configure(configuration).expect("valid settings")
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

fn calls(criterion: &mut Criterion) {
    let runtime = runtime();
    for isolation in [Isolation::InProcess, Isolation::Runner] {
        let set = load(isolation);
        let issuer = issuer(&set);
        let mut group = criterion.benchmark_group(isolation.as_str());
        group.bench_function("one call", |bencher| {
            bencher.iter_custom(|iterations| one_after_another(&runtime, &issuer, iterations));
        });
        group.throughput(Throughput::Elements(CONCURRENT));
        group.bench_function("32 calls at once", |bencher| {
            bencher.iter_custom(|iterations| many_at_once(&runtime, &issuer, iterations));
        });
        group.finish();
    }
}

fn starts(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("runner");
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
    let processes = std::fs::read_dir("/proc").expect("/proc is mounted").filter_map(Result::ok);
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse::<i32>().ok());
    let status = |number: i32| std::fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
    let mut children = numbers.filter(|number| status(*number).contains(&own));
    children.next().and_then(Pid::from_raw).expect("a runner")
}

criterion_group!(benches, calls, starts);
criterion_main!(benches);
