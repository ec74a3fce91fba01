//! `locum token`: mints id_tokens and refresh tokens for demos and tests and management tokens for operators, and decodes any JWT.

mod management;
mod refresh;

use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use locum_engine::model::{Client, ClientKey, Tenant};
use locum_engine::ports::Clock;
use locum_store::{SystemClock, TenantData};
use serde_json::{Map, Value, json};

use crate::cli::{Format, TokenCommand};
use crate::exit::CommandError;
use crate::format::{print_json, print_text};
use crate::tenants;

use refresh::Refreshed;

/// Longest token that is read from standard input, in bytes.
const TOKEN_BYTES_MAX: u64 = 1024 * 1024;

pub(crate) fn run(command: &TokenCommand) -> Result<(), CommandError> {
    match command {
        TokenCommand::Mint { tenant, client, user, claims, lifetime } => {
            let file = tenant.display();
            let data = tenants::read_one(tenant)?;
            let client = known_client(tenant, &data, client)?;
            let claims = id_token_claims(&data.tenant, client, user, claims, i64::from(*lifetime))?;
            let token = mint(&data.tenant, client, &claims)
                .map_err(|why| CommandError::input_file(format!("{file}: client {}: {why}", client.id)))?;
            print_text(&token);
            Ok(())
        }
        TokenCommand::MintRefresh { tenant, client, user, scope, config } => {
            let data = tenants::read_one(tenant)?;
            let client = known_client(tenant, &data, client)?;
            let of = Refreshed { tenant_file: tenant, data: &data, client, user, scope };
            refresh::mint(&of, config, now())
        }
        TokenCommand::MintManagement { tenant, scope, lifetime } => {
            let data = tenants::read_one(tenant)?;
            management::mint(tenant, &data.tenant, scope.as_deref(), *lifetime, now())
        }
        TokenCommand::Inspect { token, format } => inspect(&read_token(token.as_deref())?, *format),
    }
}

fn known_client<'d>(file: &Path, data: &'d TenantData, id: &str) -> Result<&'d Client, CommandError> {
    data.clients.iter().find(|known| known.id == id).ok_or_else(|| {
        let file = file.display();
        CommandError::usage(format!("{file}: the tenant has no client `{id}`; use one of its client_ids"))
    })
}

fn now() -> i64 {
    i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX)
}

fn id_token_claims(
    tenant: &Tenant,
    client: &Client,
    user: &str,
    extra: &[String],
    lifetime: i64,
) -> Result<Map<String, Value>, CommandError> {
    let now = now();
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), tenant.issuer().into());
    claims.insert("sub".to_owned(), user.into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    claims.insert("iat".to_owned(), now.into());
    claims.insert("exp".to_owned(), (now + lifetime).into());
    for claim in extra {
        let (name, value) = claim
            .split_once('=')
            .ok_or_else(|| CommandError::usage("--claim has no `=`; write NAME=VALUE"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        claims.insert(name.to_owned(), value);
    }
    Ok(claims)
}

/// Signs the claims as the client's own id_tokens are signed: with its secret, or with the tenant's first key.
fn mint(tenant: &Tenant, client: &Client, claims: &Map<String, Value>) -> Result<String, String> {
    let (header, key) = match &client.key {
        ClientKey::Secret(secret) => {
            (Header::new(Algorithm::HS256), EncodingKey::from_secret(secret.expose()))
        }
        ClientKey::TenantKeys => {
            let key = tenant
                .signing_keys
                .first()
                .ok_or("the tenant has no signing key; add one to signing_keys")?;
            let pem = key.private_key_pem.expose().as_bytes();
            let encoding = EncodingKey::from_rsa_pem(pem).map_err(|error| error.to_string())?;
            (Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::RS256) }, encoding)
        }
        ClientKey::None => {
            return Err("there is no key to sign with; give the client a client_secret".to_owned());
        }
    };
    encode(&header, claims, &key).map_err(|error| error.to_string())
}

fn read_token(token: Option<&str>) -> Result<String, CommandError> {
    let mut text = String::new();
    match token {
        Some(token) => text.push_str(token),
        None => {
            let input = std::io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text);
            input.map_err(|error| {
                CommandError::usage(format!("cannot read the token from standard input: {error}"))
            })?;
        }
    }
    Ok(text.trim().to_owned())
}

fn inspect(token: &str, format: Format) -> Result<(), CommandError> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = parts.as_slice() else {
        return Err(CommandError::usage(
            "the token is not a compact JWT: it must have three parts, separated by dots",
        ));
    };
    let (header, claims) = (decoded(header, "header")?, decoded(payload, "claims")?);
    match format {
        Format::Json => print_json(&json!({"verified": false, "header": header, "claims": claims})),
        Format::Table => {
            let times = ["iat", "nbf", "exp"].iter().filter_map(|name| {
                let seconds = claims.get(name)?.as_i64()?;
                let time = Timestamp::from_second(seconds).ok()?;
                Some(relative_time(name, time, seconds - now()))
            });
            let times: Vec<String> = times.collect();
            print_text(&format!(
                "header {header:#}\nclaims {claims:#}\n{}\nThe signature was not verified.",
                times.join("\n")
            ));
        }
    }
    Ok(())
}

/// `exp is 2030-01-01T00:00:00Z, in 300 s`.
fn relative_time(name: &str, time: Timestamp, seconds: i64) -> String {
    if seconds < 0 {
        format!("{name} is {time}, {} s ago", seconds.unsigned_abs())
    } else {
        format!("{name} is {time}, in {seconds} s")
    }
}

fn decoded(part: &str, name: &str) -> Result<Value, CommandError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| CommandError::usage(format!("the token's {name} is not base64url")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| CommandError::usage(format!("the token's {name} is not JSON: {error}")))
}
