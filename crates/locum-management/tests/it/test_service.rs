//! The router over a database with two tenants, and the requests that tests send to it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use locum_abi::manifest::CredentialForm;
use locum_database::directory::{DatabaseDirectory, DirectoryOptions, Existing, import};
use locum_database::sealing::MasterKeys;
use locum_database::{Database, SchemaChanges};
use locum_engine::ports::{Directory, Issuers};
use locum_engine::prepared::RemoteIssuer;
use locum_engine::{Engine, OperatorToken, Ports};
use locum_management::{IssuerKeysView, ManagedTenants, Management, PluginView, ServerView, router};
use locum_server::ServerOptions;
use locum_store::documents::{FileTenants, from_tenant_file, load_managed};
use locum_store::tenant_file::References;
use locum_store::{MemoryBuckets, MemoryDirectory, TenantSet};
use locum_testing::{
    ACME, CountingEntropy, GLOBEX, NOW, PostgresDatabase, RecordingObserver, RecordingSink, ScriptedIssuers,
    VirtualClock, jwk_set, manifest,
};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tower::ServiceExt as _;

/// A text that is in each secret of the tenants.
pub(crate) const CANARY: &str = "canary";

/// The path of an upstream's URL in the settings of the add-on `crm`.
pub(crate) const CRM_URL: &str = "https://crm.example/token";

/// The router, and what is behind it.
pub(crate) struct TestService {
    router: Router,
    pub(crate) engine: Arc<Engine>,
    directory: Option<Arc<DatabaseDirectory>>,
    pub(crate) database: Database,
    pub(crate) keys: Arc<MasterKeys>,
    pub(crate) issuers: Arc<ScriptedIssuers>,
    pub(crate) server: Arc<TestServerView>,
    pub(crate) observer: Arc<RecordingObserver>,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) clock: Arc<VirtualClock>,
    _postgres: Option<PostgresDatabase>,
    // Deleted after the server has stopped.
    _folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The status and `errorCode`.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(json["statusCode"], self.status, "{json}");
        assert!(json["error"].is_string() && json["message"].is_string(), "{json}");
        (self.status, json["errorCode"].as_str().unwrap().to_owned())
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    /// The body of a success.
    pub(crate) fn ok(&self) -> Value {
        assert!(matches!(self.status, 200 | 201), "{self:?}");
        self.json()
    }
}

/// One call.
#[derive(Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) host: &'a str,
    pub(crate) scope: Option<&'a str>,
    pub(crate) headers: Vec<(&'a str, String)>,
}

/// A call at [`ACME`] by an operator with these scopes.
pub(crate) fn with(scope: &str) -> Asked<'_> {
    Asked { host: ACME, scope: Some(scope), headers: Vec::new() }
}

/// A call at [`ACME`] by an operator with all scopes.
pub(crate) fn with_all() -> Asked<'static> {
    Asked { host: ACME, scope: None, headers: Vec::new() }
}

impl TestService {
    /// One on SQLite.
    pub(crate) async fn new() -> Self {
        let folder = tempdir().unwrap();
        let database = Database::open(&folder.path().join("state.db")).await.unwrap();
        Self::on(database, None, folder).await
    }

    /// One on SQLite, and one on PostgreSQL where that is installed.
    pub(crate) async fn each() -> Vec<Self> {
        let mut services = vec![Self::new().await];
        if let Some(postgres) = PostgresDatabase::create() {
            let url = postgres.url().parse().unwrap();
            let database = Database::connect(&url, SchemaChanges::Apply).await.unwrap();
            services.push(Self::on(database, Some(postgres), tempdir().unwrap()).await);
        }
        services
    }

    async fn on(database: Database, postgres: Option<PostgresDatabase>, folder: TempDir) -> Self {
        let keys = master_keys();
        let tenants = [ACME, GLOBEX].map(|domain| {
            let references = References::new(&|_| None, Path::new("."));
            from_tenant_file(&file(domain), "tenant.yaml", &references).unwrap().0
        });
        import(&database, &keys, &tenants, Existing::Refuse).await.unwrap();
        let issuers = Arc::new(issuers());
        let options = DirectoryOptions::default();
        let (of_directory, known) = (Arc::clone(&keys), issuers.clone());
        let directory =
            DatabaseDirectory::open(database.clone(), of_directory, known, options).await.unwrap();
        let directory = Arc::new(directory);
        let followed = Arc::clone(&directory);
        tokio::spawn(async move { followed.follow().await });
        let tenants = ManagedTenants::Database(Arc::clone(&directory));
        let service = Self::of(directory.clone(), tenants, database, issuers, folder);
        Self { directory: Some(directory), _postgres: postgres, ..service }
    }

