//! What a client presents (RFC 6749 section 2.3): its id, and what it authenticates by.

use std::fmt;

use locum_abi::secret::Secret;

use crate::client_authentication::assertion::claimed_client;
use crate::parameters::Parameters;
use crate::refusal::{Refusal, RefusalKind};

/// The only type of assertion (RFC 7523 section 2.2).
const JWT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The id and the secret of a client in the header `Authorization` (RFC 6749 section 2.3.1).
#[derive(Debug)]
pub struct BasicCredentials {
    /// The `client_id`.
    pub client_id: String,
    /// The secret.
    pub client_secret: Secret,
}

/// What a client authenticates by.
#[derive(Clone)]
pub enum ClientCredential {
    /// Its secret, of the header or of the body.
    Secret(Secret),
    /// A JWT that it signed (RFC 7523 section 2.2).
    Assertion(Secret),
}

// Shows the kind and not the credential.
impl fmt::Debug for ClientCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(…)",
            Self::Assertion(_) => "Assertion(…)",
        })
    }
}

/// The client that a request names, and what it authenticates by.
#[derive(Debug)]
pub(crate) struct PresentedClient {
    pub(crate) client_id: String,
    pub(crate) credential: Option<ClientCredential>,
}

impl PresentedClient {
    /// Takes them from the header or the parameters.
    ///
    /// # Errors
    /// There is no client, or it authenticates in two ways or in one that is not supported.
    pub(crate) fn take<const N: usize>(
        parameters: &mut Parameters<'_, N>,
        basic: Option<BasicCredentials>,
    ) -> Result<Self, Refusal> {
        let stated = parameters.take("client_id");
        let assertion = assertion(parameters)?;
        let secret = parameters.take("client_secret").map(|secret| Secret::from(secret.into_owned()));
        match (basic, secret, assertion) {
            (None, secret, None) => {
                let client_id = stated.ok_or_else(|| Refusal::missing_parameter("client_id"))?.into_owned();
                Ok(Self { client_id, credential: secret.map(ClientCredential::Secret) })
            }
            (Some(BasicCredentials { client_id, client_secret }), None, None) => {
                if stated.is_some_and(|stated| stated != client_id) {
                    return Err(Refusal::invalid_request(
                        "client_id is not the client of the Authorization header",
                    ));
                }
                Ok(Self { client_id, credential: Some(ClientCredential::Secret(client_secret)) })
            }
            (None, None, Some(assertion)) => {
                // RFC 7521 section 4.2: client_id is optional, because the assertion names the client.
                let client_id = match stated {
                    Some(stated) => stated.into_owned(),
                    None => claimed_client(&assertion)?,
                };
                Ok(Self { client_id, credential: Some(ClientCredential::Assertion(assertion)) })
            }
            // RFC 6749 section 2.3
            _ => Err(Refusal::invalid_request(
                "authenticate in one way: by the Authorization header, by client_secret or by client_assertion",
            )),
        }
    }
}

/// The assertion, whose type must be stated (RFC 7521 section 4.2).
fn assertion<const N: usize>(parameters: &mut Parameters<'_, N>) -> Result<Option<Secret>, Refusal> {
    match (parameters.take("client_assertion"), parameters.take("client_assertion_type")) {
        (None, None) => Ok(None),
        (Some(assertion), Some(kind)) if kind == JWT_ASSERTION => Ok(Some(assertion.into_owned().into())),
        (Some(_), Some(_)) => {
            let description = format!("client_assertion_type must be {JWT_ASSERTION}");
            Err(Refusal::new(RefusalKind::InvalidClient, description))
        }
        (Some(_), None) => Err(Refusal::missing_parameter("client_assertion_type")),
        (None, Some(_)) => Err(Refusal::missing_parameter("client_assertion")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const KNOWN: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

    /// The client, and what it authenticates by; or code and description of the refusal.
    fn taken(parameters: Value, basic: Option<&str>) -> Result<(String, String), String> {
        let parameters = parameters.as_object().unwrap();
        let mut parameters = Parameters::sort(parameters.into(), &KNOWN, &[]).unwrap();
        let basic = basic.map(|client_id| BasicCredentials {
            client_id: client_id.to_owned(),
            client_secret: "of the header".into(),
        });
        let PresentedClient { client_id, credential } = PresentedClient::take(&mut parameters, basic)
            .map_err(|refusal| format!("{} {}", refusal.code(), refusal.description()))?;
        let credential = match credential {
            None => "nothing".to_owned(),
            Some(ClientCredential::Secret(secret)) => format!("secret {}", secret.expose()),
            Some(ClientCredential::Assertion(assertion)) => format!("assertion {}", assertion.expose()),
        };
        Ok((client_id, credential))
    }

    fn client(client_id: &str, credential: &str) -> Result<(String, String), String> {
        Ok((client_id.to_owned(), credential.to_owned()))
    }

    #[test]
    fn a_client_authenticates_in_one_way_or_in_none() {
        assert_eq!(taken(json!({"client_id": "web"}), None), client("web", "nothing"));
        let secret = json!({"client_id": "web", "client_secret": "of the body"});
        assert_eq!(taken(secret.clone(), None), client("web", "secret of the body"));
        assert_eq!(taken(json!({}), Some("web")), client("web", "secret of the header"));
        assert_eq!(taken(json!({"client_id": "web"}), Some("web")), client("web", "secret of the header"));
        let assertion = json!({"client_assertion": "a.b.c", "client_assertion_type": JWT_ASSERTION});
        let mut named = assertion.clone();
        named["client_id"] = json!("web");
        assert_eq!(taken(named.clone(), None), client("web", "assertion a.b.c"));
        let mut both = named;
        both["client_secret"] = json!("of the body");
        let one_way = "invalid_request authenticate in one way: by the Authorization header, by client_secret or by client_assertion";
        for (parameters, basic) in [(secret, Some("web")), (assertion, Some("web")), (both, None)] {
            assert_eq!(taken(parameters, basic), Err(one_way.to_owned()));
        }
        let other = taken(json!({"client_id": "api"}), Some("web"));
        assert_eq!(
            other.unwrap_err(),
            "invalid_request client_id is not the client of the Authorization header"
        );
        assert_eq!(taken(json!({}), None).unwrap_err(), "invalid_request missing client_id parameter");
    }

    #[test]
    fn an_assertion_needs_its_type_and_names_the_client() {
        let with = |assertion: &str, kind: &str| {
            taken(json!({"client_assertion": assertion, "client_assertion_type": kind}), None)
        };
        // {"alg":"RS256"} and {"sub":"worker"}, which nobody signed.
        let assertion = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ3b3JrZXIifQ.c";
        assert_eq!(with(assertion, JWT_ASSERTION), client("worker", &format!("assertion {assertion}")));
        for (refused, why) in [
            (with("", JWT_ASSERTION), "invalid_request missing client_assertion parameter"),
            (with(assertion, ""), "invalid_request missing client_assertion_type parameter"),
            (with("a.b.c", JWT_ASSERTION), "invalid_client client_assertion is malformed"),
            (
                with("eyJhbGciOiJSUzI1NiJ9.e30.c", JWT_ASSERTION),
                "invalid_client client_assertion has no sub claim",
            ),
            (
                with(assertion, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
                "invalid_client client_assertion_type must be \
                 urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
        ] {
            assert_eq!(refused.unwrap_err(), why);
        }
    }
}
