//! A request to a token endpoint: what a case changes of one that succeeds.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::{Url, form_urlencoded};

/// What a form has to escape.
const FORM_DELIMITERS: &AsciiSet = &CONTROLS.add(b' ').add(b'&').add(b'=').add(b'+').add(b'%').add(b'#');

/// A request before it is written as HTTP.
#[derive(Debug, Clone)]
pub(crate) struct TokenRequest {
    method: &'static str,
    content_type: &'static str,
    escaping: Escaping,
    client: ClientCredentials,
    parameters: Vec<(String, String)>,
    /// Parameters of the URL.
    query: Vec<(String, String)>,
}

/// How a client names itself, and authenticates.
#[derive(Debug, Clone)]
pub(crate) enum ClientCredentials {
    /// By the header `Authorization` (RFC 6749 section 2.3.1).
    Basic { id: String, secret: String, writing: BasicWriting },
    /// By parameters in the body.
    Post { id: String, secret: String },
    /// Both of these.
    BasicAndPost { id: String, secret: String },
    /// It does not authenticate.
    IdOnly(String),
    /// By a header `Authorization` that names no client.
    Header(&'static str),
}

/// How the header `Authorization` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BasicWriting {
    Usual,
    /// Id and secret have each character escaped.
    EscapedEntirely,
    /// The scheme is in lower case.
    LowerCaseScheme,
}

/// Which characters of parameters are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escaping {
    /// Those that the form encoding of HTML names.
    Usual,
    /// Those that would end a parameter.
    DelimitersOnly,
}

/// A request as it is sent.
pub(crate) struct WrittenRequest {
    pub(crate) method: &'static str,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl TokenRequest {
    pub(crate) fn new(client: ClientCredentials, parameters: Vec<(String, String)>) -> Self {
        Self {
            method: "POST",
            content_type: "application/x-www-form-urlencoded",
            escaping: Escaping::Usual,
            client,
            parameters,
            query: Vec::new(),
        }
    }

    /// With this value as the only one of the parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.parameters.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => value.clone_into(own),
            None => self.parameters.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// With this value unless the parameter is there.
    pub(crate) fn with_default(self, name: &str, value: &str) -> Self {
        if self.parameters.iter().any(|(own, _)| own == name) { self } else { self.with(name, value) }
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(own, _)| own != name);
        self
    }

    /// With the parameter and its value once more.
    pub(crate) fn repeating(mut self, name: &str) -> Self {
        let again: Vec<_> = self.parameters.iter().filter(|(own, _)| own == name).cloned().collect();
        self.parameters.extend(again);
        self
    }

    /// With the parameter in the URL instead of the body.
    pub(crate) fn in_the_url(mut self, name: &str) -> Self {
        let (moved, kept) = self.parameters.into_iter().partition(|(own, _)| own == name);
        self.parameters = kept;
        self.query.extend::<Vec<_>>(moved);
        self
    }

    pub(crate) fn by(self, client: ClientCredentials) -> Self {
        Self { client, ..self }
    }

    pub(crate) fn with_content_type(self, content_type: &'static str) -> Self {
        Self { content_type, ..self }
    }

    /// With only those characters escaped that would end a parameter.
    pub(crate) fn sparsely_escaped(self) -> Self {
        Self { escaping: Escaping::DelimitersOnly, ..self }
    }

    /// As a GET, whose parameters are all in the URL.
    pub(crate) fn in_a_get(mut self) -> Self {
        self.query.append(&mut self.parameters);
        Self { method: "GET", ..self }
    }

    /// The same for a report.
    pub(crate) fn without_secrets(&self) -> Self {
        let mut client = self.client.clone();
        match &mut client {
            ClientCredentials::Basic { secret, .. }
            | ClientCredentials::Post { secret, .. }
            | ClientCredentials::BasicAndPost { secret, .. } => "client secret".clone_into(secret),
            ClientCredentials::IdOnly(_) | ClientCredentials::Header(_) => {}
        }
        self.clone().by(client)
    }

    pub(crate) fn written(&self, endpoint: &Url) -> WrittenRequest {
        let mut parameters = self.parameters.clone();
        let mut headers = Vec::new();
        let mut add = |name: &str, value: &str| parameters.push((name.to_owned(), value.to_owned()));
        match &self.client {
            ClientCredentials::Basic { id, secret, writing } => {
                headers.push(("authorization".to_owned(), basic(id, secret, *writing)));
            }
            ClientCredentials::Post { id, secret } => {
                add("client_id", id);
                add("client_secret", secret);
            }
            ClientCredentials::BasicAndPost { id, secret } => {
                headers.push(("authorization".to_owned(), basic(id, secret, BasicWriting::Usual)));
                add("client_id", id);
                add("client_secret", secret);
            }
            ClientCredentials::IdOnly(id) => add("client_id", id),
            ClientCredentials::Header(value) => {
                headers.push(("authorization".to_owned(), (*value).to_owned()));
            }
        }
        headers.push(("accept".to_owned(), "application/json".to_owned()));
        let mut url = endpoint.clone();
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let body = if self.method == "GET" {
            String::new()
        } else {
            headers.push(("content-type".to_owned(), self.content_type.to_owned()));
            self.form(&parameters)
        };
        WrittenRequest { method: self.method, url, headers, body }
    }

    fn form(&self, parameters: &[(String, String)]) -> String {
        let escaped = |text: &str| match self.escaping {
            Escaping::Usual => form_escaped(text),
            Escaping::DelimitersOnly => utf8_percent_encode(text, FORM_DELIMITERS).to_string(),
        };
        let pairs = parameters.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// `Basic` and the encoded id and secret (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &str, writing: BasicWriting) -> String {
    let escaped = |text: &str| match writing {
        BasicWriting::EscapedEntirely => text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        BasicWriting::Usual | BasicWriting::LowerCaseScheme => form_escaped(text),
    };
    let scheme = if writing == BasicWriting::LowerCaseScheme { "basic" } else { "Basic" };
    format!("{scheme} {}", BASE64_STANDARD.encode(format!("{}:{}", escaped(id), escaped(secret))))
}

