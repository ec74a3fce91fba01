//! Mutants of what only HTTP shows.

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
                "lets-every-origin-read",
                "Pages of every origin may read the answer.",
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
                "lets-no-origin-read",
                "No page may read the answer.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| {
                    response.headers.retain(|(name, _)| name != "access-control-allow-origin")
                }),
            ),
            (
                "lets-pages-send-credentials",
                "Pages may send cookies along.",
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
                "hides-the-rate-from-pages",
                "Pages may not read the rate headers.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| {
                    response.headers.retain(|(name, _)| name != "access-control-expose-headers")
                }),
            ),
            (
                "lets-caches-mix-origins",
                "Caches are not told that the answer depends on the origin.",
                &[Feature::App],
                &[],
                Fault::Response(|response, _| response.headers.retain(|(name, _)| name != "vary")),
            ),
            (
                "serves-jsonp-unasked",
                "JSONP is served though the tenant has it off.",
                &[Feature::App],
                &[],
                Fault::Tenant(|tenant| tenant.delegation.jsonp = true),
            ),
            (
                "serves-no-jsonp",
                "JSONP is not served though the tenant has it on.",
                &[Feature::App],
                &[],
                Fault::Tenant(|tenant| tenant.delegation.jsonp = false),
            ),
            (
                "calls-any-callback",
                "A callback may be any script.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| {
                    if request.target.contains("alert") {
                        request.target = request.target.replace("alert%281%29%2F%2F", "alert");
                    }
                }),
            ),
            (
                "lets-scripts-be-sniffed",
                "A script may be taken for something else.",
                &[Feature::App],
                &[],
                Fault::Response(|response, request| {
                    if request.method == "GET" {
                        response.headers.retain(|(name, _)| name != "x-content-type-options");
                    }
                }),
            ),
            (
                "believes-every-forwarded-address",
                "Anybody can say where a request comes from.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| {
                    if let Some(ip) = forwarded(&request.headers) {
                        request.ip = ip;
                    }
                }),
            ),
            (
                "believes-no-proxy",
                "What a trusted proxy says is not believed.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| request.headers.retain(|(name, _)| name != "x-forwarded-for")),
            ),
            (
                "serves-put",
                "A PUT is served as a POST.",
                &[Feature::App],
                &[],
                Fault::Request(|request, _| {
                    if request.method == "PUT" {
                        request.method = "POST";
                    }
                }),
            ),
            (
                "publishes-another-key",
                "The published key has another name.",
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
