//! The requests of a load, made before it starts: one for each user.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::exchange::Exchange;
use crate::id_token::{Minter, claims};
use crate::site::Site;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Whole HTTP requests, each of another user.
pub(crate) struct Requests(Vec<Vec<u8>>);

impl Requests {
    /// One for each of so many users, starting at user `first`.
    pub(crate) fn of_users(exchange: Exchange, first: usize, users: usize) -> Result<Self> {
        let minter = Minter::of(exchange)?;
        let site = Site::of(exchange);
        Self::collect(first..first + users, |user| {
            Ok(post(&site, &json_body(exchange, &site, &minter, user)?))
        })
    }

    /// Requests for app tokens by HS256, each of another user and in turn to each of these.
    pub(crate) fn across(sites: &[Site], users: usize) -> Result<Self> {
        let exchange = Exchange::Hs256Hs256;
        let minter = Minter::of(exchange)?;
        let sites = sites.iter().cycle().take(users).enumerate();
        Self::collect(sites, |(user, site)| Ok(post(site, &json_body(exchange, site, &minter, user)?)))
    }

    /// The same exchange for a token endpoint, which takes forms.
    pub(crate) fn forms(exchange: Exchange, users: usize) -> Result<Self> {
        let minter = Minter::of(exchange)?;
        let site = Site::of(exchange);
        Self::collect(0..users, |user| {
            let body = Parameters::of(exchange, &site, &id_token(&site, &minter, user)?).form();
            Ok(request("/token", &site, "application/x-www-form-urlencoded", &body))
        })
    }

    fn collect<T>(users: impl Iterator<Item = T>, request: impl Fn(T) -> Result<Vec<u8>>) -> Result<Self> {
        users.map(request).collect::<Result<_>>().map(Self)
    }

    /// The request with this number, from the first again after the last.
    pub(crate) fn get(&self, number: usize) -> &[u8] {
        self.0.get(number % self.0.len().max(1)).map_or(&[], Vec::as_slice)
    }
}

/// The parameters of a delegation.
struct Parameters<'a>([(&'static str, &'a str); 6]);

impl<'a> Parameters<'a> {
    fn of(exchange: Exchange, site: &'a Site, id_token: &'a str) -> Self {
        Self([
            ("client_id", &site.client),
            ("grant_type", JWT_BEARER),
            ("id_token", id_token),
            ("target", &site.target),
            ("scope", "openid email"),
            ("api_type", exchange.api_type()),
        ])
    }

    fn json(&self) -> String {
        let members = self.0.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        Value::Object(members.collect()).to_string()
    }

    fn form(&self) -> String {
        let field =
            |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        self.0.iter().map(field).collect::<Vec<_>>().join("&")
    }
}

fn id_token(site: &Site, minter: &Minter, user: usize) -> Result<String> {
    minter.sign(&claims(&site.issuer(), &site.client, user, now_unix_seconds()))
}

fn json_body(exchange: Exchange, site: &Site, minter: &Minter, user: usize) -> Result<String> {
    Ok(body_at(exchange, site, &id_token(site, minter, user)?))
}

fn body_at(exchange: Exchange, site: &Site, id_token: &str) -> String {
    Parameters::of(exchange, site, id_token).json()
}

/// The JSON body of a delegation with this id_token.
#[cfg(test)]
pub(crate) fn body(exchange: Exchange, id_token: &str) -> String {
    body_at(exchange, &Site::of(exchange), id_token)
}

fn post(site: &Site, body: &str) -> Vec<u8> {
    request("/delegation", site, "application/json", body)
}

fn request(path: &str, site: &Site, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: locum-bench\r\naccept: application/json\r\n\
         content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        site.domain,
        body.len()
    )
    .into_bytes()
}

fn now_unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
