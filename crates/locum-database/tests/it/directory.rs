//! The directory in a database, on each server.

mod edited;
mod followed;
mod unavailable;
mod unknown_names;
mod up_to_date;
mod whole_tenants;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use locum_database::Database;
use locum_database::directory::{DatabaseDirectory, DirectoryOptions, DirectoryWrite, Existing, import};
use locum_database::sealing::MasterKeys;
use locum_engine::model::User;
use locum_engine::ports::{Directory, Found, Issuers};
use locum_engine::prepared::{PreparedClient, PreparedTenant};
use locum_store::documents::{self, Document, DocumentKind, TenantDocuments};
use locum_store::tenant_file::References;
use locum_testing::{ACME, ScriptedIssuers, acme_key};

use crate::places::Place;

/// Three master keys, each for one use.
pub(crate) const KEYS: [&str; 3] = [
    "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "two:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
    "one:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=",
];

pub(crate) fn keys(lines: &[&str]) -> Arc<MasterKeys> {
    Arc::new(MasterKeys::parse(&lines.join("\n"), "master.keys").unwrap())
}

/// The text of a tenant file: two clients, one of them with an add-on, and two users.
fn file(domain: &str) -> String {
    let key = acme_key().replace('\n', "\n      ");
    format!(
        r#"domain: {domain}
default: {is_default}
delegation:
  lifetime_ceiling_seconds: 3600
signing_keys:
  - kid: key of {domain}
    private_key: |
      {key}
management: {{ keys: [canary-management-key-0123456789ab] }}
clientGrants:
  - {{ client_id: The caller, audience: "https://{domain}/api/v2/", scope: ["read:users"] }}
  - {{ client_id: The caller, audience: "https://other.example/", scope: ["read:more"] }}
clients:
  - client_id: caller
    name: The caller
    client_secret: canary-of-the-caller-0123456789
    callbacks: [https://app.example/callback]
    description: kept though nothing uses it
  - client_id: storage
    client_secret: canary-of-storage-0123456789
    resources: [https://storage.example/]
    addons:
      aws: {{ principal: "arn:aws:iam::123456789012:saml-provider/locum", role: "canary-role-name" }}
      azure_blob: {{ accountName: acme, storageAccessKey: canary-storage-access-key }}
users:
  - user_id: auth0|alice
    email: Alice@acme.example
    name: "${{env:HOME}}"
    identities: [{{ provider: github, access_token: canary-of-alices-identity }}]
  - user_id: auth0|mallory
    blocked: true
"#,
        is_default = domain == ACME,
    )
}

fn documents(text: &str) -> TenantDocuments {
    let references = References::new(&|_| Some("home of the importer".to_owned()), Path::new("."));
    documents::from_tenant_file(text, "tenant.yaml", &references).unwrap().0
}

/// A database with the tenant [`ACME`].
async fn with_acme(place: &Place) -> Database {
    let database = place.open().await;
    add_acme(&database).await;
    database
}

pub(crate) async fn add_acme(database: &Database) {
    import(database, &keys(&KEYS[..1]), &[documents(&file(ACME))], Existing::Refuse).await.unwrap();
}

pub(crate) async fn directory(database: &Database) -> DatabaseDirectory {
    directory_with(database, DirectoryOptions::default()).await
}

async fn directory_with(database: &Database, options: DirectoryOptions) -> DatabaseDirectory {
    let issuers: Arc<dyn Issuers> = Arc::new(ScriptedIssuers::default());
    DatabaseDirectory::open(database.clone(), keys(&KEYS[..1]), issuers, options).await.unwrap()
}

async fn tenant(directory: &DatabaseDirectory) -> Arc<PreparedTenant> {
    directory.tenant(ACME).wait().await.unwrap().unwrap()
}

async fn client(directory: &DatabaseDirectory, id: &str) -> Found<PreparedClient> {
    directory.client(&*tenant(directory).await, id).wait().await
}

async fn user(directory: &DatabaseDirectory, id: &str) -> Found<User> {
    directory.user(&*tenant(directory).await, id).wait().await
}

/// Changes a client as another server does, by replacing a text in its document.
pub(crate) async fn edit_client(database: &Database, id: &str, from: &str, to: &str) {
    let mut write = DirectoryWrite::begin(database, keys(&KEYS[..1])).await.unwrap();
    let tenant = write.tenant(ACME).await.unwrap().unwrap();
    let (tenant, _) = documents::tenant(ACME, tenant.document.expose()).unwrap();
    let client = write.client(ACME, id).await.unwrap().unwrap();
    write.put_client(&tenant, id, &edited(&client.document, DocumentKind::Client, from, to)).await.unwrap();
    write.commit().await.unwrap();
}

fn edited(document: &Document, kind: DocumentKind, from: &str, to: &str) -> Document {
    let text = document.expose();
    assert!(text.contains(from), "{text}");
    Document::from_json(kind, &text.replace(from, to)).unwrap()
}

/// Waits until something is as expected. Panics if it is not soon.
pub(crate) async fn soon(mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not become so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn what_was_imported_is_found_in_its_tenant_alone() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let other = file("other.example").replace("storage.example", "other-storage.example");
        import(&database, &keys(&KEYS[..1]), &[documents(&other)], Existing::Refuse).await.unwrap();
        let directory = directory(&database).await;

        assert_eq!(tenant(&directory).await.domain(), ACME);
        assert_eq!(directory.tenant("elsewhere").wait().await.unwrap().unwrap().domain(), ACME);
        let other = directory.tenant("other.example").wait().await.unwrap().unwrap();
        assert_eq!(other.domain(), "other.example");

        let storage = client(&directory, "storage").await.unwrap().unwrap();
        let add_ons: Vec<&str> = storage.add_ons().iter().map(|add_on| add_on.api_type()).collect();
        assert_eq!(add_ons, ["aws", "azure_blob"]);
        assert!(client(&directory, "nobody").await.unwrap().is_none());
        // The file names the grant's client by its name.
        let caller = client(&directory, "caller").await.unwrap().unwrap();
        assert_eq!(caller.client().management_scopes, ["read:users"]);
        assert!(storage.client().management_scopes.is_empty());
        assert_eq!(
            client(&directory, "caller").await.unwrap().unwrap().client().name.as_deref(),
            Some("The caller")
        );

        assert!(user(&directory, "auth0|mallory").await.unwrap().unwrap().blocked);
        // The reference was resolved by the import, not by whoever reads the row.
        let alice = user(&directory, "auth0|alice").await.unwrap().unwrap();
        assert_eq!(alice.profile["name"], "home of the importer");
        assert!(user(&directory, "auth0|nobody").await.unwrap().is_none());

        let acme = tenant(&directory).await;
        for (tenant, resource, found) in [
            (&acme, "https://storage.example/", true),
            (&acme, "https://other-storage.example/", false),
            (&other, "https://other-storage.example/", true),
        ] {
            let client = directory.client_by_resource(tenant, resource).wait().await.unwrap();
            assert_eq!(client.map(|client| client.id().to_owned()), found.then(|| "storage".to_owned()));
        }
        assert!(directory.allows_origin(&acme, "https://app.example").wait().await.unwrap());
        assert!(!directory.allows_origin(&acme, "https://evil.example").wait().await.unwrap());
    }
}

#[tokio::test]
async fn the_second_look_up_is_answered_from_memory() {
    let place = Place::each().remove(0);
    let database = with_acme(&place).await;
    let directory = directory(&database).await;
    let acme = tenant(&directory).await;
    let first = client(&directory, "caller").await.unwrap().unwrap();
    let locum_engine::ports::PortReply::Now(second) = directory.client(&acme, "caller") else {
        panic!("it asks the database");
    };
    assert!(Arc::ptr_eq(&first, &second.unwrap().unwrap()));
}
