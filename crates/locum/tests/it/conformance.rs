//! `locum conformance URL --tenant FILE` against the server and the tenant file of an operator.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::installation::{CommandOutput, Installation, ROOT, command_output};
use crate::serving::Server;

/// A tenant whose names, secrets and settings are not those of the suite.
const TENANT: &str = r#"domain: login.shop.example
signing_keys:
  - kid: "2026-05"
    private_key: ${file:keys/signing.pem}
clients:
  - client_id: partner
    client_secret: partner-secret-0123456789-0123456789
    is_first_party: false
  - client_id: shop
    client_secret: ${env:SHOP_SECRET}
    callbacks: ["https://shop.example/callback"]
  - client_id: new-app
    oidc_conformant: true
    jwt_configuration: { alg: RS256 }
  - client_id: api
    client_secret: ${file:keys/api-secret.txt}
    allowed_clients: [shop]
    addons:
      firebase:
        client_email: robot@shop-prod.iam.gserviceaccount.com
        private_key: ${file:keys/firebase.pem}
      azure_blob:
        accountName: shopfiles
        storageAccessKey: c2hvcC1rZXktMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=
        containerName: invoices
        container_read: true
        container_list: true
users:
  - { user_id: "auth0|alice", email: someone@shop.example, blocked: true }
"#;

const SHOP_SECRET: &str = "shop-secret-of-the-environment-0123456789";

fn installation(tenant: &str) -> Installation {
    let installation = Installation::new();
    installation.install("firebase");
    installation.install("azure_blob");
    fs::create_dir(installation.path("keys")).unwrap();
    for (name, key) in [("signing.pem", "tenant-rsa.pem"), ("firebase.pem", "layer.pem")] {
        fs::copy(format!("{ROOT}/fixtures/keys/{key}"), installation.path(&format!("keys/{name}"))).unwrap();
    }
    installation.write("keys/api-secret.txt", "api-secret-0123456789-0123456789-01234567\n");
    installation.write("tenant.yaml", tenant);
    installation
}

fn server(installation: &Installation) -> Server {
    Server::start_with(installation, &[("SHOP_SECRET", SHOP_SECRET)])
}

/// Tests the server at an address with `tenant.yaml`, and these further words.
fn conformance(installation: &Installation, address: &str, words: &[&str]) -> CommandOutput {
    let mut command = installation.command();
    command.env("SHOP_SECRET", SHOP_SECRET);
    command.args(["conformance", &format!("http://{address}"), "--tenant", "tenant.yaml"]).args(words);
    command_output(command.output().unwrap())
}

/// The report of a run as JSON, which must not fail.
fn passing_report(installation: &Installation, words: &[&str]) -> Value {
    let server = server(installation);
    let output = conformance(installation, &server.address, &[words, &["--format", "json"]].concat());
    assert_eq!(output.stderr, "");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["failures"], json!([]), "{words:?}");
    assert_eq!(output.code, 0, "{}", output.stderr);
    report
}

fn passed(report: &Value) -> u64 {
    report["counts"]["passed"].as_u64().unwrap()
}

