//! The audiences that belong to a tenant, as the directory knows them.

use crate::issuers::TenantAudiences;
use crate::port_reply::PortReply;
use crate::ports::{Directory, StoreUnavailable};
use crate::prepared::PreparedTenant;

/// The audiences of this tenant.
pub(super) struct DirectoryAudiences<'t> {
    pub(super) directory: &'t dyn Directory,
    pub(super) tenant: &'t PreparedTenant,
}

impl TenantAudiences for DirectoryAudiences<'_> {
    fn include<'a>(&'a self, audience: &'a str) -> PortReply<'a, Result<bool, StoreUnavailable>> {
        let Self { directory, tenant } = self;
        if is_of_domain(audience, tenant.domain()) {
            return PortReply::Now(Ok(true));
        }
        PortReply::Later(Box::pin(async move {
            let client = directory.client(tenant, audience).wait().await?;
            Ok(client.is_some() || directory.client_by_resource(tenant, audience).wait().await?.is_some())
        }))
    }
}

/// Whether the audience is the domain, or a URL of it with any scheme, user, port and path.
fn is_of_domain(audience: &str, domain: &str) -> bool {
    let (_, authority) = audience.split_once("//").unwrap_or(("", audience));
    let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, _) = host.split_once(':').unwrap_or((host, ""));
    host.trim_end_matches('.').eq_ignore_ascii_case(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_and_its_urls_belong_to_the_tenant_and_its_neighbours_do_not() {
        for own in [
            "acme.example.com",
            "https://acme.example.com/",
            "https://ACME.example.com./api/v2/",
            "http://acme.example.com:8443/userinfo",
            "https://somebody@acme.example.com?x",
            "//acme.example.com\\x",
            "https://acme.example.com#x",
        ] {
            assert!(is_of_domain(own, "acme.example.com"), "{own}");
        }
        for other in [
            "https://acme.example.com.example.org/",
            "https://notacme.example.com/",
            "https://example.com/acme.example.com",
            "sts.amazonaws.com",
            "urn:acme.example.com",
            "",
        ] {
            assert!(!is_of_domain(other, "acme.example.com"), "{other}");
        }
    }
}
