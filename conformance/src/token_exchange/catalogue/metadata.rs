//! What the metadata of the server says about its token endpoint.

use serde_json::{Map, Value};
use url::Url;

use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::Metadata;
use crate::token_exchange::case::Strength::{Must, Should};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::TOKEN_EXCHANGE;
use crate::token_exchange::need::Need;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.metadata.issuer",
        title: "issuer is the URL of the run, below which the metadata is, or that of the settings.",
        requirement: "RFC 8414 §3.3",
        strength: Must,
        otherwise: "",
        needs: &[Need::Metadata],
        check: Metadata(|metadata, session| {
            let without_slash = |url: &str| url.trim_end_matches('/').to_owned();
            let issuer = metadata.get("issuer").and_then(Value::as_str).unwrap_or_default();
            let is_same = without_slash(issuer) == without_slash(&session.issuer);
            Finding::of(is_same, "issuer", &session.issuer, issuer)
        }),
    },
    Case {
        id: "tx.metadata.token-endpoint",
        title: "token_endpoint is a URL without a fragment.",
        requirement: "RFC 8414 §2, RFC 6749 §3.2",
        strength: Must,
        otherwise: "",
        needs: &[Need::Metadata],
        check: Metadata(|metadata, _| {
            let endpoint = metadata.get("token_endpoint").and_then(Value::as_str).unwrap_or_default();
            let is_usable = Url::parse(endpoint).is_ok_and(|url| url.has_host() && url.fragment().is_none());
            Finding::of(is_usable, "token_endpoint", "a URL without a fragment", endpoint)
        }),
    },
    Case {
        id: "tx.metadata.grant-types",
        title: "grant_types_supported contains that of token exchange.",
        requirement: "RFC 8414 §2",
        strength: Should,
        otherwise: "",
        needs: &[Need::Metadata],
        check: Metadata(|metadata, _| {
            let listed = list(metadata, "grant_types_supported", &["authorization_code", "implicit"]);
            Finding::of(
                listed.iter().any(|grant_type| grant_type == TOKEN_EXCHANGE),
                "grant_types_supported",
                TOKEN_EXCHANGE,
                listed.join(", "),
            )
        }),
    },
    Case {
        id: "tx.metadata.authentication-methods",
        title: "token_endpoint_auth_methods_supported contains how the client authenticates.",
        requirement: "RFC 8414 §2",
        strength: Should,
        otherwise: "",
        needs: &[Need::Metadata],
        check: Metadata(|metadata, session| {
            let method = session.settings.client.authentication.name();
            let listed = list(metadata, "token_endpoint_auth_methods_supported", &["client_secret_basic"]);
            Finding::of(
                listed.iter().any(|own| own == method),
                "token_endpoint_auth_methods_supported",
                method,
                listed.join(", "),
            )
        }),
    },
];

/// A list of the metadata, or what its absence means.
fn list(metadata: &Map<String, Value>, name: &str, default: &[&str]) -> Vec<String> {
    match metadata.get(name) {
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
        }
        _ => default.iter().map(|item| (*item).to_owned()).collect(),
    }
}
