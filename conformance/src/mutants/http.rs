//! Mutants of what only HTTP shows.

use std::net::IpAddr;

use super::Mutant;
use crate::profile::{Feature, Profile};
use crate::weakening::Weakening;

pub(super) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Http,
        vec![
            (
                "lets-every-origin-read",
                "Pages of every origin may read the answer.",
                &[Feature::App],
                &[],
                Weakening::Answer(|answered, asked| {
                    if let Some((_, origin)) = asked.headers.iter().find(|(name, _)| name == "origin") {
                        answered.headers.retain(|(name, _)| name != "access-control-allow-origin");
                        answered.headers.push(("access-control-allow-origin".to_owned(), origin.clone()));
                    }
                }),
            ),
            (
                "lets-no-origin-read",
                "No page may read the answer.",
                &[Feature::App],
                &[],
                Weakening::Answer(|answered, _| {
                    answered.headers.retain(|(name, _)| name != "access-control-allow-origin")
                }),
            ),
            (
                "lets-pages-send-credentials",
                "Pages may send cookies along.",
                &[Feature::App],
                &[],
                Weakening::Answer(|answered, _| {
                    if answered.headers.iter().any(|(name, _)| name == "access-control-allow-origin") {
                        answered
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
                Weakening::Answer(|answered, _| {
                    answered.headers.retain(|(name, _)| name != "access-control-expose-headers")
                }),
            ),
            (
                "lets-caches-mix-origins",
                "Caches are not told that the answer depends on the origin.",
                &[Feature::App],
                &[],
                Weakening::Answer(|answered, _| answered.headers.retain(|(name, _)| name != "vary")),
            ),
            (
                "serves-jsonp-unasked",
                "JSONP is served though the tenant has it off.",
                &[Feature::App],
                &[],
                Weakening::Tenant(|data| data.tenant.delegation.jsonp = true),
            ),
            (
                "serves-no-jsonp",
                "JSONP is not served though the tenant has it on.",
                &[Feature::App],
                &[],
                Weakening::Tenant(|data| data.tenant.delegation.jsonp = false),
            ),
            (
                "calls-any-callback",
                "A callback may be any script.",
                &[Feature::App],
                &[],
                Weakening::Question(|asked, _| {
                    if asked.target.contains("alert") {
                        asked.target = asked.target.replace("alert%281%29%2F%2F", "alert");
                    }
                }),
            ),
            (
                "lets-scripts-be-sniffed",
                "A script may be taken for something else.",
                &[Feature::App],
                &[],
                Weakening::Answer(|answered, asked| {
                    if asked.method == "GET" {
                        answered.headers.retain(|(name, _)| name != "x-content-type-options");
                    }
                }),
            ),
            (
                "believes-every-forwarded-address",
                "Anybody can say where a request comes from.",
                &[Feature::App],
                &[],
                Weakening::Question(|asked, _| {
                    if let Some(ip) = forwarded(&asked.headers) {
                        asked.ip = ip;
                    }
                }),
            ),
            (
                "believes-no-proxy",
                "What a trusted proxy says is not believed.",
                &[Feature::App],
                &[],
                Weakening::Question(|asked, _| asked.headers.retain(|(name, _)| name != "x-forwarded-for")),
            ),
            (
                "serves-put",
                "A PUT is served as a POST.",
                &[Feature::App],
                &[],
                Weakening::Question(|asked, _| {
                    if asked.method == "PUT" {
                        asked.method = "POST";
                    }
                }),
            ),
            (
                "publishes-another-key",
                "The published key has another name.",
                &[Feature::App],
                &[],
                Weakening::Answer(|answered, _| {
                    answered.body = answered.body.replace("tenant-2026", "tenant-2025")
                }),
            ),
        ],
    )
}

fn forwarded(headers: &[(String, String)]) -> Option<IpAddr> {
    let (_, addresses) = headers.iter().find(|(name, _)| name == "x-forwarded-for")?;
    addresses.split(',').next()?.trim().parse().ok()
}
