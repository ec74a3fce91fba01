//! What bodies are, as JSON Schema, for the OpenAPI description.

mod keys;
mod object;
mod own;

use locum_store::documents::CLIENT_FIELDS;
use serde_json::{Map, Value, json};

use crate::limits::{ID_BYTES_MAX, LISTED_BYTES_MAX};
use crate::schema::object::{closed, object, paged};
use crate::setting_names::{AUTH0, OWN};

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    Client,
    Clients,
    NewClient,
    ClientPatch,
    ClientGrant,
    ClientGrants,
    NewClientGrant,
    ClientGrantPatch,
    DeviceCredential,
    DeviceCredentials,
    User,
    Users,
    NewUser,
    UserPatch,
    TenantSettings,
    SigningKey,
    SigningKeys,
    ChangedSigningKey,
    Issuers,
    Plugins,
    WhoCan,
    Error,
}

impl Schema {
    pub(crate) const ALL: [Self; 22] = [
        Self::Client,
        Self::Clients,
        Self::NewClient,
        Self::ClientPatch,
        Self::ClientGrant,
        Self::ClientGrants,
        Self::NewClientGrant,
        Self::ClientGrantPatch,
        Self::DeviceCredential,
        Self::DeviceCredentials,
        Self::User,
        Self::Users,
        Self::NewUser,
        Self::UserPatch,
        Self::TenantSettings,
        Self::SigningKey,
        Self::SigningKeys,
        Self::ChangedSigningKey,
        Self::Issuers,
        Self::Plugins,
        Self::WhoCan,
        Self::Error,
    ];

    /// Its name among the components of the description.
    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }

    /// A reference to it.
    pub(crate) fn reference(self) -> Value {
        json!({ "$ref": format!("#/components/schemas/{}", self.name()) })
    }

    pub(crate) fn json(self) -> Value {
        match self {
            Self::Client => object(client_fields(&["client_id"]), &["client_id"]),
            Self::Clients => list("clients", Self::Client),
            Self::NewClient => object(nullable(client_fields(&["client_id"]), "name"), &["name"]),
            Self::ClientPatch => object(nullable(client_fields(&[]), ""), &[]),
            Self::ClientGrant => object(grant_fields(), &["id"]),
            Self::ClientGrants => list("client_grants", Self::ClientGrant),
            Self::NewClientGrant => {
                let mut fields = grant_fields();
                fields.remove("id");
                fields.insert("client_id".to_owned(), json!({ "type": "string", "minLength": 1 }));
                fields.insert("audience".to_owned(), json!({ "type": "string", "minLength": 1 }));
                closed(fields, &["client_id", "audience", "scope"])
            }
            Self::ClientGrantPatch => {
                let mut fields = Map::new();
                fields.insert("scope".to_owned(), scope());
                closed(fields, &["scope"])
            }
            Self::DeviceCredential => {
                let names = ["id", "type", "user_id", "client_id", "device_name"];
                let text = |name: &str| (name.to_owned(), json!({ "type": "string" }));
                closed(names.into_iter().map(text).collect(), &["id", "type", "user_id", "client_id"])
            }
            Self::DeviceCredentials => list("device_credentials", Self::DeviceCredential),
            Self::User => object(user_fields(true), &["user_id"]),
            Self::Users => list("users", Self::User),
            Self::NewUser => object(nullable(user_fields(true), ""), &[]),
            Self::UserPatch => object(nullable(user_fields(false), ""), &[]),
            Self::TenantSettings => {
                let names = AUTH0.iter().chain(&OWN);
                closed(names.map(|name| ((*name).to_owned(), json!({}))).collect(), &[])
            }
            Self::SigningKey => keys::signing_key(),
            Self::SigningKeys => json!({ "type": "array", "items": Self::SigningKey.reference() }),
            Self::ChangedSigningKey => keys::changed_signing_key(),
            Self::Issuers => json!({ "type": "array", "items": own::issuer() }),
            Self::Plugins => json!({ "type": "array", "items": own::plugin() }),
            Self::WhoCan => paged("who_can", &own::reaching_client()),
            Self::Error => closed(
                Map::from_iter([
                    ("statusCode".to_owned(), json!({ "type": "integer" })),
                    ("error".to_owned(), json!({ "type": "string" })),
                    ("message".to_owned(), json!({ "type": "string" })),
                    ("errorCode".to_owned(), json!({ "type": "string" })),
                ]),
                &["statusCode", "error", "message", "errorCode"],
            ),
        }
    }
}

