//! Mutants of HTTP methods, origins and headers.

use std::net::IpAddr;

use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Http,
        vec![
            (
                "allows-every-origin",
                "Pages of every origin may read the response.",
                &[Feature::App],
                &[],
                Fault::Response(|response, request| {
                    if let Some((_, origin)) = request.headers.iter().find(|(name, _)| name == "origin") {
                        response.headers.retain(|(name, _)| name != "access-control-allow-origin");
                        response.headers.push(("access-control-allow-origin".to_owned(), origin.clone()));
                    }
                }),
            ),
            (
                "allows-no-origin",
                "No page may read the response.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| {
                    response.headers.retain(|(name, _)| name != "access-control-allow-origin")
                }),
            ),
            (
                "allows-credentials-of-pages",
                "Pages may send cookies.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| {
                    if response.headers.iter().any(|(name, _)| name == "access-control-allow-origin") {
                        response
                            .headers
                            .push(("access-control-allow-credentials".to_owned(), "true".to_owned()));
                    }
                }),
            ),
            (
                "hides-rate-headers-from-pages",
                "Pages may not read the rate limit headers.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| {
                    response.headers.retain(|(name, _)| name != "access-control-expose-headers")
                }),
            ),
            (
                "drops-vary",
                "The response lacks Vary, so caches may mix origins.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| response.headers.retain(|(name, _)| name != "vary")),
            ),
            (
                "serves-jsonp-although-disabled",
                "JSONP is served although the tenant disables it.",
                &[Feature::App],
                &[],
                Fault::Tenant(|data| data.tenant.delegation.jsonp = true),
            ),
            (
                "refuses-jsonp-although-enabled",
                "JSONP is refused although the tenant enables it.",
                &[Feature::App],
                &[],
                Fault::Tenant(|data| data.tenant.delegation.jsonp = false),
            ),
            (
                "accepts-any-jsonp-callback",
                "A JSONP callback may be any script.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| {
                    if request.target.contains("alert") {
                        request.target = request.target.replace("alert%281%29%2F%2F", "alert");
                    }
                }),
            ),
            (
                "drops-nosniff-from-scripts",
                "A script response lacks X-Content-Type-Options.",
                &[Feature::App],
                &[],
                Fault::Response(|response, request| {
                    if request.method == "GET" {
                        response.headers.retain(|(name, _)| name != "x-content-type-options");
                    }
                }),
            ),
            (
                "trusts-every-forwarded-address",
                "X-Forwarded-For is trusted from everyone.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| {
                    if let Some(ip) = forwarded(&request.headers) {
                        request.ip = ip;
                    }
                }),
            ),
            (
                "ignores-trusted-proxies",
                "X-Forwarded-For is ignored, even from a trusted proxy.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| request.headers.retain(|(name, _)| name != "x-forwarded-for")),
            ),
            (
                "serves-put",
                "PUT is served like POST.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| {
                    if request.method == "PUT" {
                        request.method = "POST";
                    }
                }),
            ),
            (
                "publishes-another-key-id",
                "The published key has another key id.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| {
                    response.body = response.body.replace("tenant-2026", "tenant-2025")
                }),
            ),
        ],
    )
}

fn forwarded(headers: &[(String, String)]) -> Option<IpAddr> {
    let (_, addresses) = headers.iter().find(|(name, _)| name == "x-forwarded-for")?;
    addresses.split(',').next()?.trim().parse().ok()
}