/// The reason by case that was not run.
fn not_run(report: &Value) -> BTreeMap<String, String> {
    let profiles = report["profiles"].as_array().unwrap().iter();
    let listed = profiles.flat_map(|profile| profile["not_run"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed.map(|listed| (text(&listed["case"]), text(&listed["reason"]))).collect()
}

const ALL_PLUGINS: [&str; 6] = [
    "--plugins",
    "plugins/liblocum_plugin_app.so",
    "--plugins",
    "plugins/liblocum_plugin_firebase.so",
    "--plugins",
    "plugins/liblocum_plugin_azure_blob.so",
];

#[test]
fn an_operators_own_server_passes_and_what_cannot_be_asked_has_a_reason() {
    let report = passing_report(&installation(TENANT), &[]);
    assert!(passed(&report) >= 99, "{report:#}");
    let clients = json!([{ "api_type": "app", "caller": "shop", "target": "partner" }]);
    assert_eq!(report["implementation"]["clients"], clients);
    let not_run = not_run(&report);
    for (case, reason) in [
        ("one-request-is-refilled-per-minute", "needs a controllable clock"),
        ("a-blocked-stored-user-is-refused", "needs its own tenant"),
        ("an-oidc-conformant-client-is-refused/caller", "needs its own tenant"),
        ("the-settings-can-ask-for-the-longest-lifetime", "needs its own settings"),
        ("addresses-of-one-ipv6-network-share-a-bucket", "needs another client IP address"),
        ("an-unknown-setting-is-refused", "needs the plugin file"),
    ] {
        assert_eq!(not_run.get(case).map(String::as_str), Some(reason), "{case}");
    }
    let without_manifest = &not_run["all-cases-of-an-add-on (firebase)"];
    assert!(without_manifest.contains("name the plugin's file"), "{without_manifest}");
}

#[test]
fn the_add_ons_of_an_operator_pass_with_their_own_settings() {
    let report = passing_report(&installation(TENANT), &ALL_PLUGINS);
    assert!(passed(&report) >= 200, "{}", passed(&report));
    let of = |api_type: &str, profile: &str| {
        let mut profiles = report["profiles"].as_array().unwrap().iter();
        let profile = profiles.find(|listed| listed["profile"] == profile).unwrap();
        let cases = profile["passed"].as_array().unwrap().iter();
        cases.filter(|case| case.as_str().unwrap().ends_with(&format!("({api_type})"))).count()
    };
    for api_type in ["app", "firebase", "azure_blob"] {
        assert!(of(api_type, "expiry") > 0 && of(api_type, "contract") > 0, "{api_type}");
    }
    let not_run = not_run(&report);
    let reason = &not_run["a-custom-token-has-the-claims-that-firebase-requires (firebase)"];
    assert_eq!(reason, "needs the settings of plugin.yaml; api has its own for firebase");
}

/// A change of [`TENANT`], a case that it keeps from being asked, and the reason.
struct Variant {
    replace: &'static [(&'static str, &'static str)],
    words: &'static [&'static str],
    case: &'static str,
    reason: &'static str,
    passed_min: u64,
}

/// A case that no remote server is asked, for variants that keep no case from being asked.
const CLOCK: (&str, &str) = ("one-request-is-refilled-per-minute", "needs a controllable clock");

const AZURE_BLOB: &str = "plugins/liblocum_plugin_azure_blob.so";

const VARIANTS: &[Variant] = &[
    Variant {
        replace: &[("clients:\n", "delegation: { rate_limit: { size: 3, per_minute: 6 } }\nclients:\n")],
        words: &[],
        case: "the-eleventh-request-at-once-is-refused",
        reason: "needs the rate limit 10/1; the tenant's is 3/6",
        passed_min: 90,
    },
    Variant {
        replace: &[("clients:\n", "delegation: { rate_limit: { size: 1 } }\nclients:\n")],
        words: &[],
        case: "parameters-cannot-change-undeclared-settings",
        reason: "needs 2 requests at once; the tenant allows 1",
        passed_min: 85,
    },
    Variant {
        replace: &[(
            "clients:\n",
            "delegation: { rate_limit: { invalid_tokens: { size: 5, per_minute: 1 } } }\nclients:\n",
        )],
        words: &[],
        case: "a-tampered-id-token-is-refused/other-subject",
        reason: "sends invalid id_tokens; the tenant allows 5 at once",
        passed_min: 60,
    },
    Variant {
        replace: &[("clients:\n", "delegation: { lifetime_ceiling_seconds: 600 }\nclients:\n")],
        words: &[],
        case: "the-default-lifetime-is-that-of-the-manifest",
        reason: "needs the lifetime 36000 s, the default; the tenant or partner has 600 s",
        passed_min: 97,
    },
    Variant {
        replace: &[("clients:\n", "delegation: { cap_to_subject_exp: true }\nclients:\n")],
        words: &[],
        case: "the-lifetime-is-not-capped-by-the-id-token-by-default",
        reason: "needs credentials that may outlive the id_token",
        passed_min: 95,
    },
    Variant {
        replace: &[("clients:\n", "delegation: { leeway_seconds: 30 }\nclients:\n")],
        words: &[],
        case: "an-expired-id-token-is-refused/a-second-ago",
        reason: "needs a tenant that accepts no expired id_token; this one does for 30 s",
        passed_min: 95,
    },
    Variant {
        replace: &[("clients:\n", "delegation: { jsonp: true }\nclients:\n")],
        words: &[],
        case: "get-is-refused-without-jsonp",
        reason: "needs a tenant without JSONP",
        passed_min: 97,
    },
    Variant {
        replace: &[("clients:\n", "default: true\nclients:\n")],
        words: &[],
        case: "a-host-without-a-tenant-is-refused",
        reason: "needs a tenant that does not answer on every host",
        passed_min: 97,
    },
    Variant {
        replace: &[("    callbacks: [\"https://shop.example/callback\"]\n", "")],
        words: &[],
        case: "an-allowed-origin-may-read-a-refusal",
        reason: "needs a caller with an allowed origin; shop has none",
        passed_min: 90,
    },
    Variant {
        replace: &[("${env:SHOP_SECRET}\n", "${env:SHOP_SECRET}\n    jwt_configuration: { alg: RS256 }\n")],
        words: &["--caller", "shop"],
        case: "an-id-token-not-signed-with-the-clients-key-is-refused/another-algorithm",
        reason: "needs an HS256 caller; the id_tokens of shop are signed by the tenant",
        passed_min: 90,
    },
    Variant {
        replace: &[("is_first_party: false\n", "oidc_conformant: true\n")],
        words: &[],
        case: "without-an-api-type-a-target-without-add-ons-gets-app",
        reason: "needs a target whose first add-on is app; api has firebase",
        passed_min: 95,
    },
    Variant {
        replace: &[(
            "is_first_party: false\n",
            "is_first_party: false\n    jwt_configuration: { alg: RS256 }\n",
        )],
        words: &[],
        case: "without-an-api-type-a-target-without-add-ons-gets-app",
        reason: "needs a target whose first add-on is app; api has firebase",
        passed_min: 95,
    },
    Variant {
        replace: &[(
            "is_first_party: false\n",
            "is_first_party: false\n    jwt_configuration: { scopes: { profile: [name] } }\n",
        )],
        words: &[],
        case: "the-scopes-profile-and-email-select-their-claims",
        reason: "needs the scope profile, which is an alias of partner",
        passed_min: 95,
    },
    Variant {
        replace: &[(
            "is_first_party: false\n",
            "is_first_party: false\n    jwt_configuration: { lifetime_in_seconds: 7200 }\n",
        )],
        words: &[],
        case: "one-request-is-refilled-per-minute",
        reason: "needs a controllable clock",
        passed_min: 95,
    },
    Variant {
        replace: &[("is_first_party: false\n", "jwt_configuration: { alg: RS256 }\n")],
        words: &["--target", "partner"],
        case: "an-hs256-target-gets-six-claims",
        reason: "needs a client with HS256 tokens; partner has RS256",
        passed_min: 95,
    },
    Variant {
        replace: &[
            ("signing_keys:\n  - kid: \"2026-05\"\n    private_key: ${file:keys/signing.pem}\n", ""),
            ("    jwt_configuration: { alg: RS256 }\n", ""),
        ],
        words: &[],
        case: "the-public-keys-are-published",
        reason: "needs a signing key; the tenant has none",
        passed_min: 95,
    },
    Variant {
        replace: &[
            ("client_id: shop", "client_id: target"),
            ("[shop]", "[target]"),
            ("client_id: api", "client_id: caller"),
        ],
        words: &["--target", "caller"],
        case: CLOCK.0,
        reason: CLOCK.1,
        passed_min: 99,
    },
    Variant {
        replace: &[(
            "${env:SHOP_SECRET}\n",
            "c2hvcC1zZWNyZXQtMDEyMzQ1Njc4OS0wMTIzNDU2Nzg5\n    jwt_configuration: { secret_encoded: true }\n",
        )],
        words: &[],
        case: CLOCK.0,
        reason: CLOCK.1,
        passed_min: 99,
    },
    Variant {
        replace: &[(
            "        containerName: invoices\n",
            "        containerName: invoices\n        signedIdentifier: policy\n",
        )],
        words: &["--plugins", AZURE_BLOB],
        case: "the-default-lifetime-is-that-of-the-manifest",
        reason: "needs a credential that states its expiry",
        passed_min: 50,
    },
    Variant {
        replace: &[("        containerName: invoices\n", "        allowed_containers: [invoices]\n")],
        words: &["--plugins", AZURE_BLOB, "--parameter", "containerName=invoices"],
        case: CLOCK.0,
        reason: CLOCK.1,
        passed_min: 50,
    },
    Variant {
        replace: &[("        containerName: invoices\n", "        allowed_containers: [invoices]\n")],
        words: &["--plugins", AZURE_BLOB, "--plugins", "plugins/liblocum_plugin_app.so"],
        case: "a-valid-request-gets-the-declared-credential (azure_blob)",
        reason: "every request for azure_blob at api needs the parameter containerName; give one that the tenant allows with --parameter",
        passed_min: 99,
    },
];

/// A tenant whose add-on has the settings of `plugin.yaml`.
const WITH_SETTINGS_OF_THE_SUITE: Variant = Variant {
    replace: &[
        ("shopfiles", "acmeorg"),
        ("c2hvcC1rZXktMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
        (
            "containerName: invoices",
            "containerName: my-container\n        blob_read: true\n        blob_write: true",
        ),
        (
            "container_read: true",
            "container_read: true\n        container_write: true\n        container_delete: true",
        ),
        ("container_list: true", "container_list: true\n        blob_delete: true"),
    ],
    words: &["--plugins", AZURE_BLOB],
    case: "every-blob-name-that-azure-accepts-is-signed-unchanged/percent-sign",
    reason: "needs a controllable clock",
    passed_min: 77,
};

#[test]
fn an_add_on_with_the_settings_of_the_suite_is_asked_the_cases_of_its_plugin() {
    check_variant(&WITH_SETTINGS_OF_THE_SUITE);
}

#[test]
fn a_tenant_that_is_configured_otherwise_does_not_fail() {
    thread::scope(|scope| {
        for variant in VARIANTS {
            scope.spawn(|| check_variant(variant));
        }
    });
}

fn check_variant(variant: &Variant) {
    let Variant { replace, words, case, reason, passed_min } = variant;
    let mut tenant = TENANT.to_owned();
    for (from, to) in *replace {
        assert!(tenant.contains(from), "{from}");
        tenant = tenant.replacen(from, to, 1);
    }
    let report = passing_report(&installation(&tenant), words);
    let passed = passed(&report);
    assert!(passed >= *passed_min, "{replace:?}: {passed}");
    let not_run = not_run(&report);
    let stated = not_run.get(*case).map_or("it was run", String::as_str);
    assert!(stated.starts_with(reason), "{replace:?}: {case}: {stated}");
}

#[test]
fn a_server_with_other_limits_and_a_default_tenant_does_not_fail() {
    let installation = installation(TENANT);
    installation.write("other.yaml", "domain: other.shop.example\ndefault: true\nclients: []\n");
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    let config = config.replace("\"tenant.yaml\"", "\"tenant.yaml\", \"other.yaml\"");
    installation.write("locum.toml", &format!("{config}[limits]\nbody_bytes = 100000\n"));
    let not_run = not_run(&passing_report(&installation, &[]));
    for (case, reason) in [
        ("a-body-above-the-size-limit-is-refused", "needs limits.body_bytes below 70000"),
        ("a-host-without-a-tenant-is-refused", "needs a server without a default tenant"),
    ] {
        assert!(not_run[case].starts_with(reason), "{}", not_run[case]);
    }
}

#[test]
fn runs_that_follow_each_other_do_not_fail_although_the_address_is_refused() {
    let installation = installation(TENANT);
    let server = server(&installation);
    let reasons: String = (0..4)
        .map(|_| {
            let output = conformance(&installation, &server.address, &[]);
            assert_eq!(output.code, 0, "{}", output.stdout);
            output.stdout
        })
        .collect();
    assert!(
        reasons.contains("not run: the server refuses this address for too many invalid tokens"),
        "{reasons}"
    );
}

/// A server whose tenant differs in one field from the tenant file of the suite, and what the suite notices.
const DEVIATIONS: &[(&str, &str, &str, &str)] = &[
    ("delegation: {}", "delegation: { leeway_seconds: 30 }", "an-expired-id-token-is-refused/now", "status"),
    (
        "delegation: {}",
        "delegation: { rate_limit: { size: 11 } }",
        "the-eleventh-request-at-once-is-refused",
        "x-ratelimit-limit",
    ),
    ("delegation: {}", "delegation: { jsonp: true }", "get-is-refused-without-jsonp", "status"),
    (
        "delegation: {}",
        "delegation: { lifetime_ceiling_seconds: 35999 }",
        "an-hs256-target-gets-six-claims",
        "expires_in",
    ),
    ("kid: \"2026-05\"", "kid: \"2026-06\"", "the-public-keys-are-published", "kid"),
    (
        "https://shop.example/",
        "https://shops.example/",
        "an-allowed-origin-may-read-a-refusal",
        "allow-origin",
    ),
    ("partner-secret", "partners-secret", "an-hs256-target-gets-six-claims", "signature"),
    ("domain: login", "default: true\ndomain: signin", "an-hs256-target-gets-six-claims", "status"),
];

#[test]
fn a_server_that_differs_from_the_tenant_file_in_one_field_fails() {
    thread::scope(|scope| {
        for deviation in DEVIATIONS {
            scope.spawn(|| check_deviation(deviation));
        }
    });
}

fn check_deviation((from, to, case, difference): &(&str, &str, &str, &str)) {
    let tenant = format!("{TENANT}delegation: {{}}\n");
    assert!(tenant.contains(from), "{from}");
    let installation = installation(&tenant.replacen(from, to, 1));
    let server = server(&installation);
    installation.write("tenant.yaml", &tenant);
    let output = conformance(&installation, &server.address, &["--only", case]);
    let shown = output.stdout;
    assert_eq!(output.code, 1, "{to}: {shown}");
    assert!(shown.contains(&format!("FAILED {case}")) && shown.contains(difference), "{to}: {shown}");
}

/// What a run shows and writes.
fn everything_written(installation: &Installation, output: &CommandOutput) -> String {
    let files = ["report.yaml", "report.html", "junit.xml"]
        .map(|name| fs::read_to_string(installation.path(&format!("out/{name}"))).unwrap());
    [output.stdout.clone(), output.stderr.clone()].into_iter().chain(files).collect()
}

/// The start of the claims of an id_token in base64url: `{"iss`.
const START_OF_CLAIMS: &str = "eyJpc3Mi";

#[test]
fn a_server_with_another_secret_fails_and_nothing_written_holds_a_token_or_a_secret() {
    let installation = installation(TENANT);
    let server = server(&installation);
    for secret in ["another-secret-than-that-of-the-server-0123", "with/slash+and&more=0123456789-0123456789"]
    {
        installation.write("tenant.yaml", &TENANT.replace("${env:SHOP_SECRET}", secret));
        let output = conformance(&installation, &server.address, &["--report-dir", "out"]);
        assert_eq!(output.code, 1, "{}", output.stdout);
        assert!(output.stdout.contains("bad signature"), "{}", output.stdout);
        let written = everything_written(&installation, &output);
        for text in [START_OF_CLAIMS, secret, SHOP_SECRET, "PRIVATE KEY", "api-secret-0123"] {
            assert!(!written.contains(text), "{text}");
        }
    }
}

/// A server that answers every request with this function of its body. It keeps the bodies.
fn fake_server(answer: fn(&str) -> String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&bodies);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let received = Arc::clone(&received);
            thread::spawn(move || answer_requests(stream.unwrap(), answer, &received));
        }
    });
    (address, bodies)
}

