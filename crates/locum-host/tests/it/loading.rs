//! Loading files one by one and by directory, and inspecting them before.

use std::fs;
use std::sync::Arc;

use locum_abi::answer::Credential;
use locum_abi::manifest::CredentialForm;
use locum_engine::ports::{Issuers as _, NoAudiences};
use locum_host::{Isolation, LoadErrorCode, LoadOptions, Pins, PluginSet, Sha256, inspect, plugin_files};
use serde_json::json;

use crate::harness::{
    ScriptedUpstreams, TestDirectory, app, call_context, configured, grant, issue, load, misbehaving, parrot,
    pins_of,
};

fn options() -> LoadOptions {
    LoadOptions::new(Arc::new(ScriptedUpstreams::default()))
}

fn app_settings() -> serde_json::Value {
    json!({"alg": "HS256", "secret": "a-secret-of-the-target-that-is-long"})
}

#[tokio::test]
async fn a_pinned_plugin_loads_and_issues() {
    let set = load(app()).unwrap();
    assert_eq!(set.manifest("app").unwrap().credential, CredentialForm::Jwt);
    assert!(set.manifest("apps").is_none());
    let issuer = configured(&set, "app", app_settings());
    let issued = issuer.issue(&grant(), call_context(), &NoAudiences).await.unwrap();
    let Credential::Jwt(token) = issued.credential else { panic!("no token") };
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(issued.expires_at, Some(crate::harness::NOW + 60));
}

#[tokio::test]
async fn the_same_call_gives_the_same_credential() {
    let set = load(app()).unwrap();
    let issuer = configured(&set, "app", app_settings());
    assert_eq!(issue(&*issuer).await.unwrap(), issue(&*issuer).await.unwrap());
}

#[tokio::test]
async fn several_plugins_in_one_process_do_not_mix() {
    let files = [app(), parrot(), misbehaving()];
    let set = PluginSet::load(files, &pins_of(&files), options()).unwrap();
    let names: Vec<&str> = set.plugins().map(|plugin| plugin.manifest().name.as_str()).collect();
    assert_eq!(names, ["app", "parrot", "misbehaving"]);
    let echo =
        format!(r#"{{"kind":"issued","credential":{{"text":"echo"}},"issued_at":{}}}"#, crate::harness::NOW);
    let text = issue(&*configured(&set, "parrot_text", json!({"answers": [echo]}))).await.unwrap();
    assert_eq!(text.credential, Credential::Text("echo".to_owned()));
    let jwt = issue(&*configured(&set, "app", app_settings())).await.unwrap();
    assert!(matches!(jwt.credential, Credential::Jwt(_)));
}

#[test]
fn a_directory_is_loaded_with_the_lock_file_beside_it() {
    let parent = TestDirectory::new();
    let directory = parent.path().join("plugins");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("libapp.so");
    fs::copy(app(), &file).unwrap();
    fs::write(directory.join("README"), "not a plugin").unwrap();
    let lock = Pins::lock_path(&directory);

    let unpinned = PluginSet::load_directory(&directory, options()).err().unwrap();
    assert_eq!(unpinned.code, LoadErrorCode::NotPinned);

    let mut pins = Pins::from_lock(&lock).unwrap();
    pins.pin(inspect(&file).unwrap().pin().at(Isolation::InProcess));
    pins.write_lock(&lock).unwrap();
    assert_eq!(Pins::from_lock(&lock).unwrap(), pins);
    assert_eq!(PluginSet::load_directory(&directory, options()).unwrap().plugins().count(), 1);

    pins.unpin("libapp.so").unwrap();
    pins.write_lock(&lock).unwrap();
    assert!(PluginSet::load_directory(&directory, options()).is_err());
}

#[test]
fn a_missing_directory_is_refused() {
    let directory = TestDirectory::new();
    let error = plugin_files(&directory.path().join("none")).unwrap_err();
    assert_eq!(error.code, LoadErrorCode::DirectoryUnreadable);
}

#[test]
fn a_malformed_lock_file_is_refused() {
    let directory = TestDirectory::new();
    let lock = directory.file("plugins.lock", "[[plugin]]\nfile = 'x'\n");
    let error = Pins::from_lock(&lock).unwrap_err();
    assert_eq!(error.code, LoadErrorCode::LockUnusable);
    assert!(error.to_string().contains("missing field `sha256`"), "{error}");
}

#[test]
fn an_inspection_shows_manifest_and_headers_without_running_the_file() {
    let inspection = inspect(app()).unwrap();
    let bytes = fs::read(app()).unwrap();
    assert_eq!(inspection.sha256, Sha256::of(&bytes));
    assert_eq!(inspection.bytes, bytes.len() as u64);
    assert_eq!(inspection.elf.architecture, std::env::consts::ARCH);
    assert_eq!(inspection.elf.exported_symbols, 2);
    assert!(inspection.elf.libraries.iter().any(|library| library.starts_with("libc.so")));
    assert_eq!(inspection.manifest.name, "app");
    assert_eq!(inspection.pin().file, "liblocum_plugin_app.so");
}
