//! The settings for TLS with an upstream, which a plugin is not given: a client certificate, and whom to trust.

use locum_abi::answer::Failure;
use locum_abi::manifest::{IssuerManifest, Upstream};
use locum_egress::{HttpClient, HttpError, Tls};
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

/// A client for this upstream; `None` if the settings say nothing about TLS. Each has connections of its own, so none that one
/// tenant's certificate opened serves another tenant.
pub(super) fn client(
    upstream: &Upstream,
    settings: &Map<String, Value>,
) -> Result<Option<HttpClient>, Failure> {
    let text = |setting: &Option<String>| {
        setting.as_ref().and_then(|name| Some((name.clone(), settings.get(name)?.as_str()?)))
    };
    let authorities = text(&upstream.ca);
    let identity = text(&upstream.client_certificate);
    let Some((name, _)) = identity.as_ref().or(authorities.as_ref()) else { return Ok(None) };
    let refused = |name: &str| {
        let name = name.to_owned();
        move |error: HttpError| Failure::setting(&name, error.to_string())
    };
    let mut tls = Tls::default();
    if let Some((name, pem)) = &authorities {
        tls = tls.authorities(pem).map_err(refused(name))?;
    }
    if let Some((name, pem)) = &identity {
        tls = tls.identity(pem).map_err(refused(name))?;
    }
    HttpClient::with_tls(&tls).map(Some).map_err(refused(name))
}

/// Takes the settings for TLS out of those that the plugin is given.
pub(super) fn withhold(manifest: &IssuerManifest, settings: &mut Map<String, Value>) {
    for name in manifest.upstreams.iter().flat_map(Upstream::withheld_settings) {
        if let Some(Value::String(mut text)) = settings.shift_remove(name) {
            text.zeroize();
        }
    }
}