fn answer_requests(stream: TcpStream, answer: fn(&str) -> String, received: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        let answer = answer(&body);
        received.lock().unwrap().push(body);
        // In one write: many small ones wait for acknowledgements.
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlocation: /?{}\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.replace(['"', '\n'], ""),
            answer.len()
        );
        stream.write_all(response.as_bytes()).unwrap();
    }
}

/// Each byte that is not a letter or digit percent-encoded.
fn percent_encoded(text: &str) -> String {
    let encoded =
        |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02X}", c as u32) };
    text.chars().map(encoded).collect()
}

#[test]
fn a_server_that_repeats_its_requests_fails_and_no_token_is_written_in_any_encoding() {
    let answers: [fn(&str) -> String; 4] = [
        |body| body.to_owned(),
        |body| json!({ "error": percent_encoded(body) }).to_string(),
        |body| {
            json!({ "error": percent_encoded(body).to_ascii_lowercase().replace("eyj", "eyJ") }).to_string()
        },
        |body| json!({ "error": percent_encoded(&percent_encoded(body)) }).to_string(),
    ];
    let installation = installation(TENANT);
    for answer in answers {
        let (address, bodies) = fake_server(answer);
        let output = conformance(&installation, &address, &["--report-dir", "out"]);
        assert_eq!(output.code, 1, "{}", output.stdout);
        let written = everything_written(&installation, &output);
        assert!(written.contains("<jwt ") && written.contains("&lt;jwt "), "no token was replaced");
        assert!(!written.contains(START_OF_CLAIMS));
        let bodies = bodies.lock().unwrap();
        let tokens = bodies.iter().filter_map(|body| {
            let body: Value = serde_json::from_str(body).ok()?;
            body["id_token"].as_str().map(str::to_owned)
        });
        let signatures: Vec<String> =
            tokens.filter_map(|token| Some(token.split('.').nth(2)?.get(..20)?.to_owned())).collect();
        assert!(signatures.len() > 50, "{}", signatures.len());
        for signature in signatures {
            for form in [
                signature.clone(),
                percent_encoded(&signature),
                percent_encoded(&percent_encoded(&signature)),
            ] {
                assert!(!written.contains(&form), "{form}");
            }
        }
    }
}

