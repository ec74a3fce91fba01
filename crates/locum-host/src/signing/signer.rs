//! The signing step: checks what an issuer asks to have signed, and signs it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::signing::{BytesToSign, JwtToSign, SigningRequest, TENANT_KEY};
use locum_engine::base64url;
use locum_engine::ports::{IssuerFailure, TenantAudiences};
use serde_json::{Map, Value};

use super::SharedSigning;
use super::issuer_keys::{HeldKey, IssuerKeys};
use super::queue::{Overloaded, SigningQueue};
use super::tenant_tokens::{NotSigned, TenantTokens, expires_within};

/// Members of a header that change how a token is verified. No plugin writes them.
const HOST_HEADERS: [&str; 4] = ["alg", "b64", "crit", "zip"];

/// The keys of one issuer, and the rules for their use.
pub(crate) struct Signer {
    keys: IssuerKeys,
    tenant_tokens: TenantTokens,
    queue: SigningQueue,
    /// Whether the last signature was one that is queued.
    was_queued: AtomicBool,
}

impl Signer {
    /// Takes the private keys that the manifest signs with out of the configuration, and describes them there. `allows_bytes`
    /// says whether the plugin's pin lets it have bytes signed.
    ///
    /// # Errors
    /// A setting is not a private key, or the tenant's certificate is not that of its key.
    pub(crate) fn take(
        manifest: &IssuerManifest,
        configuration: &mut Configuration,
        allows_bytes: bool,
        shared: &SharedSigning,
    ) -> Result<Self, Failure> {
        let issuer = configuration.tenant.issuer();
        let keys = IssuerKeys::take(manifest, configuration, allows_bytes, &shared.keys)?;
        let tenant_tokens = TenantTokens::new(issuer, manifest, &configuration.settings);
        Ok(Self { keys, tenant_tokens, queue: shared.queue.clone(), was_queued: AtomicBool::new(false) })
    }

    /// Whether a signature would be refused now if it is like the last one, because it would wait for too long.
    pub(crate) fn refuses(&self) -> bool {
        self.was_queued.load(Relaxed) && self.queue.refuses()
    }

    /// The signature that an issuer asks for while it issues a credential at `now`, in Unix seconds.
    ///
    /// # Errors
    /// It may not have this signed.
    pub(crate) async fn sign(
        &self,
        request: SigningRequest,
        grant: &Grant,
        now: i64,
        audiences: &dyn TenantAudiences,
    ) -> Result<String, IssuerFailure> {
        let SigningRequest { key: name, jwt, bytes } = request;
        let Some(held) = self.keys.get(&name) else {
            return Err(refused("it asks for a signature with a key that it does not have"));
        };
        match (jwt, bytes) {
            (Some(jwt), None) => {
                if name == TENANT_KEY {
                    self.check_tenant_token(&jwt, grant, now, audiences).await?;
                } else if !expires_within(&jwt.claims, grant, now, i64::MAX) {
                    return Err(refused(
                        "it asks to sign a JWT whose `exp` is missing or later than granted",
                    ));
                }
                self.sign_jwt(held, jwt).await
            }
            (None, Some(bytes)) => self.sign_bytes(held, bytes).await,
            _ => Err(refused("it asks for a signature of something that this host does not know")),
        }
    }

    async fn check_tenant_token(
        &self,
        jwt: &JwtToSign,
        grant: &Grant,
        now: i64,
        audiences: &dyn TenantAudiences,
    ) -> Result<(), IssuerFailure> {
        if !jwt.header.is_empty() {
            return Err(not_tenants("it states members of the header"));
        }
        match self.tenant_tokens.check(&jwt.claims, grant, now, audiences).await {
            Ok(()) => Ok(()),
            Err(NotSigned::Rule(rule)) => Err(not_tenants(rule)),
            Err(NotSigned::Failed(failure)) => Err(failure),
        }
    }

    /// The compact JWT (RFC 7515 section 7.1). What is signed is the parsed form of the claims, so that a member that was
    /// sent twice cannot be checked in one place and signed in another.
    async fn sign_jwt(&self, held: &HeldKey, jwt: JwtToSign) -> Result<String, IssuerFailure> {
        let JwtToSign { alg, header: members, claims } = jwt;
        if HOST_HEADERS.iter().any(|name| members.contains_key(*name)) {
            return Err(refused(
                "it asks to sign a JWT with a member of the header that only the host writes",
            ));
        }
        let mut header = Map::new();
        header.insert("typ".to_owned(), "JWT".into());
        header.insert("alg".to_owned(), alg.as_str().into());
        header.extend(held.kid.as_ref().map(|kid| ("kid".to_owned(), kid.as_str().into())));
        header.extend(members);
        let mut token = [encoded(&header)?, encoded(&claims)?].join(".");
        let signature = self.signature(held, alg, token.clone()).await?;
        token.push('.');
        token.push_str(&base64url::encode(&signature));
        Ok(token)
    }

    /// The signature of bytes in base64. They begin as XML does, and so are never the beginning of a JWS, which is
    /// base64url.
    async fn sign_bytes(&self, held: &HeldKey, bytes: BytesToSign) -> Result<String, IssuerFailure> {
        if !held.signs_bytes {
            return Err(refused(
                "it asks to sign bytes, and its pin does not allow that; pin it with --allow-signing-bytes",
            ));
        }
        if !bytes.text.starts_with('<') {
            return Err(refused("it asks to sign bytes that do not begin with `<`"));
        }
        self.signature(held, bytes.alg, bytes.text).await.map(|signature| BASE64_STANDARD.encode(signature))
    }

    async fn signature(
        &self,
        held: &HeldKey,
        algorithm: String,
        message: String,
    ) -> Result<Vec<u8>, IssuerFailure> {
        self.was_queued.store(held.key.is_slow(), Relaxed);
        let signature = if held.key.is_slow() {
            let key = Arc::clone(&held.key);
            let queued = self.queue.sign(move || key.sign(&algorithm, message.as_bytes())).await;
            queued.map_err(|Overloaded| IssuerFailure::Overloaded)?
        } else {
            held.key.sign(&algorithm, message.as_bytes())
        };
        signature.ok_or_else(|| refused("it asks for an algorithm that the key does not sign with"))
    }
}

/// A part of a JWT (RFC 7515 section 3.1).
fn encoded(part: &Map<String, Value>) -> Result<String, IssuerFailure> {
    // Not through `Display`, which costs twice as much.
    let json = serde_json::to_vec(part)
        .map_err(|error| refused(&format!("it asks to sign a JWT that cannot be serialised: {error}")))?;
    Ok(base64url::encode(&json))
}

fn not_tenants(rule: &str) -> IssuerFailure {
    refused(&format!("it asks to sign a JWT with the tenant's key, but {rule}"))
}

fn refused(how: &str) -> IssuerFailure {
    IssuerFailure::ContractBroken(how.to_owned())
}