/// The fields of a client: those with a known type, and all that are kept. `also` names further ones.
fn client_fields(also: &[&str]) -> Map<String, Value> {
    let names = CLIENT_FIELDS.iter().filter(|name| **name != "client_id").chain(also);
    names.map(|name| ((*name).to_owned(), client_field(name))).collect()
}

fn client_field(name: &str) -> Value {
    match name {
        "client_id" => json!({ "type": "string", "minLength": 1, "maxLength": ID_BYTES_MAX }),
        "name" => json!({ "type": "string", "minLength": 1 }),
        "client_secret" => json!({
            "type": "string", "description": "Shown with read:client_keys, written with update:client_keys.",
        }),
        "token_endpoint_auth_method" => {
            json!({ "type": "string", "enum": ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"] })
        }
        "is_first_party" | "oidc_conformant" | "require_actor" => json!({ "type": "boolean" }),
        "resources" | "allowed_origins" | "web_origins" | "callbacks" => {
            json!({ "type": "array", "items": { "type": "string", "maxLength": LISTED_BYTES_MAX } })
        }
        "grant_types" | "allowed_clients" => json!({ "type": "array", "items": { "type": "string" } }),
        "jwks" | "jwt_configuration" | "refresh_token" => json!({ "type": "object" }),
        "addons" => json!({
            "type": "object",
            "description": "The settings of each add-on. Secret ones are shown with read:client_keys, and written with update:client_keys.",
            "additionalProperties": { "type": ["object", "null"] },
        }),
        _ => json!({}),
    }
}

fn user_fields(with_id: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    if with_id {
        fields.insert(
            "user_id".to_owned(),
            json!({ "type": "string", "minLength": 1, "maxLength": ID_BYTES_MAX }),
        );
    }
    fields.insert("email".to_owned(), json!({ "type": "string", "maxLength": LISTED_BYTES_MAX }));
    fields.insert("blocked".to_owned(), json!({ "type": "boolean" }));
    fields.insert(
        "identities".to_owned(),
        json!({ "description": "Tokens in them are shown with read:user_idp_tokens." }),
    );
    fields
}

fn grant_fields() -> Map<String, Value> {
    Map::from_iter([
        ("id".to_owned(), json!({ "type": "string" })),
        ("client_id".to_owned(), json!({ "type": "string" })),
        ("audience".to_owned(), json!({ "type": "string" })),
        ("scope".to_owned(), scope()),
        ("subject_type".to_owned(), json!({ "type": "string", "enum": ["client", "user"] })),
    ])
}

fn scope() -> Value {
    json!({ "type": "array", "items": { "type": "string", "pattern": r"^[!#-\[\]-~]{1,256}$" } })
}

/// The same fields, which may be null but for this one.
fn nullable(mut fields: Map<String, Value>, but: &str) -> Map<String, Value> {
    for (name, field) in &mut fields {
        if name != but && field.as_object().is_some_and(|field| field.contains_key("type")) {
            *field = json!({ "anyOf": [field.take(), { "type": "null" }] });
        }
    }
    fields
}

/// A list: alone, with totals, or with a checkpoint.
fn list(name: &str, entry: Schema) -> Value {
    // `fields` may leave out what an entry requires otherwise.
    paged(name, &json!({ "type": "object", "description": entry.name() }))
}
