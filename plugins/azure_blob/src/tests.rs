//! Signatures compared with those of Microsoft's libraries, and refusals.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_plugin::abi::answer::{FailureCode, Issued};
use locum_plugin::percent::percent_encoded;
use locum_plugin::prelude::*;
use locum_plugin::signing::HmacKey;
use locum_plugin::testing::{NOW, ReadyIssuer, grant, tenant};

use crate::AzureBlob;

const WINDOW: &str = "st=2030-01-08T18%3A45%3A14Z&se=2030-01-08T18%3A50%3A14Z";

/// The account and key of the recorded signatures, with every permission.
fn settings(changes: Value) -> Value {
    let settings = json!({
        "accountName": "acmeorg",
        "storageAccessKey": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "containerName": "my-container",
        "blob_read": true, "blob_write": true, "blob_delete": true,
        "container_read": true, "container_write": true, "container_delete": true, "container_list": true,
    });
    merged(settings, changes)
}

fn merged(mut settings: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn configure(changes: Value) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<AzureBlob>("azure_blob", settings(changes), tenant())
}

fn issue(changes: Value, parameters: Value) -> Result<String, Failure> {
    let mut grant = grant(parameters);
    grant.lifetime_seconds = 300;
    configure(changes)?.issue_token(&grant)
}