    /// One whose tenants are in files, in this folder; its refresh tokens are on SQLite.
    pub(crate) async fn in_files() -> Self {
        let folder = tempdir().unwrap();
        let database = Database::open(&folder.path().join("state.db")).await.unwrap();
        let paths = [ACME, GLOBEX].map(|domain| {
            let path = folder.path().join(format!("{domain}.yaml"));
            std::fs::write(&path, file(domain)).unwrap();
            path
        });
        let (mut data, mut documents) = (Vec::new(), Vec::new());
        for (read, _) in load_managed(&paths, &|_| None) {
            let (read, managed) = read.unwrap();
            data.push(read.data);
            documents.extend(managed);
        }
        let issuers = Arc::new(issuers());
        let directory = MemoryDirectory::new(TenantSet::prepare(data, &*issuers).unwrap());
        let tenants = ManagedTenants::Files(Arc::new(FileTenants::new(documents)));
        Self::of(Arc::new(directory), tenants, database, issuers, folder)
    }

    fn of(
        directory: Arc<dyn Directory>,
        tenants: ManagedTenants,
        database: Database,
        issuers: Arc<ScriptedIssuers>,
        folder: TempDir,
    ) -> Self {
        let sink = Arc::new(RecordingSink::default());
        let clock = Arc::new(VirtualClock::at(NOW));
        let observer = Arc::new(RecordingObserver::default());
        let mut ports = Ports::new(
            clock.clone(),
            Arc::new(CountingEntropy::default()),
            directory,
            Arc::new(MemoryBuckets::default()),
            sink.clone(),
        );
        ports.observer = Some(observer.clone());
        let engine = Arc::new(Engine::new(ports));
        let server = Arc::new(TestServerView { issuers: Arc::clone(&issuers), ..TestServerView::default() });
        let router = router(Management {
            engine: Arc::clone(&engine),
            tenants,
            server: server.clone(),
            refresh_tokens: Some(database.clone()),
            trusted_proxies: Vec::new(),
        });
        Self {
            router,
            engine,
            directory: None,
            database,
            keys: master_keys(),
            issuers,
            server,
            observer,
            sink,
            clock,
            _postgres: None,
            _folder: folder,
        }
    }

    /// The directory in the database.
    pub(crate) fn directory(&self) -> &DatabaseDirectory {
        self.directory.as_deref().unwrap()
    }

    /// The folder of the files.
    pub(crate) fn folder(&self) -> &Path {
        self._folder.path()
    }

    /// Serves what `locum-server` serves too.
    pub(crate) fn beside_the_other_endpoints(self) -> Self {
        let endpoints = locum_server::router(Arc::clone(&self.engine), ServerOptions::default());
        Self { router: endpoints.merge(self.router.clone()), ..self }
    }

