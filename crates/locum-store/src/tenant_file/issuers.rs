//! The former and the trusted issuers of a tenant file.

use locum_engine::KeySet;
use locum_engine::model::{
    Audiences, FormerIssuer, IssuerKeySource, PublicKeyAlgorithm, Tenant, TrustedIssuer, UserIdRule,
};
use locum_engine::prepared::{InvalidIssuer, IssuerPlace, IssuerProblem, PreparedTenant};

use crate::tenant_file::field_error::FieldErrors;
use crate::tenant_file::model::{AudiencesEntry, FormerIssuerEntry, TenantEntry, TrustedIssuerEntry};

/// Adds the issuers to the tenant, without those that have errors.
pub(super) fn add(
    tenant: &mut Tenant,
    former: Vec<FormerIssuerEntry>,
    trusted: Vec<TrustedIssuerEntry>,
    errors: &mut FieldErrors,
) {
    // The places of those that are added, in the file.
    let (mut former_at, mut trusted_at) = (Vec::new(), Vec::new());
    for (index, FormerIssuerEntry { issuer, keys }) in former.into_iter().enumerate() {
        let at = format!("/former_issuers/{index}");
        if is_named(&issuer, &at, errors) {
            tenant.former_issuers.push(FormerIssuer::new(issuer, keys.map(IssuerKeySource::Set)));
            former_at.push(at);
        }
    }
    for (index, entry) in trusted.into_iter().enumerate() {
        let at = format!("/trusted_issuers/{index}");
        if let Some(issuer) = trusted_issuer(entry, &at, errors) {
            tenant.trusted_issuers.push(issuer);
            trusted_at.push(at);
        }
    }
    // Preparing the tenant finds the first of them again; only here are their lines and fields known.
    for InvalidIssuer { place, problem } in PreparedTenant::invalid_issuers(tenant) {
        let at = match place {
            IssuerPlace::Former(index) => former_at.get(index),
            IssuerPlace::Trusted(index) => trusted_at.get(index),
        };
        let field = match problem {
            IssuerProblem::Twice(_) => "issuer",
            IssuerProblem::NoPrefix | IssuerProblem::SamePrefix(_) => "user_id",
            _ => "keys",
        };
        errors.add(format!("{}/{field}", at.map_or("", String::as_str)), problem.to_string());
    }
}

fn is_named(issuer: &str, at: &str, errors: &mut FieldErrors) -> bool {
    if issuer.is_empty() {
        errors.add(format!("{at}/issuer"), "write the issuer as its tokens do in `iss`");
    }
    !issuer.is_empty()
}

fn trusted_issuer(entry: TrustedIssuerEntry, at: &str, errors: &mut FieldErrors) -> Option<TrustedIssuer> {
    let is_named = is_named(&entry.issuer, at, errors);
    let audiences = match entry.audiences {
        None => Some(Audiences::CallingClient),
        Some(AudiencesEntry::Word(word)) if word == "client_id" => Some(Audiences::CallingClient),
        Some(AudiencesEntry::List(list)) if !list.is_empty() => Some(Audiences::Listed(list)),
        Some(AudiencesEntry::Word(_) | AudiencesEntry::List(_)) => {
            errors.add(
                format!("{at}/audiences"),
                "write `client_id`, for the client that presents the token, or a list of audiences",
            );
            None
        }
    };
    let algorithms = entry.algorithms.map(|names| algorithms(&names, at, errors));
    let user_id = user_id(entry.user_id.as_deref(), at, errors);
    if entry.keys.is_none() {
        errors.add(
            format!("{at}/keys"),
            "the field `keys` is missing; write the issuer's JWK Set, such as ${file:jwks.json}",
        );
    }
    let (audiences, user_id, keys) = (audiences?, user_id?, entry.keys?);
    if !is_named {
        return None;
    }
    let mut issuer = TrustedIssuer::new(entry.issuer, IssuerKeySource::Set(keys), user_id);
    issuer.user_id.shares_users = entry.shares_users;
    issuer.audiences = audiences;
    issuer.claims = entry.claims;
    if let Some(algorithms) = algorithms {
        issuer.algorithms = algorithms?;
    }
    Some(issuer)
}

fn algorithms(names: &[String], at: &str, errors: &mut FieldErrors) -> Option<Vec<PublicKeyAlgorithm>> {
    let mut algorithms = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match name.parse() {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(unknown) => {
                let unknown: locum_engine::model::UnknownAlgorithm = unknown;
                errors.add(format!("{at}/algorithms/{index}"), unknown.to_string());
            }
        }
    }
    if names.is_empty() {
        errors.add(format!("{at}/algorithms"), "name at least one algorithm, or leave the field out");
    }
    (!names.is_empty() && algorithms.len() == names.len()).then_some(algorithms)
}

fn user_id(rule: Option<&str>, at: &str, errors: &mut FieldErrors) -> Option<UserIdRule> {
    let Some(rule) = rule else {
        errors.add(
            format!("{at}/user_id"),
            "the field `user_id` is missing; write how a token names the user, such as \"corp|{sub}\"",
        );
        return None;
    };
    let rule: Result<UserIdRule, locum_engine::model::InvalidUserIdRule> = rule.parse();
    rule.map_err(|invalid| errors.add(format!("{at}/user_id"), invalid.to_string())).ok()
}

/// Names the keys of issuers that are ignored.
pub(super) fn advise(entry: &TenantEntry, warnings: &mut FieldErrors) {
    let former = entry.former_issuers.iter().map(|issuer| &issuer.keys).enumerate();
    let trusted = entry.trusted_issuers.iter().map(|issuer| &issuer.keys).enumerate();
    let former = former.map(|(index, keys)| (format!("/former_issuers/{index}/keys"), keys));
    let trusted = trusted.map(|(index, keys)| (format!("/trusted_issuers/{index}/keys"), keys));
    for (at, keys) in former.chain(trusted) {
        let Some(Ok(set)) = keys.as_deref().map(KeySet::from_json) else { continue };
        for ignored in set.ignored() {
            warnings.add(at.as_str(), format!("{ignored}, so it is ignored"));
        }
    }
}
