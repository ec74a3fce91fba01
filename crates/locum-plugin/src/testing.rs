//! Test support: drives an issuer in a unit test through the same messages that a host sends.
//!
//! A test configures an issuer, passes it a grant and checks the answer. Settings, grants and answers become JSON and
//! back as in a real host, so a setting or parameter that does not deserialize fails the test.
//!
//! ```
//! # use locum_plugin::prelude::*;
//! use locum_plugin::testing::{NOW, ReadyIssuer, grant, tenant};
//! # #[derive(Deserialize, JsonSchema)]
//! # #[serde(deny_unknown_fields)]
//! # struct Settings { word: String }
//! # struct Greeting(Settings);
//! # impl Issuer for Greeting {
//! #     type Settings = Settings;
//! #     type Parameters = NoParameters;
//! #     fn api_types() -> Vec<ApiType> { vec![ApiType::text("greeting", "greeting")] }
//! #     fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> { Ok(Self(settings)) }
//! #     fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
//! #         Ok(grant.text(format!("{} {} until {}", self.0.word, grant.user_id, grant.expires_at())))
//! #     }
//! # }
//!
//! # fn main() -> Result<(), Failure> {
//! let issuer = ReadyIssuer::configure::<Greeting>("greeting", json!({ "word": "hello" }), tenant())?;
//! let greeting = issuer.issue_token(&grant(json!({})))?;
//! assert_eq!(greeting, format!("hello auth0|alice until {}", NOW + 3600));
//!
//! // The same with one field misspelt is refused.
//! assert!(ReadyIssuer::configure::<Greeting>("greeting", json!({ "wrod": "hello" }), tenant()).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `signing` there are also keys that are generated for the test run, and a tenant that has one. A
//! [`ReadyIssuer`] then signs what the issuer asks for, as a host does. No repository needs to contain a private key.

#[cfg(feature = "signing")]
mod host;
#[cfg(feature = "signing")]
mod keys;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use locum_abi::answer::{Credential, FailedReply, Failure, IssueAnswer, Issued, Reply, RevokeAnswer};
use locum_abi::boundary::IssuerBox;
#[cfg(feature = "signing")]
use locum_abi::configuration::SigningKey;
use locum_abi::configuration::{Configuration, Tenant};
use locum_abi::grant::{Grant, IssueInput, RevokeInput};
use locum_abi::kept::Keep;
use locum_abi::manifest::IssuerManifest;
use locum_abi::manifest::Manifest;
use locum_abi::operation::{ENTROPY_BYTES, ISSUE, REVOKE};
use locum_abi::secret::Secret;
#[cfg(not(feature = "signing"))]
use locum_abi::signing::SigningKeys;
#[cfg(feature = "signing")]
use locum_abi::signing::TENANT_KEY;
use locum_abi::time::UnixTime;
use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::api_type::ApiType;
use crate::boundary::configured;
use crate::grant::{Grant as TypedGrant, NoParameters};
use crate::issuer::Issuer;
use crate::kept::Kept;
#[cfg(feature = "signing")]
use crate::private_key::PrivateKey;
use crate::signatures::Signatures;
#[cfg(feature = "signing")]
use host::HostKeys;
#[cfg(feature = "signing")]
pub use keys::{TestKey, VerifiedJwt, verify_hs256};

/// The time at which [`ReadyIssuer`] calls the issuer: 2030-01-08T18:45:14Z.
pub const NOW: UnixTime = UnixTime::from_seconds(1_894_128_314);

/// The entropy that [`ReadyIssuer`] passes to the issuer.
pub const ENTROPY: [u8; ENTROPY_BYTES] = [7; ENTROPY_BYTES];

/// The most upstream calls that a host makes for one request.
const UPSTREAM_CALLS_MAX: usize = 4;

/// The tenant `acme.example.com`, without a signing key.
pub fn tenant() -> Tenant {
    Tenant::new("acme.example.com")
}

/// The same tenant with the RSA key of [`TestKey::rsa`], whose `kid` is `tenant-key`.
#[cfg(feature = "signing")]
pub fn tenant_with_key() -> Tenant {
    let signing_key = SigningKey {
        kid: "tenant-key".to_owned(),
        private_key_pem: TestKey::rsa().private_key_pem().into(),
        certificate_pem: None,
    };
    Tenant { signing_key: Some(signing_key), ..tenant() }
}

/// A grant of an hour for the user `auth0|alice`, the client `caller` and the target `target`, with these parameters.
pub fn grant(parameters: Value) -> Grant {
    Grant {
        user_id: "auth0|alice".to_owned(),
        client_id: "caller".to_owned(),
        target_id: "target".to_owned(),
        scopes: vec!["openid".to_owned()],
        claims: Map::new(),
        profile: Map::new(),
        parameters: object(parameters),
        lifetime_seconds: 3600,
    }
}

