//! Both forms of an export give the same tenant.

use locum_import::{Counted, Readiness};

use crate::test_export::{DOMAIN, TestExport};

#[test]
fn both_forms_give_the_same_tenant_file_and_report() {
    let [yaml, directory] =
        ["yaml", "directory"].map(|form| TestExport::copy_of(form).import().ok().unwrap());
    let file = format!("{DOMAIN}.yaml");
    assert_eq!(yaml.text(&file).unwrap(), directory.text(&file).unwrap());
    assert_eq!(yaml.data, directory.data);
    let (mut yaml, directory) = (yaml.report, directory.report);
    // Only the code of the action is in another file.
    assert_eq!(yaml.scripts.last().unwrap().file, "tenant.yaml");
    yaml.scripts.last_mut().unwrap().file = "actions/enrich/code.js".to_owned();
    yaml.scripts.last_mut().unwrap().line = 3;
    assert_eq!(yaml, directory);
}

#[test]
fn the_tenant_file_has_what_delegation_needs_and_references_in_place_of_secrets() {
    let imported = TestExport::copy_of("yaml").import().ok().unwrap();
    let expected = r#"domain: "delegation.acme.example"
default: true
delegation:
  enabled: true
former_issuers:
  -
    issuer: "https://acme.eu.auth0.com/"
    jwks_uri: "https://acme.eu.auth0.com/.well-known/jwks.json"
  -
    issuer: "https://login.acme.example/"
    jwks_uri: "https://login.acme.example/.well-known/jwks.json"
signing_keys:
  -
    kid: "test-key"
    private_key: "${file:secrets/tenant.key}"
    certificate: "${file:secrets/tenant.crt}"
clients:
  -
    name: "Shop"
    client_id: "shopClientId"
    client_secret: "${file:secrets/shopClientId.client_secret}"
    grant_types: ["http://auth0.com/oauth/legacy/grant-type/delegation/id_token", "implicit"]
    refresh_token:
      rotation_type: "non-rotating"
    callbacks: ["https://shop.acme.example/callback"]
    addons:
      azure_blob:
        accountName: "acmefiles"
        storageAccessKey: "${file:secrets/shopClientId.azure_blob.storageAccessKey}"
        containerName: "invoices"
        blob_read: true
      firebase: null
    allowed_origins: ["https://shop.acme.example"]
    token_endpoint_auth_method: "none"
    jwt_configuration:
      alg: "HS256"
      lifetime_in_seconds: 36000
      secret_encoded: false
  -
    name: "Orders API"
    client_id: "ordersApiId"
    client_secret: "${file:secrets/ordersApiId.client_secret}"
    grant_types: []
    allowed_clients: ["shopClientId"]
    token_endpoint_auth_method: "client_secret_post"
    jwt_configuration:
      alg: "RS256"
      lifetime_in_seconds: 3600
  -
    name: "Reports"
    client_id: "reportsId"
    client_secret: "${file:secrets/reportsId.client_secret}"
    grant_types: ["http://auth0.com/oauth/legacy/grant-type/delegation/id_token", "implicit"]
    addons:
      aws:
        principal: "arn:aws:iam::123456789012:saml-provider/acme"
        role: "arn:aws:iam::123456789012:role/reports"
    jwt_configuration:
      alg: "HS256"
clientGrants:
  -
    client_id: "reportsId"
    audience: "https://delegation.acme.example/api/v2/"
    scope: ["read:users"]
"#;
    assert_eq!(imported.text(&format!("{DOMAIN}.yaml")).unwrap(), expected);
    let secret = imported.text("secrets/shopClientId.client_secret").unwrap();
    assert_eq!(secret, "shop-secret-0123456789-0123456789-0123456789\n");
}

