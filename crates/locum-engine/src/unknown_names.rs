//! Look-ups by a name that anybody may have sent, before it is known who calls. Names that do not exist are counted for each
//! address, so that random ones do not become queries.
//!
//! What a directory answers at once costs it nothing, and is neither counted nor refused. A name that is there takes nothing from
//! the bucket: an address behind which many users sit is not limited.

use std::net::IpAddr;
use std::sync::Arc;

use crate::failure_limit::FailureLimit;
use crate::ports::{BucketSubject, PortReply, Ports, StoreReply};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::Refusal;

/// The reply to a look-up by the name of a request, or its refusal: 429 if the address has sent too many that do not exist, 503 if
/// the directory is unavailable.
pub(crate) type NameReply<'a, T> = PortReply<'a, Result<T, Refusal>>;

/// Looks up a client for whoever is at this address.
pub(crate) fn find_client<'a>(
    ports: &'a Ports,
    tenant: &'a PreparedTenant,
    client_id: &'a str,
    ip: IpAddr,
) -> NameReply<'a, Option<Arc<PreparedClient>>> {
    counted(ports, tenant, ip, ports.directory.client(tenant, client_id), Option::is_none)
}

/// Looks up whether any client of the tenant allows an origin, for whoever is at this address.
pub(crate) fn find_origin<'a>(
    ports: &'a Ports,
    tenant: &'a PreparedTenant,
    origin: &'a str,
    ip: IpAddr,
) -> NameReply<'a, bool> {
    counted(ports, tenant, ip, ports.directory.allows_origin(tenant, origin), |is_allowed| !is_allowed)
}

fn counted<'a, T: Send + 'a>(
    ports: &'a Ports,
    tenant: &'a PreparedTenant,
    ip: IpAddr,
    lookup: StoreReply<'a, T>,
    is_unknown: fn(&T) -> bool,
) -> NameReply<'a, T> {
    let read = match lookup {
        PortReply::Now(found) => return PortReply::Now(found.map_err(Refusal::unavailable)),
        PortReply::Later(read) => read,
    };
    PortReply::Later(Box::pin(async move {
        let now_unix_ms = ports.clock.now_unix_ms();
        let unknown_names = BucketSubject::UnknownNames;
        let limit = FailureLimit::new(&*ports.buckets, tenant, ip, unknown_names, now_unix_ms);
        let exceeded = "too many unknown names from this address; wait before the next request";
        limit.check(exceeded).await?;
        let found = read.await.map_err(Refusal::unavailable)?;
        if is_unknown(&found) {
            limit.count().await;
        }
        Ok(found)
    }))
}
