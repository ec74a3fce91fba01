//! The Management API of a server whose tenants are in files.

use std::fs;

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::metrics::Watched;
use crate::serving::Server;

const MANAGEMENT: &str = "management: {keys: [a management key of at least thirty-two bytes]}\n";

/// An installation whose tenant has a Management API.
fn managed() -> Installation {
    let installation = Installation::new();
    let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    installation.write("tenant.yaml", &format!("{MANAGEMENT}{tenant}"));
    installation
}

/// A token with all scopes.
fn mint(installation: &Installation) -> String {
    let minted = installation.locum(["token", "mint-management", "--tenant", "tenant.yaml"]);
    assert_eq!(minted.code, 0, "{}", minted.stderr);
    minted.stdout
}

/// Status and body.
fn read(response: &str) -> (u16, Value) {
    let status = response.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap())
}

fn get(server: &Server, token: &str, path: &str) -> Value {
    let (status, body) = read(&server.manage(token, "GET", path, ""));
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn tenants_in_files_are_read_as_they_are_served_and_changed_in_their_files() {
    let installation = managed();
    let mut server = Server::start(&installation);
    let token = mint(&installation);
    let names = |server: &Server| get(server, &token, "/clients?fields=client_id,name");
    assert_eq!(names(&server), json!([{"client_id": "spa"}]));
    let (status, refusal) = read(&server.manage(&token, "PATCH", "/clients/spa", r#"{"name": "Shop"}"#));
    assert_eq!((status, &refusal["errorCode"]), (409, &"tenant_in_file".into()));
    assert!(refusal["message"].as_str().unwrap().contains("tenant.yaml"), "{refusal}");

    let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    installation.write("tenant.yaml", &tenant.replace("client_id: spa", "name: Shop\n    client_id: spa"));
    assert_eq!(names(&server), json!([{"client_id": "spa"}]));
    server.signal("-HUP");
    server.wait_for(" reloaded");
    assert_eq!(names(&server), json!([{"name": "Shop", "client_id": "spa"}]));
    // Without keys there is no Management API.
    installation.write("tenant.yaml", tenant.replace(MANAGEMENT, "").as_str());
    server.signal("-HUP");
    server.wait_for(" reloaded");
    assert_eq!(read(&server.manage(&token, "GET", "/clients", "")).0, 404);
}

#[test]
fn a_listener_of_its_own_serves_it_alone() {
    let installation = managed();
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("management_listen = \"127.0.0.1:0\"\n{config}"));
    let mut server = Server::start(&installation);
    let line = server.wait_for("the Management API is served on http://");
    let token = mint(&installation);
    assert!(server.manage(&token, "GET", "/clients", "").starts_with("HTTP/1.1 404"));
    server.address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(get(&server, &token, "/clients?fields=client_id"), json!([{"client_id": "spa"}]));
    assert!(server.get("/healthz").starts_with("HTTP/1.1 404"));
}

#[test]
fn plugins_and_those_who_can_reach_a_target_are_what_the_commands_show() {
    let installation = managed();
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("control = \"locum.sock\"\n{config}"));
    let other = "domain: globex.example.com\nclients: [{client_id: spa}]\n";
    installation.write("other.yaml", other);
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &config.replace("\"tenant.yaml\"]", "\"tenant.yaml\", \"other.yaml\"]"));
    let server = Server::start(&installation);
    let token = mint(&installation);
    let plugins = || get(&server, &token, "/locum/plugins");
    let listed = plugins();
    let status = installation.locum(["plugin", "status", "--format", "json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    for name in ["name", "version", "sha256", "isolation", "available", "pauses"] {
        assert_eq!(listed[0][name], status[0][name], "{name}");
    }
    assert_eq!((&listed[0]["api_types"], &listed[0]["pauses"]), (&json!(["app"]), &json!([])));
    // A pause of another tenant is not told.
    for (arguments, pauses) in [
        (["plugin", "pause", "app", "--tenant", "globex.example.com"], json!([])),
        (["plugin", "pause", "app", "--tenant", "acme.example.com"], json!([{"by": "operator"}])),
    ] {
        let paused = installation.locum(arguments);
        assert_eq!(paused.code, 0, "{}", paused.stderr);
        assert_eq!(plugins()[0]["pauses"], pauses, "{arguments:?}");
    }

    let who = installation.locum(["who-can", "spa", "--format", "json"]);
    let mut who: Value = serde_json::from_str(&who.stdout).unwrap();
    who.as_array_mut().unwrap().retain(|row| row["tenant"] == "acme.example.com");
    let rows = get(&server, &token, "/locum/who-can?target=spa");
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(who.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["client_id"], who[0]["client"]);
    assert_eq!((&rows[0]["through"], &rows[0]["api_types"]), (&who[0]["through"], &who[0]["api_types"]));
}

#[test]
fn calls_are_counted() {
    let installation = managed();
    let watched = Watched::start(&installation);
    let token = mint(&installation);
    let counted = |outcome: &str| {
        let labels = format!("endpoint=\"management\",api_type=\"none\",outcome=\"{outcome}\"");
        watched.scrape().value(&format!("locum_requests_total{{{labels}}}"))
    };
    assert_eq!(counted("managed"), None);
    get(&watched.server, &token, "/clients");
    get(&watched.server, &token, "/users");
    watched.server.manage(&token, "POST", "/users", "{}");
    watched.server.manage("x", "GET", "/users", "");
    assert_eq!(counted("managed"), Some(2.0));
    assert_eq!((counted("conflict"), counted("invalid_token")), (Some(1.0), Some(1.0)));
    assert_eq!(counted("not_found"), None);
}