/// The same grant as an issuer sees it, at [`NOW`] and with [`ENTROPY`].
pub fn typed_grant() -> TypedGrant<NoParameters> {
    typed_grant_with(Signatures::default())
}

fn typed_grant_with(signatures: Signatures) -> TypedGrant<NoParameters> {
    TypedGrant {
        user_id: "auth0|alice".to_owned(),
        client_id: "caller".to_owned(),
        target_id: "target".to_owned(),
        scopes: vec!["openid".to_owned()],
        claims: Map::new(),
        profile: Map::new(),
        parameters: NoParameters {},
        lifetime_seconds: 3600,
        now: NOW,
        entropy: ENTROPY,
        kept: Kept::default(),
        signatures,
    }
}

/// The key of [`tenant_with_key`] as an issuer that signs bytes gets it.
#[cfg(feature = "signing")]
pub fn tenant_key() -> PrivateKey {
    PrivateKey::new(
        TENANT_KEY,
        HostKeys::of_tenant(tenant_with_key()).infos().remove(TENANT_KEY).unwrap_or_default(),
    )
}

/// Runs a part of an issuer that has something signed with [`tenant_key`], until the host has made all signatures.
///
/// # Errors
/// The failure of `run`.
#[cfg(feature = "signing")]
pub fn with_signatures<T>(
    run: impl Fn(&TypedGrant<NoParameters>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let keys = HostKeys::of_tenant(tenant_with_key());
    let mut made = Vec::new();
    loop {
        let signatures = Signatures::new(made.clone());
        let result = run(&typed_grant_with(signatures.clone()));
        match signatures.missing() {
            Some(request) => made.push(keys.sign(&request)?),
            None => return result,
        }
    }
}

/// An issuer that was configured as a host configures it.
pub struct ReadyIssuer {
    issuer: IssuerBox,
    /// What the issuer had kept. Nothing expires here: each call is made at [`NOW`].
    kept: Mutex<BTreeMap<String, Secret>>,
    #[cfg(feature = "signing")]
    keys: HostKeys,
}

impl ReadyIssuer {
    /// Configures an issuer of type `T`.
    ///
    /// # Errors
    /// The failure with which the issuer refuses the settings.
    #[cfg_attr(not(feature = "signing"), expect(unused_mut, reason = "keys are taken out of both"))]
    pub fn configure<T: Issuer>(
        api_type: &str,
        settings: Value,
        mut tenant: Tenant,
    ) -> Result<Self, Failure> {
        let mut settings = object(settings);
        let manifest = manifest_of::<T>(api_type);
        for name in manifest.upstreams.iter().flat_map(|upstream| upstream.withheld_settings()) {
            settings.shift_remove(name);
        }
        #[cfg(feature = "signing")]
        let keys = HostKeys::take(&manifest, &mut settings, &mut tenant)?;
        let configuration = Configuration {
            api_type: api_type.to_owned(),
            settings,
            tenant,
            #[cfg(feature = "signing")]
            signing: keys.infos(),
            #[cfg(not(feature = "signing"))]
            signing: SigningKeys::new(),
        };
        Ok(Self {
            issuer: configured::<T>(configuration)?,
            kept: Mutex::default(),
            #[cfg(feature = "signing")]
            keys,
        })
    }

    /// Issues at [`NOW`]. What the issuer has signed is signed with the keys of the test run.
    ///
    /// # Errors
    /// The issuer's failure; [`Failure::internal`] if it asks for a signature of a key that it does not have.
    #[cfg_attr(
        not(feature = "signing"),
        expect(unused_mut, clippy::never_loop, reason = "nothing is signed")
    )]
    pub fn issue(&self, grant: &Grant, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let kept = self.kept();
        let mut input =
            IssueInput { grant: grant.clone(), replies: replies.to_vec(), signatures: Vec::new(), kept };
        loop {
            match self.call(ISSUE, &input)? {
                #[cfg(feature = "signing")]
                IssueAnswer::Sign { request } => input.signatures.push(self.keys.sign(&request)?),
                answer => return Ok(answer),
            }
        }
    }

    /// Issues at [`NOW`] without replies of an upstream, and gives the JWT or text.
    ///
    /// # Errors
    /// The issuer's failure; [`Failure::internal`] if it answers with an object or an upstream call.
    pub fn issue_token(&self, grant: &Grant) -> Result<String, Failure> {
        match self.issue(grant, &[])? {
            IssueAnswer::Issued(Issued {
                credential: Credential::Jwt(token) | Credential::Text(token),
                ..
            }) => Ok(token),
            other => Err(Failure::internal(format!("expected a JWT or a text, got {other:?}"))),
        }
    }

    /// Issues at [`NOW`], and has `upstream` answer each call that the issuer asks for.
    ///
    /// ```
    /// # use locum_plugin::prelude::*;
    /// # use locum_plugin::testing::{ReadyIssuer, grant, tenant};
    /// # use locum_plugin::upstream::{post_form, token_response};
    /// # struct Gate;
    /// # impl Issuer for Gate {
    /// #     type Settings = NoParameters;
    /// #     type Parameters = NoParameters;
    /// #     fn api_types() -> Vec<ApiType> { vec![ApiType::object("gate")] }
    /// #     fn configure(_: &str, _: NoParameters, _: &Tenant) -> Result<Self, Failure> { Ok(Self) }
    /// #     fn issue(&self, grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
    /// #         match replies {
    /// #             [] => Ok(IssueAnswer::Call { request: post_form("https://gate.example.com/token", &[]) }),
    /// #             [reply, ..] => Ok(grant.object(token_response(reply)?, None)),
    /// #         }
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Failure> {
    /// let issuer = ReadyIssuer::configure::<Gate>("gate", json!({}), tenant())?;
    /// let issued = issuer.drive(&grant(json!({})), |request| {
    ///     assert_eq!(request.url, "https://gate.example.com/token");
    ///     UpstreamReply::new(200, r#"{"access_token":"t"}"#)
    /// })?;
    /// assert_eq!(issued.expires_at, None);
    /// assert!(issuer.drive(&grant(json!({})), |_| UpstreamReply::new(403, "")).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The issuer's failure; [`Failure::internal`] if it asks for more than the four calls that a host makes.
    pub fn drive(
        &self,
        grant: &Grant,
        mut upstream: impl FnMut(&UpstreamRequest) -> UpstreamReply,
    ) -> Result<Issued, Failure> {
        let mut replies = Vec::new();
        loop {
            match self.issue(grant, &replies)? {
                IssueAnswer::Issued(issued) => return Ok(issued),
                IssueAnswer::Call { request } if replies.len() < UPSTREAM_CALLS_MAX => {
                    replies.push(upstream(&request));
                }
                other => return Err(Failure::internal(format!("expected a credential, got {other:?}"))),
            }
        }
    }

    /// Revokes at [`NOW`] for the client `caller`.
    ///
    /// # Errors
    /// The issuer's failure.
    pub fn revoke(&self, credential: &str, replies: &[UpstreamReply]) -> Result<RevokeAnswer, Failure> {
        let (credential, client_id) = (credential.to_owned(), Some("caller".to_owned()));
        let kept = self.kept();
        self.call(REVOKE, &RevokeInput { credential, client_id, replies: replies.to_vec(), kept })
    }

    fn call<A: DeserializeOwned>(&self, op: u32, input: &impl Serialize) -> Result<A, Failure> {
        let input = serde_json::to_vec(input).unwrap_or_default();
        let answer = self.issuer.call(op, NOW.as_milliseconds(), ENTROPY[..].into(), input.as_slice().into());
        match answer.into_result() {
            Ok(reply) => {
                let Reply { answer, keep, forget, .. } = serde_json::from_slice::<Reply<A>>(&reply)
                    .map_err(|error| Failure::internal(format!("the plugin's reply: {error}")))?;
                self.keep(keep, &forget);
                Ok(answer)
            }
            Err(failure) => {
                let FailedReply { failure, keep, forget } = serde_json::from_slice(&failure)
                    .map_err(|error| Failure::internal(format!("the plugin's failure: {error}")))?;
                self.keep(keep, &forget);
                Err(failure)
            }
        }
    }

    fn kept(&self) -> BTreeMap<String, Secret> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, keep: Vec<Keep>, forget: &[String]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|key, _| !forget.contains(key));
        kept.extend(keep.into_iter().map(|keep| (keep.key, keep.value)));
    }
}

fn manifest_of<T: Issuer>(api_type: &str) -> IssuerManifest {
    let served = T::api_types().into_iter().find(|served| served.name() == api_type);
    served.unwrap_or_else(|| ApiType::object(api_type)).into_manifest(Value::Null, Value::Null)
}

/// Compares the file `manifest.json` with the manifest that the code states. With `LOCUM_BLESS=1` it writes the file.
///
/// # Panics
/// If they differ, or the file cannot be written.
#[expect(clippy::panic, reason = "a test fails by panicking")]
pub fn assert_manifest_file(path: impl AsRef<Path>, manifest: &Manifest) {
    let path = path.as_ref();
    let stated = json!(manifest);
    if std::env::var_os("LOCUM_BLESS").is_some() {
        let text = format!("{stated:#}\n");
        std::fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        return;
    }
    let kept = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    assert!(
        kept.as_ref() == Some(&stated),
        "{} differs from the code; run `LOCUM_BLESS=1 cargo test` and review the difference",
        path.display()
    );
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