fn form_escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(client: ClientCredentials) -> TokenRequest {
        let parameters = [("grant_type", "urn:x"), ("scope", "a b")];
        TokenRequest::new(
            client,
            parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        )
    }

    fn body(request: &TokenRequest) -> String {
        request.written(&Url::parse("https://a.example/token").unwrap()).body
    }

    fn id_only() -> ClientCredentials {
        ClientCredentials::IdOnly("c".to_owned())
    }

    #[test]
    fn parameters_are_replaced_removed_repeated_and_moved() {
        let base = request(id_only());
        assert_eq!(body(&base), "grant_type=urn%3Ax&scope=a+b&client_id=c");
        assert_eq!(body(&base.clone().with("scope", "c").without("grant_type")), "scope=c&client_id=c");
        assert_eq!(body(&base.clone().with_default("scope", "c").sparsely_escaped()), {
            "grant_type=urn:x&scope=a%20b&client_id=c"
        });
        assert_eq!(body(&base.clone().repeating("scope")), {
            "grant_type=urn%3Ax&scope=a+b&scope=a+b&client_id=c"
        });
        let endpoint = Url::parse("https://a.example/token?tenant=t").unwrap();
        let moved = base.clone().in_the_url("scope").written(&endpoint);
        assert_eq!((moved.url.query(), moved.body.contains("scope")), (Some("tenant=t&scope=a+b"), false));
        let get = base.in_a_get().written(&endpoint);
        assert_eq!((get.method, get.body.as_str()), ("GET", ""));
        assert_eq!(get.url.query(), Some("tenant=t&grant_type=urn%3Ax&scope=a+b"));
    }

    #[test]
    fn credentials_are_encoded_before_they_are_joined() {
        let decoded = |writing| {
            let header = basic("a:b", "c d", writing);
            let (scheme, encoded) = header.split_once(' ').unwrap();
            let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap();
            (scheme.to_owned(), decoded)
        };
        let expected = |scheme: &str, decoded: &str| (scheme.to_owned(), decoded.to_owned());
        assert_eq!(decoded(BasicWriting::Usual), expected("Basic", "a%3Ab:c+d"));
        assert_eq!(decoded(BasicWriting::LowerCaseScheme), expected("basic", "a%3Ab:c+d"));
        assert_eq!(decoded(BasicWriting::EscapedEntirely), expected("Basic", "%61%3A%62:%63%20%64"));
    }
}
