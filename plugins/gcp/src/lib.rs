//! Issues access tokens and ID tokens of Google Cloud, by workload identity federation.

mod access_tokens;
mod federation;
mod id_tokens;
mod impersonation;
mod names;
mod scopes;
mod settings;

use locum_plugin::prelude::*;

use crate::access_tokens::AccessTokens;
use crate::id_tokens::IdTokens;

locum_plugin::export_plugin! { name: "gcp", vendor: "Locum", issuers: [AccessTokens, IdTokens] }

/// How much later than granted a token may expire: Google's clock may be ahead, and the call takes time.
const TOLERANCE_SECONDS: i64 = 300;

/// What both api_types promise.
fn promises(api_type: ApiType) -> ApiType {
    api_type
        .calls(Upstream::host("sts.googleapis.com"))
        .calls(Upstream::host("iamcredentials.googleapis.com"))
        .calls(Upstream::setting("sts_endpoint"))
        .calls(Upstream::setting("iam_endpoint"))
        .signs_with_tenant_key()
        .signs_about_attribute_of_setting("subject", None)
        .reads_named_by_setting("subject", None)
        .reads("email_verified")
        .not_revocable(
            "Locum cannot revoke it: it is valid until it expires. In Google Cloud, disable the service account, or take the permissions from it or from the principal of the pool.",
        )
}

#[cfg(test)]
mod tests;
