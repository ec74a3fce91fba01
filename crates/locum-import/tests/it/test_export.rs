//! An export in a temporary folder, and its import.

use std::fs;
use std::path::{Path, PathBuf};

use locum_import::{
    ApiClients, DeployConfig, Folder, Import, ImportError, Options, Report, import, read_export,
};
use locum_store::NewSigningKey;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::test_issuers::{TestIssuers, secret_settings};

const EXPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exports");
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/keys");

/// The domain of every import of the tests.
pub(crate) const DOMAIN: &str = "delegation.acme.example";

pub(crate) struct TestExport {
    folder: TempDir,
    pub(crate) config: DeployConfig,
    pub(crate) api_clients: Option<ApiClients>,
    pub(crate) domain: String,
}

impl TestExport {
    /// A copy of one of the exports beside this file.
    pub(crate) fn copy_of(form: &str) -> Self {
        let export = Self::empty();
        copy(&Path::new(EXPORTS).join(form), export.folder.path());
        Self { config: DeployConfig::read(&Path::new(EXPORTS).join("config.json")).unwrap(), ..export }
    }

    /// An export of the form `directory` with these clients.
    pub(crate) fn of_clients(clients: &[Value]) -> Self {
        let export = Self::empty();
        for (index, client) in clients.iter().enumerate() {
            export.write(&format!("clients/{index}.json"), &client.to_string());
        }
        export
    }

    /// A client that delegates and is a target, changed by these fields.
    pub(crate) fn client(changes: Value) -> Value {
        let mut client = json!({
            "name": "Shop",
            "client_id": "shop",
            "client_secret": "shop-secret-0123456789-0123456789-0123456789",
            "app_type": "spa",
            "token_endpoint_auth_method": "none",
        });
        for (field, value) in changes.as_object().unwrap() {
            client[field] = value.clone();
        }
        client
    }

    fn empty() -> Self {
        let config = DeployConfig { domain: Some("acme.eu.auth0.com".to_owned()), ..DeployConfig::default() };
        Self { folder: TempDir::new().unwrap(), config, api_clients: None, domain: DOMAIN.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a text in a file of the export, where it must occur.
    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from}");
        self.write(name, &text.replace(from, to));
    }

    pub(crate) fn import(&self) -> Result<Import, ImportError> {
        let export = read_export(&Folder::open(self.folder.path())?, &self.config)?;
        import(
            export,
            &Options {
                domain: &self.domain,
                config: &self.config,
                api_clients: self.api_clients.as_ref(),
                issuers: &TestIssuers::new(),
                secret_settings: &secret_settings,
                signing_key: &|_| Ok(signing_key()),
            },
        )
    }

    pub(crate) fn report(&self) -> Report {
        self.import().map_err(|error| error.to_string()).unwrap().report
    }

    /// The message with which the import stops.
    pub(crate) fn refusal(&self) -> String {
        match self.import() {
            Ok(_) => panic!("the import did not stop"),
            Err(error) => error.to_string(),
        }
    }
}

pub(crate) fn signing_key() -> NewSigningKey {
    let read = |name: &str| fs::read_to_string(format!("{KEYS}/{name}")).unwrap();
    NewSigningKey {
        kid: "test-key".to_owned(),
        private_key_pem: read("tenant-rsa.pem"),
        certificate_pem: read("tenant-rsa.cert.pem"),
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (from, name) = (from.join(entry.as_ref().unwrap().file_name()), entry.unwrap().file_name());
        if from.is_dir() {
            fs::create_dir(to.join(&name)).unwrap();
            copy(&from, &to.join(name));
        } else {
            fs::copy(from, to.join(name)).unwrap();
        }
    }
}
