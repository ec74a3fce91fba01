//! The host's part in signatures, played with the keys of the test run: it takes private keys out of a configuration, and
//! signs what an issuer asks for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_abi::answer::Failure;
use locum_abi::configuration::{SigningKey, Tenant};
use locum_abi::manifest::{IssuerManifest, KeySource};
use locum_abi::signing::{JwtToSign, SigningKeyInfo, SigningKeys, SigningRequest, TENANT_KEY};
use serde_json::{Map, Value};

use super::TestKey;

/// The private keys of one issuer, by their names.
#[derive(Default)]
pub(crate) struct HostKeys(BTreeMap<String, HostKey>);

struct HostKey {
    key: &'static TestKey,
    info: SigningKeyInfo,
}

impl HostKeys {
    /// Takes the keys that a manifest signs with. It does not check what is signed with them, as a host does.
    pub(crate) fn take(
        manifest: &IssuerManifest,
        settings: &mut Map<String, Value>,
        tenant: &mut Tenant,
    ) -> Result<Self, Failure> {
        let mut keys = Self::default();
        for source in &manifest.signs_with {
            match source {
                KeySource::Tenant => {
                    let signing_key = tenant.signing_key.take();
                    let key = signing_key.map(|key| HostKey::of_tenant(key, manifest.signs.bytes));
                    keys.0.extend(key.transpose()?.map(|key| (source.name().to_owned(), key)));
                }
                KeySource::Setting(name) => match settings.shift_remove(name) {
                    Some(Value::String(pem)) => {
                        let key = HostKey::of_setting(name, &pem)?;
                        keys.0.insert(name.clone(), key);
                    }
                    Some(other) => drop(settings.insert(name.clone(), other)),
                    None => {}
                },
            }
        }
        Ok(keys)
    }

    /// The key of a tenant, for an issuer that signs bytes.
    pub(crate) fn of_tenant(tenant: Tenant) -> Self {
        let key = tenant.signing_key.and_then(|key| HostKey::of_tenant(key, true).ok());
        Self(key.map(|key| (TENANT_KEY.to_owned(), key)).into_iter().collect())
    }

    /// What the issuer is told of the keys.
    pub(crate) fn infos(&self) -> SigningKeys {
        self.0.iter().map(|(name, key)| (name.clone(), key.info.clone())).collect()
    }

    /// The signature that an issuer asks for.
    pub(crate) fn sign(&self, request: &SigningRequest) -> Result<String, Failure> {
        let refused = || Failure::internal(format!("a host does not sign this: {request:?}"));
        let HostKey { key, info } = self.0.get(&request.key).ok_or_else(refused)?;
        match (&request.jwt, &request.bytes) {
            (Some(jwt), None) => {
                let mut token = signing_input(info.kid.as_deref(), jwt);
                let signature = key.sign(&jwt.alg, token.as_bytes()).ok_or_else(refused)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
                Ok(token)
            }
            (None, Some(bytes)) if info.signs_bytes && bytes.text.starts_with('<') => {
                let signature = key.sign(&bytes.alg, bytes.text.as_bytes()).ok_or_else(refused)?;
                Ok(STANDARD.encode(signature))
            }
            _ => Err(refused()),
        }
    }
}

impl HostKey {
    fn of_tenant(signing_key: SigningKey, signs_bytes: bool) -> Result<Self, Failure> {
        let key = TestKey::of_pem(signing_key.private_key_pem.expose())
            .ok_or_else(|| Failure::internal("the tenant's key is not a `TestKey`"))?;
        let info = SigningKeyInfo {
            kid: Some(signing_key.kid),
            algorithms: key.algorithms(),
            signs_bytes,
            certificate_pem: signing_key.certificate_pem.filter(|_| signs_bytes),
        };
        Ok(Self { key, info })
    }

    fn of_setting(name: &str, pem: &str) -> Result<Self, Failure> {
        let key = TestKey::of_pem(pem).ok_or_else(|| Failure::setting(name, "it is not a `TestKey`"))?;
        Ok(Self { key, info: SigningKeyInfo { algorithms: key.algorithms(), ..SigningKeyInfo::default() } })
    }
}

fn signing_input(kid: Option<&str>, jwt: &JwtToSign) -> String {
    let mut header = Map::new();
    header.insert("typ".to_owned(), "JWT".into());
    header.insert("alg".to_owned(), jwt.alg.as_str().into());
    header.extend(kid.map(|kid| ("kid".to_owned(), kid.into())));
    header.extend(jwt.header.clone());
    let [header, claims] =
        [&header, &jwt.claims].map(|part| URL_SAFE_NO_PAD.encode(Value::Object(part.clone()).to_string()));
    format!("{header}.{claims}")
}