#[test]
fn a_stopped_server_fails() {
    let installation = installation(TENANT);
    let stopped = server(&installation).address.clone();
    let output = conformance(&installation, &stopped, &["--format", "json"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(passed(&report), 0);
}

#[test]
fn the_tenant_file_is_read_as_the_server_reads_it() {
    let installation = installation(TENANT);
    let (from, to) = ("keys/api-secret.txt", "keys/none.txt");
    installation.write("tenant.yaml", &TENANT.replace(from, to).replace("[shop]", "shop"));
    let path = installation.path("tenant.yaml");
    let path = path.to_str().unwrap();
    let output = installation.locum(["conformance", "http://127.0.0.1:9", "--tenant", path]);
    let checked = installation.locum(["check"]);
    assert_eq!((output.code, checked.code), (3, 3));
    let lines: Vec<&str> = output.stderr.lines().map(|line| line.trim_start_matches("locum: ")).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (line, text) in lines.iter().zip(["10:", "16:", "17:"]) {
        assert!(line.starts_with(&format!("{path}:{text}")), "{line}");
        assert!(checked.stdout.contains(line), "{line}\n{}", checked.stdout);
    }
}

#[test]
fn clients_can_be_named_and_a_client_that_cannot_be_used_is_refused_with_the_reason() {
    let installation = installation(TENANT);
    let server = server(&installation);
    let run = |words: &[&str]| {
        conformance(
            &installation,
            &server.address,
            &[&["--only", "an-unknown-scope-is-ignored"], words].concat(),
        )
    };
    let named = run(&["--caller", "shop", "--target", "api"]);
    assert_eq!(named.code, 0, "{}", named.stderr);
    assert!(named.stdout.contains("app: caller shop, target api\n"), "{}", named.stdout);
    for (words, code, why) in [
        (&["--caller", "nobody"][..], 3, "has no client nobody; check --caller"),
        (&["--target", "nobody"], 3, "has no client nobody; check --target"),
        (&["--caller", "partner"], 3, "partner cannot be the caller: it is a third-party client"),
        (&["--caller", "new-app"], 3, "new-app cannot be the caller: it is OIDC-conformant"),
        (&["--target", "new-app"], 3, "no client can be a target of app (new-app: it is OIDC-conformant"),
        (&["--caller", "api", "--target", "api"], 3, "no other client can be a target of app for api"),
        (&["--parameter", "colour=red"], 3, "no tested plugin has the parameter colour; check --parameter"),
        (&["--parameter", "colour"], 2, "write --parameter NAME=VALUE"),
        (&["--settings", "settings.json"], 2, "leave out --settings"),
    ] {
        let refused = run(words);
        assert_eq!(refused.code, code, "{words:?}: {}{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains(why), "{words:?}: {}", refused.stderr);
    }
}

#[test]
fn a_tenant_that_cannot_be_tested_is_refused_with_what_is_missing() {
    let installation = installation(TENANT);
    for (from, to, why) in [
        ("clients:\n", "delegation: { enabled: false }\nclients:\n", "it has delegation disabled"),
        (
            TENANT.split_once("clients:\n").unwrap().1,
            "  - { client_id: a }\n  - { client_id: b }\n",
            "no client of the tenant can be the caller (a: it has no client_secret",
        ),
    ] {
        installation.write("tenant.yaml", &TENANT.replacen(from, to, 1));
        let output = conformance(&installation, "127.0.0.1:9", &[]);
        assert_eq!(output.code, 3, "{}", output.stderr);
        assert!(
            output.stderr.contains("login.shop.example") && output.stderr.contains(why),
            "{}",
            output.stderr
        );
    }
}
