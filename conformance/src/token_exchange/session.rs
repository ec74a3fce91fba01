//! A token endpoint under test: its URL, its metadata, and the requests to it.

use std::net::{IpAddr, Ipv4Addr};

use locum_engine::ports::Clock as _;
use locum_store::SystemClock;
use url::Url;

use crate::cases::redacted_failure::shown_exchange;
use crate::exchange::http_client::HttpClient;
use crate::exchange::message::{Request, Transcript};
use crate::fixtures::variables::TimeWindow;
use crate::report::ShownExchange;
use crate::token_exchange::answer::Answer;
use crate::token_exchange::discovery::{Metadata, discover};
use crate::token_exchange::request::TokenRequest;
use crate::token_exchange::settings::TokenExchangeSettings;

/// Members of an answer that hold tokens.
const TOKEN_MEMBERS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// A token endpoint under test.
pub(crate) struct Session {
    pub(crate) settings: TokenExchangeSettings,
    pub(crate) endpoint: Url,
    /// The issuer that the metadata must name.
    pub(crate) issuer: String,
    /// The metadata, or why there is none.
    pub(crate) metadata: Result<Metadata, String>,
    http: HttpClient,
}

/// A request and its answer.
pub(crate) struct Exchanged {
    request: TokenRequest,
    pub(crate) answer: Answer,
}

impl Session {
    /// Looks for the metadata, which names the endpoint unless the settings do.
    ///
    /// # Errors
    /// The URL is malformed, or neither settings nor metadata name the endpoint.
    pub(crate) async fn start(issuer: &str, settings: TokenExchangeSettings) -> Result<Self, String> {
        let issuer = Url::parse(issuer).map_err(|error| format!("`{issuer}` is not a URL: {error}"))?;
        if !issuer.has_host() {
            return Err(format!("`{issuer}` names no host"));
        }
        let http = HttpClient::new()?;
        let metadata = discover(&http, &issuer).await;
        let endpoint = match (&settings.token_endpoint, &metadata) {
            (Some(endpoint), _) => endpoint.clone(),
            (None, Ok(metadata)) => of_metadata(metadata, &issuer)?,
            (None, Err(why)) => {
                return Err(format!("no metadata found ({why}); add `token_endpoint` to the settings"));
            }
        };
        let issuer = settings.issuer.clone().unwrap_or_else(|| issuer.to_string());
        Ok(Self { settings, endpoint, issuer, metadata, http })
    }

    /// Sends a request to the endpoint.
    ///
    /// # Errors
    /// No answer.
    pub(crate) async fn send(&self, request: TokenRequest) -> Result<Exchanged, String> {
        let written = request.written(&self.endpoint);
        let response = self.http.send(written.method, written.url, &written.headers, &written.body).await?;
        Ok(Exchanged { request, answer: Answer::new(response, unix_seconds()) })
    }

    /// What a report shows of an exchange.
    pub(crate) fn shown(&self, exchanged: &Exchanged, mut secrets: Vec<(String, String)>) -> ShownExchange {
        let Exchanged { request, answer } = exchanged;
        secrets.extend(issued_tokens(answer));
        let written = request.without_secrets().written(&self.endpoint);
        let query = written.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let request = Request {
            method: written.method,
            target: format!("{}{query}", written.url.path()),
            host: written.url.host_str().unwrap_or_default().to_owned(),
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            headers: written.headers.into_iter().map(without_credentials).collect(),
            body: written.body,
        };
        let window = TimeWindow { earliest: answer.unix_seconds, latest: answer.unix_seconds };
        let transcript = Transcript { response: answer.response.clone(), window, internals: None };
        shown_exchange(&request, &transcript, &secrets)
    }
}

/// The endpoint that the metadata names. Secrets are not sent without TLS because a document says so.
fn of_metadata(metadata: &Metadata, issuer: &Url) -> Result<Url, String> {
    let add = "add `token_endpoint` to the settings";
    let endpoint = metadata
        .token_endpoint()
        .ok_or_else(|| format!("the metadata of the server names no usable token_endpoint; {add}"))?;
    if issuer.scheme() == "https" && endpoint.scheme() != "https" {
        return Err(format!("the metadata of the server names an endpoint without TLS; to test it, {add}"));
    }
    Ok(endpoint)
}

/// The tokens of an answer, which no report may show.
pub(crate) fn issued_tokens(answer: &Answer) -> impl Iterator<Item = (String, String)> {
    let texts = TOKEN_MEMBERS.into_iter().filter_map(|name| Some((name, answer.text(name)?)));
    texts.map(|(name, token)| (format!("issued {name}"), token.to_owned()))
}

fn without_credentials((name, value): (String, String)) -> (String, String) {
    if name != "authorization" {
        return (name, value);
    }
    let scheme = value.split(' ').next().unwrap_or_default();
    (name, format!("{scheme} <credentials>"))
}

fn unix_seconds() -> i64 {
    i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_endpoint_without_tls_is_not_taken_from_the_metadata_of_an_issuer_with_tls() {
        let of = |issuer: &str, endpoint: &str| {
            let members = json!({"token_endpoint": endpoint}).as_object().unwrap().clone();
            of_metadata(&Metadata { members }, &Url::parse(issuer).unwrap()).map(String::from)
        };
        assert_eq!(of("https://a.example", "https://b.example/t").unwrap(), "https://b.example/t");
        assert_eq!(of("http://a.example", "http://b.example/t").unwrap(), "http://b.example/t");
        assert!(of("https://a.example", "http://b.example/t").unwrap_err().contains("without TLS"));
        for endpoint in ["/token", "ftp://a.example/", ""] {
            assert!(of("https://a.example", endpoint).unwrap_err().contains("no usable token_endpoint"));
        }
    }
}
