//! A client with its verification key and its configured add-ons.

use serde_json::{Map, Value};

use crate::issuers::Issuers;
use crate::model::{AddOn, Client, ClientAuthentication, ClientKey, PublicKeyAlgorithm};
use crate::prepared::add_on::{AddOnProblem, PreparedAddOn};
use crate::prepared::tenant::PreparedTenant;
use crate::subject_token::{KeySet, VerificationKey};

/// A client with its parsed key and configured add-ons. An add-on that does not work affects neither the client nor its
/// other add-ons.
#[derive(Debug)]
pub struct PreparedClient {
    client: Client,
    secret: Option<VerificationKey>,
    /// The public half of the key that signs the client's ES256 and EdDSA app tokens.
    own_key: Option<Box<VerificationKey>>,
    /// The keys by which the client authenticates.
    assertion_keys: Option<Box<KeySet>>,
    app: PreparedAddOn,
    add_ons: Box<[PreparedAddOn]>,
}

impl PreparedClient {
    /// Parses the client's key and configures the issuer of each add-on. The issuers take the settings over: the client
    /// keeps none. Failures are in [`problems`](Self::problems).
    pub fn prepare(tenant: &PreparedTenant, mut client: Client, issuers: &dyn Issuers) -> Self {
        let app = std::mem::replace(&mut client.app, AddOn::new(String::new(), Map::new()));
        let add_ons = std::mem::take(&mut client.add_ons);
        let secret = match &client.key {
            ClientKey::Secret(secret) => Some(VerificationKey::hs256_of(secret)),
            ClientKey::TenantKeys | ClientKey::None => None,
        };
        // There may be a hundred thousand clients, and lists that were read grew by doubling.
        client.allowed_clients.shrink_to_fit();
        client.allowed_origins.shrink_to_fit();
        client.resources.shrink_to_fit();
        let own_key = own_key(&app);
        let assertion_keys = match &client.authentication {
            ClientAuthentication::PrivateKey(set) => KeySet::from_json(set).ok().map(Box::new),
            ClientAuthentication::Secret(_) | ClientAuthentication::None => None,
        };
        let prepare = |add_on| PreparedAddOn::prepare(tenant, add_on, issuers);
        Self {
            client,
            secret,
            own_key,
            assertion_keys,
            app: prepare(app),
            add_ons: add_ons.into_iter().map(prepare).collect(),
        }
    }

    /// The data that it was prepared from, without its add-ons.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// `client_id`.
    pub fn id(&self) -> &str {
        &self.client.id
    }

    /// The add-on that issues JWTs for this client.
    pub fn app(&self) -> &PreparedAddOn {
        &self.app
    }

    /// The enabled add-ons, in the order of [`Client::add_ons`].
    pub fn add_ons(&self) -> &[PreparedAddOn] {
        &self.add_ons
    }

    /// The add-ons that do not work, and why.
    ///
    /// The app target is included only if the client has a key. A missing plugin for it is included only if the client
    /// has no other add-on, because an installation that serves only add-ons needs none.
    pub fn problems(&self) -> impl Iterator<Item = AddOnProblem> {
        let uses_app = !matches!(self.client.key, ClientKey::None)
            && (self.app.manifest().is_some() || self.add_ons.is_empty());
        let app = uses_app.then_some(&self.app);
        app.into_iter().chain(&self.add_ons).filter_map(|add_on| add_on.problem(&self.client.id))
    }

    /// The keys of the client itself that verify app tokens for it.
    pub(crate) fn app_token_keys(&self) -> impl Iterator<Item = &VerificationKey> {
        self.secret.iter().chain(self.own_key.as_deref())
    }

    /// The keys for one of these algorithms that verify the client's assertions.
    pub(crate) fn assertion_keys<'k>(
        &'k self,
        algorithms: &'k [PublicKeyAlgorithm],
    ) -> impl Iterator<Item = &'k VerificationKey> {
        self.assertion_keys.iter().flat_map(|set| set.keys(algorithms))
    }

    /// The keys that verify the client's id_tokens.
    pub(crate) fn verification_keys<'k>(&'k self, tenant: &'k PreparedTenant) -> Vec<&'k VerificationKey> {
        match &self.client.key {
            ClientKey::TenantKeys => tenant.keys().iter().map(|key| &key.verification).collect(),
            ClientKey::Secret(_) | ClientKey::None => self.secret.iter().collect(),
        }
    }
}

/// The public half of the key in `jwt_configuration`, if there is one. A key that cannot be used is a problem of the add-on.
fn own_key(app: &AddOn) -> Option<Box<VerificationKey>> {
    let setting = |name| app.settings.get(name).and_then(Value::as_str);
    VerificationKey::of_private_key(setting("alg")?, setting("private_key")?).map(Box::new)
}