fn refused_setting(changes: Value) -> String {
    let failure = configure(changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

fn refused_parameter(changes: Value, parameters: Value) -> String {
    let failure = issue(changes, parameters).unwrap_err();
    assert_eq!(failure.code, FailureCode::ParameterRefused);
    failure.pointer.unwrap_or(failure.message)
}

#[test]
fn signatures_equal_those_of_microsofts_libraries() {
    let blob = json!({ "blobName": "dir/my blob.txt" });
    let vectors = [
        ("2014-02-14", &blob, "rwd", "b", "gVCmMFUAhP%2F%2FXM6s7UPR8cCNSXWJQwQ9dY7zu%2FYKyss%3D"),
        ("2014-02-14", &json!({}), "rwdl", "c", "PlNHvQC7tOCUHYAAHd3UEXgehKQ%2FmgSaVzbzGPnF5H4%3D"),
        ("2018-03-28", &blob, "rwd", "b", "%2BhyLOF%2BLwp2AZiLLATmfjJj6rE37HjUzsgdNYCtvv6g%3D"),
        ("2018-03-28", &json!({}), "rwdl", "c", "hJpO6%2B%2FMb7B7E3WLW9PTw0bcZBrzBzFzagYNXoLsPL0%3D"),
        ("2018-11-09", &blob, "rwd", "b", "Qyk0VI%2BAVV7aUQwiPbZktsNdVvlUZo41RSRXkP7QEOo%3D"),
        ("2020-12-06", &blob, "rwd", "b", "WgqC3dlHv3wfUHhqJxYC9l5Y%2F1fJbumYFbwAXxpmW%2Bk%3D"),
        ("2020-12-06", &json!({}), "rwdl", "c", "U3W0BoqMwIOJZGaio%2BkBfu%2B7RtajLUq02PjegLb%2BOec%3D"),
    ];
    for (sv, parameters, sp, sr, sig) in vectors {
        let sas = issue(json!({ "sv": sv }), parameters.clone()).unwrap();
        assert_eq!(sas, format!("{WINDOW}&sp={sp}&sv={sv}&sr={sr}&sig={sig}"));
    }
}

#[test]
fn the_default_version_is_one_that_azurite_supports() {
    let changes = json!({ "blob_write": false, "blob_delete": false });
    let sas = issue(changes, json!({ "blobName": "dir/my blob.txt" })).unwrap();
    let sig = "g%2BHYs7XyDWKtKsaGJbf7O0BCXgGkSkG9GKcCs%2Bjr94A%3D";
    assert_eq!(sas, format!("{WINDOW}&sp=r&sv=2022-11-02&sr=b&sig={sig}"));
}

#[test]
fn a_signature_with_a_stored_policy_states_neither_times_nor_permissions() {
    let old =
        issue(json!({ "sv": "2014-02-14", "signedIdentifier": "mypolicy" }), json!({ "blobName": "b.txt" }));
    let sig = "1fJWTIrg%2BOSow0Z2khFBjRHF2Dx7lbVilV7Bwh9uP1U%3D";
    assert_eq!(old.unwrap(), format!("sv=2014-02-14&si=mypolicy&sr=b&sig={sig}"));
    let new = issue(json!({ "sv": "2020-12-06", "signedIdentifier": "mypolicy" }), json!({}));
    let sig = "g1R%2F%2BXqWAl%2FNvCEx5RXKz6cxFDlArQ4oyhHiokiKOSk%3D";
    assert_eq!(new.unwrap(), format!("sv=2020-12-06&si=mypolicy&sr=c&sig={sig}"));
}

#[test]
fn a_signature_with_a_policy_states_no_expiry_and_another_states_that_of_the_grant() {
    let end = |changes| match configure(changes).unwrap().issue(&grant(json!({})), &[]).unwrap() {
        IssueAnswer::Issued(Issued { expires_at, .. }) => expires_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(end(json!({ "signedIdentifier": "mypolicy" })), None);
    assert_eq!(end(json!({})), Some((NOW + 3600).as_seconds()));
}

#[test]
fn a_stored_blob_is_signed_and_another_one_only_if_the_settings_allow_it() {
    let stored = json!({ "blobName": "dir/my blob.txt", "sv": "2020-12-06" });
    let of_settings = issue(stored.clone(), json!({})).unwrap();
    assert!(of_settings.ends_with("sr=b&sig=WgqC3dlHv3wfUHhqJxYC9l5Y%2F1fJbumYFbwAXxpmW%2Bk%3D"));
    assert_eq!(refused_parameter(stored.clone(), json!({ "blobName": "other.txt" })), "/blobName");
    let of_request = issue(json!({ "sv": "2020-12-06" }), json!({ "blobName": "other.txt" })).unwrap();
    for allowing in [json!({ "allowed_blobs": ["other.*"] }), json!({ "allow_any_blob": true })] {
        let settings = merged(stored.clone(), allowing);
        assert_eq!(issue(settings, json!({ "blobName": "other.txt" })).unwrap(), of_request);
    }
}

#[test]
fn a_stored_container_is_signed_and_another_one_only_if_the_settings_allow_it() {
    assert_eq!(refused_parameter(json!({}), json!({ "containerName": "other" })), "/containerName");
    let of_settings = issue(json!({ "containerName": "other" }), json!({})).unwrap();
    for allowing in [json!({ "allowed_containers": ["other"] }), json!({ "allow_any_container": true })] {
        assert_eq!(issue(allowing.clone(), json!({ "containerName": "other" })).unwrap(), of_settings);
        assert_eq!(refused_parameter(allowing, json!({ "containerName": "$logs" })), "/containerName");
    }
}

#[test]
fn a_blob_name_is_signed_as_it_is_and_never_corrected() {
    for name in ["100%", "a%20b", "dir/", "a//b", "/a", "a."] {
        let sas = issue(json!({}), json!({ "blobName": name })).unwrap();
        let text = format!(
            "rwd\n2030-01-08T18:45:14Z\n2030-01-08T18:50:14Z\n/blob/acmeorg/my-container/{name}\n\n\n\n2022-11-02\nb\n\n\n\n\n\n\n"
        );
        let key = HmacKey::new(b"0123456789abcdef0123456789abcdef").unwrap();
        let signature = percent_encoded(&STANDARD.encode(key.sign(text.as_bytes()))).to_string();
        assert!(sas.ends_with(&format!("&sr=b&sig={signature}")), "{name}");
    }
}

#[test]
fn an_empty_blob_name_in_the_settings_means_the_whole_container() {
    assert_eq!(issue(json!({ "blobName": "" }), json!({})), issue(json!({}), json!({})));
}

#[test]
fn only_the_set_permissions_are_stated_in_azures_order() {
    let changes = json!({ "container_write": false, "container_read": false });
    assert!(issue(changes, json!({})).unwrap().contains("&sp=dl&"));
}

#[test]
fn a_resource_without_any_permission_is_refused() {
    let no_blob = json!({ "blob_read": false, "blob_write": false, "blob_delete": false });
    assert_eq!(refused_parameter(no_blob.clone(), json!({ "blobName": "b" })), "/blobName");
    assert!(issue(no_blob, json!({})).is_ok());
    let no_container = json!({ "container_read": false, "container_write": false, "container_delete": false, "container_list": false });
    assert_eq!(refused_parameter(no_container.clone(), json!({})), "/blobName");
    assert!(issue(no_container, json!({ "blobName": "b" })).is_ok());
}

#[test]
fn names_outside_the_grammar_are_refused() {
    assert_eq!(refused_parameter(json!({}), json!({ "containerName": "My-Container" })), "/containerName");
    assert_eq!(refused_parameter(json!({}), json!({ "containerName": "a/../b" })), "/containerName");
    assert_eq!(refused_parameter(json!({}), json!({ "blobName": "../b" })), "/blobName");
    assert_eq!(refused_parameter(json!({ "containerName": null }), json!({})), "/containerName");
    let failure = issue(json!({}), json!({ "blobName": 7 })).unwrap_err();
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (FailureCode::ParameterRefused, "blobName must be a text")
    );
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(refused_setting(json!({ "accountName": "Acme" })), "/accountName");
    assert_eq!(refused_setting(json!({ "storageAccessKey": "not base64" })), "/storageAccessKey");
    assert_eq!(refused_setting(json!({ "storageAccessKey": "" })), "/storageAccessKey");
    assert_eq!(refused_setting(json!({ "containerName": "a/b" })), "/containerName");
    assert_eq!(refused_setting(json!({ "blobName": "../b" })), "/blobName");
    for bad in ["", "*", "a/b", "My-*", "$*", "a--*", "news**"] {
        assert_eq!(refused_setting(json!({ "allowed_containers": [bad] })), "/allowed_containers", "{bad}");
    }
    for bad in ["", "*", "../b", "a\\*", "a**"] {
        assert_eq!(refused_setting(json!({ "allowed_blobs": [bad] })), "/allowed_blobs", "{bad}");
    }
    assert_eq!(refused_setting(json!({ "signedIdentifier": "p".repeat(65) })), "/signedIdentifier");
    assert!(refused_setting(json!({ "sv": "2099-01-01" })).contains("2099-01-01"));
    assert!(refused_setting(json!({ "container": "x" })).contains("unknown field `container`"));
}

#[test]
fn settings_without_any_permission_need_a_policy() {
    let nothing = json!({
        "blob_read": false, "blob_write": false, "blob_delete": false,
        "container_read": false, "container_write": false, "container_delete": false, "container_list": false,
    });
    assert_eq!(refused_setting(nothing.clone()), "/blob_read");
    let mut with_policy = nothing;
    with_policy["signedIdentifier"] = json!("mypolicy");
    assert!(configure(with_policy).is_ok());
}
