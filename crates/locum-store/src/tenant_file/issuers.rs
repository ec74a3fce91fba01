//! The former and the trusted issuers of a tenant file.

use std::time::Duration;

use locum_engine::KeySet;
use locum_engine::model::{
    Audiences, FormerIssuer, InvalidIssuerUrl, IssuerKeySource, KeyLocation, PublicKeyAlgorithm, RemoteKeys,
    Tenant, TokenType, TrustedIssuer, UserIdRule,
};
use locum_engine::prepared::{InvalidIssuer, IssuerPlace, IssuerProblem, PreparedTenant};

use crate::tenant_file::field_error::FieldErrors;
use crate::tenant_file::model::{
    AudiencesEntry, DiscoveryEntry, FormerIssuerEntry, TenantEntry, TokenTypeEntry, TrustedIssuerEntry,
};

/// The fields that say where an issuer's keys are.
struct KeysEntry {
    keys: Option<String>,
    jwks: Option<DiscoveryEntry>,
    jwks_uri: Option<String>,
    ca: Option<String>,
    stale_if_error_hours: Option<u64>,
}

/// Adds the issuers to the tenant, without those that have errors.
pub(super) fn add(
    tenant: &mut Tenant,
    former: Vec<FormerIssuerEntry>,
    trusted: Vec<TrustedIssuerEntry>,
    errors: &mut FieldErrors,
) {
    // The places of those that are added, in the file.
    let (mut former_at, mut trusted_at) = (Vec::new(), Vec::new());
    for (index, entry) in former.into_iter().enumerate() {
        let at = format!("/former_issuers/{index}");
        let FormerIssuerEntry { issuer, keys, jwks, jwks_uri, ca, stale_if_error_hours } = entry;
        let entry = KeysEntry { keys, jwks, jwks_uri, ca, stale_if_error_hours };
        let (is_named, keys) = (is_named(&issuer, &at, errors), key_source(entry, &issuer, &at, errors));
        if let (true, Ok(keys)) = (is_named, keys) {
            tenant.former_issuers.push(FormerIssuer::new(issuer, keys));
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
            IssuerProblem::Keys(_) => "keys",
            IssuerProblem::NoAudiences => "audiences",
            IssuerProblem::ClaimOfTheToken(_) => "claims",
            // Whichever field says where the keys are.
            _ => "",
        };
        let at = at.map_or("", String::as_str);
        let pointer = if field.is_empty() { at.to_owned() } else { format!("{at}/{field}") };
        errors.add(pointer, problem.to_string());
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
    let token_types = entry.token_types.map(|types| token_types(&types, at, errors));
    let algorithms = entry.algorithms.map(|names| algorithms(&names, at, errors));
    let user_id = user_id(entry.user_id.as_deref(), at, errors);
    let TrustedIssuerEntry { keys, jwks, jwks_uri, ca, stale_if_error_hours, .. } = entry;
    let keys =
        key_source(KeysEntry { keys, jwks, jwks_uri, ca, stale_if_error_hours }, &entry.issuer, at, errors);
    if let Ok(None) = keys {
        errors.add(
            at,
            "it has no keys; write `jwks: discovery`, or the URL of its JWK Set as `jwks_uri`, or the set itself as `keys`",
        );
    }
    let (audiences, user_id, keys) = (audiences?, user_id?, keys.ok()??);
    if !is_named {
        return None;
    }
    let mut issuer = TrustedIssuer::new(entry.issuer, keys, user_id);
    issuer.user_id.shares_users = entry.shares_users;
    issuer.audiences = audiences;
    issuer.claims = entry.claims;
    if let Some(types) = token_types {
        issuer.token_types = types?;
    }
    if let Some(algorithms) = algorithms {
        issuer.algorithms = algorithms?;
    }
    Some(issuer)
}

/// Where the keys of this issuer are, if it says so. An error was reported.
fn key_source(
    entry: KeysEntry,
    issuer: &str,
    at: &str,
    errors: &mut FieldErrors,
) -> Result<Option<IssuerKeySource>, ()> {
    let KeysEntry { keys, jwks, jwks_uri, ca, stale_if_error_hours } = entry;
    let location = match (keys, jwks, jwks_uri) {
        (keys, None, None) => {
            if ca.is_some() || stale_if_error_hours.is_some() {
                errors.add(at, "`ca` and `stale_if_error_hours` are for keys that are fetched; remove them");
                return Err(());
            }
            return Ok(keys.map(IssuerKeySource::Set));
        }
        (None, Some(DiscoveryEntry::Discovery), None) => KeyLocation::discovery(issuer).map_err(|invalid| {
            errors.add(format!("{at}/issuer"), format!("for `jwks: discovery`, {invalid}"))
        }),
        (None, None, Some(url)) => url
            .parse()
            .map(KeyLocation::JwkSet)
            .map_err(|invalid: InvalidIssuerUrl| errors.add(format!("{at}/jwks_uri"), invalid.to_string())),
        _ => {
            errors.add(at, "write one of `keys`, `jwks` and `jwks_uri`");
            return Err(());
        }
    };
    let mut keys = RemoteKeys::new(location?);
    keys.authorities_pem = ca;
    if let Some(hours) = stale_if_error_hours {
        keys.stale_if_error = Duration::from_secs(hours.saturating_mul(3600));
    }
    Ok(Some(IssuerKeySource::Remote(keys)))
}

fn token_types(types: &[TokenTypeEntry], at: &str, errors: &mut FieldErrors) -> Option<Vec<TokenType>> {
    if types.is_empty() {
        errors.add(format!("{at}/token_types"), "name at least one type of token, or leave the field out");
        return None;
    }
    let token_type = |entry: &TokenTypeEntry| match entry {
        TokenTypeEntry::IdToken => TokenType::IdToken,
        TokenTypeEntry::AccessToken => TokenType::AccessToken,
    };
    Some(types.iter().map(token_type).collect())
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

/// Names the keys of issuers and clients that are ignored.
pub(super) fn advise(entry: &TenantEntry, warnings: &mut FieldErrors) {
    let former = entry.former_issuers.iter().map(|issuer| &issuer.keys).enumerate();
    let trusted = entry.trusted_issuers.iter().map(|issuer| &issuer.keys).enumerate();
    let former = former.map(|(index, keys)| (format!("/former_issuers/{index}/keys"), keys));
    let trusted = trusted.map(|(index, keys)| (format!("/trusted_issuers/{index}/keys"), keys));
    let clients = entry.clients.iter().map(|client| &client.jwks).enumerate();
    let clients = clients.map(|(index, keys)| (format!("/clients/{index}/jwks"), keys));
    for (at, keys) in former.chain(trusted).chain(clients) {
        let Some(Ok(set)) = keys.as_deref().map(KeySet::from_json) else { continue };
        for ignored in set.ignored() {
            warnings.add(at.as_str(), format!("{ignored}, so it is ignored"));
        }
    }
}
