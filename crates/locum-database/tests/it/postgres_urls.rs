//! URLs of PostgreSQL that cannot be used, and what messages show of them.

use locum_database::{Database, DatabaseError, PostgresUrl, SchemaChanges};
use tempfile::tempdir;

fn shown(error: &DatabaseError) -> String {
    let (shown, debugged) = (error.to_string(), format!("{error:?}"));
    assert!(!shown.contains("hunter2") && !debugged.contains("hunter2"), "{shown} {debugged}");
    shown
}

#[test]
fn a_url_that_cannot_be_used_is_refused_without_showing_its_password() {
    for (url, why) in [
        ("state.db", "is not a URL"),
        ("postgres://locum:hunter2@db:port/locum", "is not a URL"),
        ("mysql://locum:hunter2@db/locum", "must begin with postgres://"),
        ("sqlite:state.db", "must begin with postgres://"),
        ("postgres:///locum?user=hunter2", "names no host"),
        ("postgres://locum@db/locum?password=hunter2", "has its password after `?`"),
        ("postgres://locum@db/locum?sslmod=hunter2", "has an unknown parameter `sslmod`"),
        ("postgres://locum:hunter2@db/locum?sslmode=maybe", "unknown value \"maybe\""),
        ("postgres://locum:hunter2@db/locum?port=many", "invalid digit"),
        ("postgres://locum:hunter2%FF@db/locum", "invalid utf-8"),
    ] {
        let shown = shown(&url.parse::<PostgresUrl>().unwrap_err());
        assert!(shown.starts_with("the URL of PostgreSQL ") && shown.contains(why), "{url}: {shown}");
    }
    for url in [
        "postgres://locum:hunter2@db/locum?sslmode=require",
        "postgresql://locum:hunter2@db:5433/locum",
        "postgres:///locum?host=/run/postgresql&options[work_mem]=8MB",
    ] {
        let parsed = url.parse::<PostgresUrl>().unwrap();
        assert!(!format!("{parsed:?}").contains("hunter2"), "{parsed:?}");
    }
}

async fn refusal(url: &str) -> String {
    shown(&Database::connect(&url.parse().unwrap(), SchemaChanges::Refuse).await.unwrap_err())
}

#[tokio::test]
async fn a_server_that_is_down_is_named_without_the_password() {
    let folder = tempdir().unwrap();
    let url = format!("postgres://locum:hunter2@127.0.0.1:1/locum?host={}", folder.path().display());
    let socket = refusal(&url).await;
    assert!(socket.starts_with("postgres://locum@127.0.0.1:1/locum?host="), "{socket}");
    assert!(socket.contains("No such file"), "{socket}");
    let port = refusal("postgres://locum:hunter2@127.0.0.1:1/locum?sslrootcert=/hunter2").await;
    assert!(port.starts_with("postgres://locum@127.0.0.1:1/locum: ") && port.contains("refused"), "{port}");
}