#[test]
fn the_report_tells_for_each_client_what_it_needs() {
    let report = TestExport::copy_of("yaml").report();
    let rows: Vec<_> =
        report.clients.iter().map(|client| (&*client.client_id, client.may_call, client.readiness)).collect();
    assert_eq!(
        rows,
        [
            ("shopClientId", true, Readiness::WorksNow),
            ("ordersApiId", false, Readiness::NeedsTrust),
            ("reportsId", true, Readiness::NeedsTrust),
        ]
    );
    assert_eq!(report.clients[0].api_types, ["azure_blob", "app"]);
    assert_eq!(report.former_issuers, ["https://acme.eu.auth0.com/", "https://login.acme.example/"]);
    assert_eq!(report.signing_key.as_deref(), Some("test-key"));
    assert_eq!(report.left_out.len(), 1);
    assert_eq!((&*report.left_out[0].client_id, report.left_out[0].needs_decision), ("newAppId", false));
    let named = |counted: &[Counted]| counted.iter().map(|counted| counted.name.clone()).collect::<Vec<_>>();
    assert_eq!(named(&report.dropped_fields), ["a_field_of_next_year"]);
    assert_eq!(named(&report.single_sign_on), ["samlp"]);
}

#[test]
fn rules_and_actions_are_scanned_with_their_file_and_line() {
    let report = TestExport::copy_of("yaml").report();
    let places: Vec<_> = report.scripts.iter().map(|found| (&*found.file, found.line)).collect();
    assert_eq!(places, [("rules/Role in AWS.js", 3), ("rules/Role in AWS.js", 4), ("tenant.yaml", 71)]);
}

#[test]
fn a_folder_with_both_forms_is_refused() {
    let export = TestExport::copy_of("directory");
    export.write("tenant.yaml", "clients: []\n");
    assert!(export.refusal().contains("two exports"), "{}", export.refusal());
}

#[test]
fn a_folder_that_is_no_export_is_refused_with_what_to_export() {
    let export = TestExport::of_clients(&[]);
    assert!(export.refusal().contains("neither tenant.yaml nor a folder `clients`"), "{}", export.refusal());
}

#[test]
fn a_tenant_whose_flag_is_off_does_not_delegate_and_the_report_says_so() {
    let export = TestExport::copy_of("yaml");
    export.replace("tenant.yaml", "delegation_grant_types: true", "delegation_grant_types: false");
    let imported = export.import().ok().unwrap();
    assert!(!imported.data.tenant.delegation.enabled);
    assert!(imported.report.tenant.iter().any(|to_do| to_do.text.contains("every request gets 404")));
}

#[test]
fn a_tenant_that_allows_tokeninfo_has_it_here_too() {
    let allowed = |flag: &str| {
        let export = TestExport::copy_of("yaml");
        let flags = format!("delegation_grant_types: true\n{flag}");
        export.replace("tenant.yaml", "delegation_grant_types: true\n", &flags);
        export.import().ok().unwrap().data.tenant.delegation.profile_endpoints
    };
    assert!(allowed("    allow_legacy_tokeninfo_endpoint: true\n"));
    assert!(!allowed("    allow_legacy_tokeninfo_endpoint: false\n"));
    assert!(!allowed(""));
}

#[test]
fn a_sorted_export_is_noticed_with_and_without_its_config() {
    let addons = serde_json::json!({"firebase": {"secret": "s"}, "wams": {"masterkey": "m"}});
    let client = TestExport::client(serde_json::json!({"addons": addons, "callbacks": []}));
    let warns = |export: &TestExport| {
        let client = export.report().clients.remove(0);
        client.to_do.iter().any(|to_do| to_do.text.contains("AUTH0_EXPORT_ORDERED"))
    };
    let mut export = TestExport::of_clients(std::slice::from_ref(&client));
    assert!(!warns(&export));
    export.config.is_ordered = true;
    assert!(warns(&export));
    let mut sorted: Vec<_> = client.as_object().unwrap().clone().into_iter().collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(warns(&TestExport::of_clients(&[sorted.into_iter().collect()])));
}
