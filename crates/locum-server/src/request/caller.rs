//! Who is at the other end: host, address, and what the audit keeps of the headers.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use locum_engine::{Caller, Refusal, RefusalKind};

use crate::request::host::host;
use crate::request::proxies::TrustedProxies;

const AUTH0_CLIENT: HeaderName = HeaderName::from_static("auth0-client");

/// The caller of this request.
///
/// # Errors
/// No usable host. A router that is not told its peers (`ConnectInfo<SocketAddr>`) refuses everything as a fault of
/// its own: without an address there is no rate limit.
pub fn caller(head: &Parts, proxies: &TrustedProxies) -> Result<Caller, Refusal> {
    Ok(Caller {
        host: host(head)?,
        ip: address(head, proxies)?,
        auth0_client: text(&head.headers, &AUTH0_CLIENT),
        user_agent: text(&head.headers, &USER_AGENT),
    })
}

/// The address of the caller; behind trusted proxies, the one that they state.
///
/// # Errors
/// As those of [`caller`], but for the host.
pub(crate) fn address(head: &Parts, proxies: &TrustedProxies) -> Result<IpAddr, Refusal> {
    let Some(ConnectInfo(peer)) = head.extensions.get::<ConnectInfo<SocketAddr>>() else {
        tracing::error!(
            "requests carry no ConnectInfo<SocketAddr>; use locum_server::serve or \
             into_make_service_with_connect_info"
        );
        return Err(Refusal::new(
            RefusalKind::ServerError,
            "the server does not know where requests come from",
        ));
    };
    Ok(proxies.client(peer.ip(), &head.headers))
}

/// The header as text; never parsed, so bytes that are not UTF-8 only lose their look.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
