//! Tenants that are configured otherwise, and servers that deviate from their tenant file.

use std::thread;

use super::{
    TENANT, conformance, installation, installation_with_add_ons, not_run, passed, passing_report, server,
};

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
        replace: &[(
            "callbacks: [\"https://shop.example/callback\"]",
            "allowed_origins: [\"https://*.shop.example\", \"https://shop.example/app\", \"http://localhost:3000\"]",
        )],
        words: &[],
        case: CLOCK.0,
        reason: CLOCK.1,
        passed_min: 99,
    },
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
        replace: &[("clients:\n", "delegation: { session_seconds: 36100 }\nclients:\n")],
        words: &[],
        case: "the-lifetime-is-not-capped-by-the-id-token-by-default",
        reason: "needs a session longer than 36000 s; the tenant's has 36100 s",
        passed_min: 85,
    },
    Variant {
        replace: &[("clients:\n", "delegation: { session_seconds: 86400, chains: open }\nclients:\n")],
        words: &[],
        case: "an-hs256-target-gets-six-claims",
        reason: "needs app tokens without auth_time",
        passed_min: 85,
    },
    Variant {
        replace: &[("clients:\n", "delegation: { private_attributes: [favourite_fruit] }\nclients:\n")],
        words: &[],
        case: "a-scope-selects-the-attribute-of-the-same-name",
        reason: "needs a tenant that adds no private attributes",
        passed_min: 85,
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
    let install = if words.contains(&"--plugins") { installation_with_add_ons } else { installation };
    let report = passing_report(&install(&tenant), words);
    let passed = passed(&report);
    assert!(passed >= *passed_min, "{replace:?}: {passed}");
    let not_run = not_run(&report);
    let stated = not_run.get(*case).map_or("it was run", String::as_str);
    assert!(stated.starts_with(reason), "{replace:?}: {case}: {stated}");
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
