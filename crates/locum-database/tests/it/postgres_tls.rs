//! TLS and passwords of PostgreSQL over the network.

use std::fs;

use locum_database::{Database, SchemaChanges};
use locum_testing::PostgresServer;
use tempfile::tempdir;

async fn connect(url: &str) -> Result<Database, String> {
    let connected = Database::connect(&url.parse().unwrap(), SchemaChanges::Apply).await;
    connected.map_err(|error| {
        let (shown, debugged) = (error.to_string(), format!("{error:?}"));
        assert!(!shown.contains("hunter2") && !debugged.contains("hunter2"), "{shown} {debugged}");
        shown
    })
}

#[tokio::test]
async fn a_server_elsewhere_must_prove_what_it_is_unless_the_url_says_otherwise() {
    // Addresses of the loopback interface that are not known to be this machine.
    let certified = rcgen::generate_simple_self_signed(["127.0.0.2".to_owned()]).unwrap();
    let certificate = certified.cert.pem();
    let Some(server) = PostgresServer::start_with_tls(&certificate, &certified.signing_key.serialize_pem())
    else {
        return;
    };
    server.ask("CREATE ROLE app LOGIN SUPERUSER PASSWORD 'hunter2'");
    let folder = tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    fs::write(&authority, &certificate).unwrap();
    let port = server.port();
    let trusted = format!("sslrootcert={}", authority.display());
    let at = |host: &str, password: &str, parameters: &str| {
        format!("postgres://app:{password}@{host}:{port}/postgres?{parameters}")
    };
    let encrypted = || {
        server.ask(
            "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'locum'",
        )
    };

    let state = connect(&at("127.0.0.2", "hunter2", &trusted)).await.unwrap();
    // A request waits for 500 ms, and the cryptography of a new connection is slow without optimisation.
    let mut attempts = 0;
    while state.status().await.is_err() {
        attempts += 1;
        assert!(attempts < 50);
    }
    assert_eq!(encrypted(), "t");
    drop(state);
    for (url, why) in [
        (at("127.0.0.2", "hunter2", ""), "UnknownIssuer"),
        (at("127.0.0.3", "hunter2", &trusted), "not valid for name"),
        (at("127.0.0.2", "hunter3", &trusted), "password authentication failed"),
        (at("127.0.0.2", "hunter2", "sslrootcert=/nowhere"), "No such file"),
    ] {
        let refused = connect(&url).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    for host_and_mode in
        [("127.0.0.3", "sslmode=disable"), ("127.0.0.2", "sslmode=require"), ("127.0.0.1", "")]
    {
        connect(&at(host_and_mode.0, "hunter2", host_and_mode.1)).await.unwrap();
    }
    server.ask("ALTER SYSTEM SET ssl = off");
    server.ask("SELECT pg_reload_conf()");
    let refused = loop {
        match connect(&at("127.0.0.2", "hunter2", &trusted)).await {
            // It reads its settings a moment later.
            Ok(_) => tokio::task::yield_now().await,
            Err(refused) => break refused,
        }
    };
    assert!(refused.contains("server does not support TLS"), "{refused}");
    connect(&at("127.0.0.1", "hunter2", "")).await.unwrap();
}
