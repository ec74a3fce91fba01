//! Finds the metadata of an authorization server (RFC 8414).

use serde_json::{Map, Value};
use url::Url;

use crate::exchange::http_client::HttpClient;

/// The metadata document of a server.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) members: Map<String, Value>,
}

impl Metadata {
    /// The token endpoint, if the document names a usable one.
    pub(crate) fn token_endpoint(&self) -> Option<Url> {
        let url = Url::parse(self.members.get("token_endpoint")?.as_str()?).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
    }
}

/// The first document that there is where RFC 8414 section 3 or OpenID Connect Discovery section 4 has it.
///
/// # Errors
/// Which URLs have none.
pub(crate) async fn discover(http: &HttpClient, issuer: &Url) -> Result<Metadata, String> {
    let mut tried = Vec::new();
    for url in locations(issuer) {
        let headers = [("accept".to_owned(), "application/json".to_owned())];
        match http.send("GET", url.clone(), &headers, "").await {
            Ok(response) => match response.object().filter(|_| response.status == 200) {
                Some(members) => return Ok(Metadata { members }),
                None => tried.push(format!("{url} answered {} without a JSON object", response.status)),
            },
            Err(error) => tried.push(format!("{url}: {error}")),
        }
    }
    Err(tried.join("; "))
}

/// The URLs where the metadata of an issuer may be.
fn locations(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let paths = [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    paths.map(at).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_issuer_follows_or_precedes_the_well_known_one() {
        let of = |issuer: &str| {
            locations(&Url::parse(issuer).unwrap()).iter().map(Url::to_string).collect::<Vec<_>>()
        };
        for issuer in ["https://a.example", "https://a.example/"] {
            assert_eq!(
                of(issuer),
                [
                    "https://a.example/.well-known/oauth-authorization-server",
                    "https://a.example/.well-known/openid-configuration"
                ]
            );
        }
        assert_eq!(
            of("https://a.example:8443/realms/x/"),
            [
                "https://a.example:8443/.well-known/oauth-authorization-server/realms/x",
                "https://a.example:8443/realms/x/.well-known/openid-configuration"
            ]
        );
    }
}
