//! The tenant's clients, with their keys parsed.

use std::collections::HashMap;

use anyhow::{Context, Result};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair};

use crate::services::ideal::sas::Account;
use crate::tenant;

pub(crate) struct Tenant {
    clients: HashMap<&'static str, Client>,
    pub(super) signing_key: RsaKeyPair,
    pub(super) public_key: ParsedPublicKey,
    pub(super) random: SystemRandom,
}

pub(crate) struct Client {
    pub(super) id: &'static str,
    /// Verifies its id_tokens and signs its app tokens; without it, the tenant's RSA key does.
    pub(super) secret: Option<hmac::Key>,
    pub(super) lifetime_seconds: u64,
    pub(super) sas: Option<Account>,
}

impl Tenant {
    pub(super) fn new() -> Result<Self> {
        let signing_key = tenant::rsa_key()?;
        let public_key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signing_key.public_key().as_ref())
            .context("the tenant's public key is not an RSA key")?;
        let client = |id, secret: Option<&str>| Client {
            id,
            secret: secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())),
            lifetime_seconds: 36_000,
            sas: None,
        };
        let clients = [
            Client { sas: Some(Account::new()?), ..client("spa", Some(tenant::SPA_SECRET)) },
            client("rs-spa", None),
            client("orders-api", Some(tenant::ORDERS_SECRET)),
            client("reports-api", None),
        ];
        let clients = clients.into_iter().map(|client| (client.id, client)).collect();
        Ok(Self { clients, signing_key, public_key, random: SystemRandom::new() })
    }

    pub(super) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.get(id)
    }
}
