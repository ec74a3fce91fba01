//! The program that compiles: each step takes the value that the step before it returns.

use std::net::IpAddr;

use locum_engine::delegation::{admit, authenticate, authorize, issue};
use locum_engine::ports::Found;
use locum_engine::prepared::PreparedTenant;
use locum_engine::revocation::{self, RevocationAdmission, RevocationRequest};
use locum_engine::{DelegationRequest, Issued, Ports, Refusal};

#[allow(dead_code)]
async fn delegate(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    request: DelegationRequest,
    ip: IpAddr,
) -> Result<Issued, Refusal> {
    let mut payload = Vec::new();
    let authenticated = authenticate(ports, tenant, Box::new(request), ip, 0, &mut payload).await?;
    let admitted = admit(&*ports.buckets, authenticated, ip).await.outcome?;
    let authorized = authorize(&*ports.directory, admitted, "reference").await?;
    issue(&*ports.entropy, &*ports.directory, authorized, "reference").await
}

#[allow(dead_code)]
async fn revoke(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    request: RevocationRequest,
    ip: IpAddr,
) -> Result<(), Refusal> {
    let identified = revocation::identify(ports, tenant, request, ip, 0).await?;
    let revocable = revocation::select(identified)?;
    match revocation::admit(&*ports.buckets, revocable, ip, 0).await {
        RevocationAdmission::NothingToRevoke => Ok(()),
        RevocationAdmission::Counted { outcome, .. } => {
            revocation::revoke(ports, outcome?, "reference").await
        }
    }
}

fn main() {}