    /// Sends a request with a text as its body.
    pub(crate) async fn send_text(&self, asked: &Asked<'_>, method: &str, path: &str, body: String) -> Reply {
        let token = self.token(asked.host, asked.scope).await;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v2{path}"))
            .header("host", asked.host)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        for (name, value) in &asked.headers {
            request = request.header(*name, value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Reply {
        // Ten calls are refilled in each second.
        self.clock.advance(1);
        let peer: SocketAddr = "203.0.113.7:4711".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Reply { status: head.status.as_u16(), headers: head.headers, text }
    }

    pub(crate) async fn get(&self, asked: &Asked<'_>, path: &str) -> Reply {
        self.send_text(asked, "GET", path, String::new()).await
    }

    pub(crate) async fn post(&self, asked: &Asked<'_>, path: &str, body: Value) -> Reply {
        self.send_text(asked, "POST", path, body.to_string()).await
    }

    pub(crate) async fn patch(&self, asked: &Asked<'_>, path: &str, body: Value) -> Reply {
        self.send_text(asked, "PATCH", path, body.to_string()).await
    }

    pub(crate) async fn delete(&self, asked: &Asked<'_>, path: &str) -> Reply {
        self.send_text(asked, "DELETE", path, String::new()).await
    }

    /// The client as it is stored.
    pub(crate) async fn stored_client(&self, id: &str) -> Value {
        let stored = self.directory().reader().client(ACME, id).await.unwrap().unwrap();
        serde_json::from_str(stored.document.expose()).unwrap()
    }

    /// The user as it is stored.
    pub(crate) async fn stored_user(&self, id: &str) -> Value {
        let stored = self.directory().reader().user(ACME, id).await.unwrap().unwrap();
        serde_json::from_str(stored.document.expose()).unwrap()
    }

    /// The tenant as it is stored.
    pub(crate) async fn stored_tenant(&self) -> Value {
        let stored = self.directory().reader().tenant(ACME).await.unwrap().unwrap();
        serde_json::from_str(stored.document.expose()).unwrap()
    }

    /// A token that an operator has minted.
    pub(crate) async fn token(&self, domain: &str, scope: Option<&str>) -> String {
        let tenant = self.engine.directory().tenant(domain).wait().await.unwrap().unwrap();
        let token = OperatorToken {
            tenant: tenant.tenant(),
            scope,
            issued_at: NOW,
            lifetime_seconds: 1_000_000,
            entropy: [7; 32],
        };
        token.mint().unwrap().expose().to_owned()
    }
}

/// What the server knows besides its tenants, as a test sets it.
#[derive(Default)]
pub(crate) struct TestServerView {
    issuers: Arc<ScriptedIssuers>,
    pub(crate) plugins: Mutex<Vec<PluginView>>,
    /// By the `iss` of the issuer.
    pub(crate) issuer_keys: Mutex<HashMap<String, IssuerKeysView>>,
}

impl ServerView for TestServerView {
    fn issuers(&self) -> Arc<dyn Issuers> {
        self.issuers.clone()
    }

    fn plugins(&self, _: &str) -> Vec<PluginView> {
        self.plugins.lock().unwrap().clone()
    }

    fn issuer_keys(&self, issuer: &RemoteIssuer) -> Option<IssuerKeysView> {
        self.issuer_keys.lock().unwrap().get(issuer.issuer()).cloned()
    }
}

fn master_keys() -> Arc<MasterKeys> {
    let master_key = "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    Arc::new(MasterKeys::parse(master_key, "the test").unwrap())
}

fn issuers() -> ScriptedIssuers {
    let mut issuers = ScriptedIssuers::default();
    let mut crm = manifest("crm", CredentialForm::Object);
    crm.settings_schema = json!({
        "type": "object",
        "properties": {
            "url": { "type": "string" },
            "password": { "type": "string", "writeOnly": true },
            "second": { "$ref": "#/$defs/secret" },
        },
        "$defs": { "secret": { "type": "string", "writeOnly": true } },
        "additionalProperties": false,
    });
    issuers.load(crm);
    issuers
}

/// The text of a tenant file.
fn file(domain: &str) -> String {
    let issuers = match domain {
        GLOBEX => format!(
            "former_issuers: [{{issuer: https://globex.auth0.com/}}]\ntrusted_issuers:\n  \
             - {{issuer: https://corp.example/, jwks_uri: https://corp.example/keys, user_id: 'corp|{{sub}}'}}\n  \
             - {{issuer: https://held.example/, keys: {}, user_id: 'held|{{sub}}'}}\n",
            jwk_set(ACME)
        ),
        _ => String::new(),
    };
    format!(
        r#"domain: {domain}
management:
  keys: [canary-of-the-management-key-of-{domain}]
tenant: {{ friendly_name: Tenant of {domain} }}
delegation:
  lifetime_ceiling_seconds: 3600
{issuers}clientGrants:
  - {{ client_id: worker, audience: "https://{domain}/api/v2/", scope: ["read:clients", "update:clients", "update:client_keys"] }}
clients:
  - client_id: worker
    name: The worker
    client_secret: canary-of-the-worker-0123456789
    grant_types: [client_credentials]
  - client_id: crm
    name: With secrets
    client_secret: canary-of-crm-0123456789
    description: kept though nothing uses it
    encryption_key: {{ pub: canary-public, cert: canary-cert }}
    signing_keys: [{{ pkcs7: canary-pkcs7 }}]
    jwt_configuration: {{ alg: HS256, lifetime_in_seconds: 600, private_key: canary-private-key }}
    addons:
      crm: {{ url: "{CRM_URL}", password: canary-password, second: canary-second }}
      unknown: {{ endpoint: canary-endpoint, region: canary-region }}
  - client_id: of-{domain}
    name: Only here
users:
  - user_id: auth0|alice
    email: Alice@acme.example
    name: Alice of {domain}
    identities: [{{ provider: github, user_id: "1", access_token: canary-access, refresh_token: canary-refresh }}]
  - user_id: auth0|mallory
    blocked: true
"#
    )
}
