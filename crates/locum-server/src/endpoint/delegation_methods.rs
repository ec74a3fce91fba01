//! The methods of `/delegation`, which depend on the tenant: `GET` is there where JSONP is.

use locum_engine::prepared::PreparedTenant;

/// The methods as `Allow` lists them. Where there is no tenant, there is no JSONP.
pub(crate) fn methods_served(tenant: Option<&PreparedTenant>) -> &'static str {
    if tenant.is_some_and(serves_jsonp) { "GET, POST, OPTIONS" } else { "POST, OPTIONS" }
}

/// Whether the tenant serves JSONP.
pub(crate) fn serves_jsonp(tenant: &PreparedTenant) -> bool {
    tenant.delegation().enabled && tenant.delegation().jsonp
}
