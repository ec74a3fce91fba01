//! Times `AuditLog::record`, which each request pays for: the event becomes a line in the buffer. The thread that chains
//! and writes the lines runs beside it, to `/dev/null`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use locum_engine::ports::AuditSink;
use locum_engine::{AuditCode, AuditEvent};
use locum_store::audit::{AuditLog, AuditOptions, Destination};

fn event() -> AuditEvent {
    AuditEvent {
        at_unix_ms: 1_795_278_302_086,
        code: AuditCode::Success,
        reference: "436060b269ecfba1".to_owned(),
        host: "acme.eu.auth0.com".to_owned(),
        ip: [203, 0, 113, 7].into(),
        tenant: Some("acme.eu.auth0.com".to_owned()),
        client_id: Some("shop".to_owned()),
        user_id: Some("auth0|58a1c2f0e4b07e6f3c9d1a2b".to_owned()),
        actor: None,
        target: Some("orders-api".to_owned()),
        api_type: Some("app".to_owned()),
        scope: Some("openid email".to_owned()),
        device: None,
        subject_token_sha256: Some(
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881".to_owned(),
        ),
        expires_at: Some(1_795_314_302),
        refusal: None,
        auth0_client: Some("eyJuYW1lIjoiYXV0aDAuanMiLCJ2ZXJzaW9uIjoiNy42LjEifQ".to_owned()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0".to_owned()),
        uncounted: false,
        reused: false,
        management: None,
    }
}

fn record(criterion: &mut Criterion) {
    let mut options = AuditOptions::new(Destination::File(PathBuf::from("/dev/null")));
    options.buffer_bytes = 256 * 1024 * 1024;
    let log = AuditLog::open(options).expect("the log opens");
    let event = event();
    criterion.bench_function("clone_the_event", |bencher| bencher.iter(|| black_box(event.clone())));
    criterion.bench_function("clone_and_record_the_event", |bencher| {
        bencher.iter(|| drop(log.record(black_box(event.clone()))));
    });
}

criterion_group!(benches, record);
criterion_main!(benches);
