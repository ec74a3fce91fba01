//! How clients authenticate.

use crate::token_exchange::answer::Answer;
use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::{Changed, Refused};
use crate::token_exchange::case::Strength::{May, Must};
use crate::token_exchange::catalogue::is_granted;
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::Inputs;
use crate::token_exchange::need::Need;
use crate::token_exchange::refusal::Refusal;
use crate::token_exchange::request::{BasicWriting, ClientCredentials, TokenRequest};
use crate::token_exchange::settings_file::Authentication;

const WRONG_SECRET: &str = "locum-conformance-wrong-secret";
const UNKNOWN_CLIENT: &str = "locum-conformance-unknown-client";

/// A client that authenticated by the header is refused with 401, another one with 400 or 401.
const BY_HEADER: Refusal = Refusal::of(&["invalid_client"]).with_status(&[401]);
const BY_BODY: Refusal = Refusal::of(&["invalid_client"]).with_status(&[400, 401]);

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.client.basic",
        title: "A client with a secret can authenticate by HTTP Basic.",
        requirement: "RFC 6749 §2.3.1",
        strength: Must,
        otherwise: "the client may be registered for client_secret_post (RFC 7591 §2)",
        needs: &[],
        check: Changed(
            |request, inputs| request.by(inputs.basic()),
            |answer, inputs| {
                let is_for_post = inputs.settings.client.authentication == Authentication::ClientSecretPost;
                match answer.granted() {
                    Err(_) if is_for_post => Finding::Otherwise(format!("answered {}", answer.summary())),
                    _ => is_granted(answer, inputs),
                }
            },
        ),
    },
    Case {
        id: "tx.client.post",
        title: "A client with a secret can authenticate by parameters in the body.",
        requirement: "RFC 6749 §2.3.1",
        strength: May,
        otherwise: "",
        needs: &[],
        check: Changed(|request, inputs| request.by(inputs.post()), is_granted),
    },
    Case {
        id: "tx.client.basic-encoding",
        title: "Id and secret are decoded as in a form before they are compared.",
        requirement: "RFC 6749 §2.3.1",
        strength: Must,
        otherwise: "",
        needs: &[Need::BasicAuthentication],
        check: Changed(
            |request, inputs| request.by(inputs.basic_written(BasicWriting::EscapedEntirely)),
            is_granted,
        ),
    },
    Case {
        id: "tx.client.basic-scheme-case",
        title: "The name of the scheme Basic is read without regard to case.",
        requirement: "RFC 9110 §11.1",
        strength: Must,
        otherwise: "",
        needs: &[Need::BasicAuthentication],
        check: Changed(
            |request, inputs| request.by(inputs.basic_written(BasicWriting::LowerCaseScheme)),
            is_granted,
        ),
    },
    Case {
        id: "tx.client.same-client-id",
        title: "A client that authenticates by the header may repeat its client_id in the body.",
        requirement: "RFC 6749 §3.2.1",
        strength: Must,
        otherwise: "",
        needs: &[Need::BasicAuthentication],
        check: Changed(|request, inputs| request.with("client_id", &inputs.settings.client.id), is_granted),
    },
    Case {
        id: "tx.client.other-client-id",
        title: "A client_id that is not that of the header is refused.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "RFC 6749 §5.2, if the request counts as that of an unknown client",
        needs: &[Need::BasicAuthentication],
        check: Refused(
            |request, _| request.with("client_id", UNKNOWN_CLIENT),
            Refusal::of(&["invalid_request"]).or(&["invalid_client"]).with_status(&[400, 401]),
        ),
    },
    Case {
        id: "tx.client.two-methods",
        title: "A client that authenticates by the header and in the body is refused.",
        requirement: "RFC 6749 §2.3, §5.2",
        strength: Must,
        otherwise: "RFC 6749 §5.2, if the authentication counts as failed",
        needs: &[],
        check: Refused(
            |request, inputs| {
                let (id, secret) = inputs.client();
                request.by(ClientCredentials::BasicAndPost { id, secret })
            },
            Refusal::of(&["invalid_request"]).or(&["invalid_client"]).with_status(&[400, 401]),
        ),
    },
    Case {
        id: "tx.client.wrong-secret",
        title: "A wrong secret in the header is refused with 401.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(with_wrong_secret, BY_HEADER),
    },
    Case {
        id: "tx.client.challenge",
        title: "That refusal has a header WWW-Authenticate with the scheme Basic.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(with_wrong_secret, |answer, _| {
            let challenges: Vec<&str> = answer.response.header("www-authenticate").collect();
            Finding::of(has_basic(answer), "WWW-Authenticate", "the scheme Basic", challenges.join(", "))
        }),
    },
    Case {
        id: "tx.client.malformed-header",
        title: "A header with the scheme Basic and no credentials is refused.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "RFC 6749 §5.2, if the request counts as malformed",
        needs: &[],
        check: Refused(
            |request, _| request.by(ClientCredentials::Header("Basic malformed")),
            Refusal::of(&["invalid_client"]).or(&["invalid_request"]).with_status(&[400, 401]),
        ),
    },
    Case {
        id: "tx.client.other-scheme",
        title: "A header with a scheme by which no client authenticates is refused.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "RFC 6749 §5.2, if the request counts as malformed",
        needs: &[],
        check: Refused(
            |request, _| request.by(ClientCredentials::Header("Bearer locum-conformance")),
            Refusal::of(&["invalid_client"]).or(&["invalid_request"]).with_status(&[400, 401]),
        ),
    },
    Case {
        id: "tx.client.wrong-secret-in-the-body",
        title: "A wrong secret in the body is refused.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(
            |request, inputs| {
                let (id, _) = inputs.client();
                request.by(ClientCredentials::Post { id, secret: WRONG_SECRET.to_owned() })
            },
            BY_BODY,
        ),
    },
    Case {
        id: "tx.client.unknown",
        title: "An unknown client in the header is refused with 401.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(
            |request, inputs| {
                let (_, secret) = inputs.client();
                let id = UNKNOWN_CLIENT.to_owned();
                request.by(ClientCredentials::Basic { id, secret, writing: BasicWriting::Usual })
            },
            BY_HEADER,
        ),
    },
    Case {
        id: "tx.client.no-secret",
        title: "A client that has a secret is refused without it.",
        requirement: "RFC 6749 §3.2.1, §5.2",
        strength: Must,
        otherwise: "RFC 6749 §5.2, if the secret counts as a missing parameter",
        needs: &[],
        check: Refused(
            |request, inputs| request.by(ClientCredentials::IdOnly(inputs.settings.client.id.clone())),
            Refusal::of(&["invalid_client"]).or(&["invalid_request"]).with_status(&[400, 401]),
        ),
    },
    Case {
        id: "tx.client.public",
        title: "The public client of the settings gets a token without authentication.",
        requirement: "RFC 8693 §2.1",
        strength: May,
        otherwise: "",
        needs: &[Need::PublicClient],
        check: Changed(
            |request, inputs| {
                let subject = inputs.token(Need::PublicClient);
                let client = inputs.settings.public_client.as_ref();
                let id = client.map(|client| client.id.clone()).unwrap_or_default();
                request
                    .with("subject_token", subject.text())
                    .with("subject_token_type", &subject.token_type)
                    .by(ClientCredentials::IdOnly(id))
            },
            is_granted,
        ),
    },
];

fn with_wrong_secret(request: TokenRequest, inputs: &Inputs<'_>) -> TokenRequest {
    let (id, _) = inputs.client();
    let secret = WRONG_SECRET.to_owned();
    request.by(ClientCredentials::Basic { id, secret, writing: BasicWriting::Usual })
}

/// Whether a challenge is of the scheme Basic. A header may hold several challenges.
fn has_basic(answer: &Answer) -> bool {
    let elements = answer.header_elements("www-authenticate");
    elements.iter().any(|element| element.split_whitespace().next() == Some("basic"))
}
