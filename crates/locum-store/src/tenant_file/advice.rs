//! What a valid tenant file contains that cannot work, and what should be changed in it.

use std::collections::HashSet;

use locum_engine::model::ClientSecret;

use crate::tenant_file::build::algorithm;
use crate::tenant_file::field_error::FieldErrors;
use crate::tenant_file::model::ClientEntry;

/// Shortest HS256 key that RFC 7518 section 3.2 allows, in bytes.
const HMAC_KEY_BYTES_MIN: usize = 32;

/// Likeness above which a known id is suggested for an unknown one; 1 is equality.
const SUGGESTION_LIKENESS_MIN: f64 = 0.8;

/// What was found in the clients.
#[derive(Default)]
pub(super) struct Advice {
    /// What cannot work.
    pub(super) problems: FieldErrors,
    /// What works and should be changed.
    pub(super) warnings: FieldErrors,
}

/// Looks through the clients. `known_ids` are all ids of the file, those of clients with errors too.
pub(super) fn on_clients(clients: &[ClientEntry], known_ids: &HashSet<&str>) -> Advice {
    let mut advice = Advice::default();
    for (index, client) in clients.iter().enumerate() {
        let at = format!("/clients/{index}");
        on_key(client, &at, &mut advice);
        on_origins(&client.allowed_origins, &format!("{at}/allowed_origins"), &mut advice);
        on_origins(&client.web_origins, &format!("{at}/web_origins"), &mut advice);
        for (index, id) in client.allowed_clients.iter().enumerate() {
            if !known_ids.contains(id.as_str()) {
                let message = unknown_client(id, known_ids);
                advice.problems.add(format!("{at}/allowed_clients/{index}"), message);
            }
        }
    }
    advice
}

fn on_key(client: &ClientEntry, at: &str, advice: &mut Advice) {
    let configuration = &client.jwt_configuration;
    let id = &client.client_id;
    match &client.client_secret {
        // Old tenants have short secrets, so they are not refused.
        Some(secret) => {
            let secret = ClientSecret::new(secret, configuration.secret_encoded);
            if secret.is_ok_and(|secret| secret.expose().len() < HMAC_KEY_BYTES_MIN) {
                let message = format!(
                    "client {id}: its client_secret is shorter than {HMAC_KEY_BYTES_MIN} bytes (RFC 7518 section 3.2); rotate it"
                );
                advice.warnings.add(format!("{at}/client_secret"), message);
            }
        }
        None if algorithm(configuration.alg.as_deref()) != "HS256" => {}
        None if client.addons.values().any(|settings| !settings.is_null()) => advice.warnings.add(
            format!("{at}/client_secret"),
            format!(
                "client {id}: it has no client_secret, so it can be the target of its add-ons and nothing else; add one if it sends requests"
            ),
        ),
        None => advice.problems.add(
            format!("{at}/client_secret"),
            format!(
                "client {id}: it has no client_secret for HS256, so its id_tokens are refused and no token is issued for it; add client_secret, or set jwt_configuration.alg to RS256"
            ),
        ),
    }
}

/// Origins are compared with what browsers send: scheme, host and port in lower case, without a standard port.
fn on_origins(origins: &[String], at: &str, advice: &mut Advice) {
    let mut known = HashSet::new();
    for (index, origin) in origins.iter().enumerate() {
        let pointer = format!("{at}/{index}");
        let origin = origin.trim_end_matches('/');
        if let Some(why) = never_sent(origin) {
            advice.problems.add(pointer, why);
        } else if !known.insert(origin) {
            advice.warnings.add(pointer, "this origin appears twice; remove one");
        }
    }
}

/// Why no browser sends this as its origin, if that is so.
fn never_sent(origin: &str) -> Option<&'static str> {
    if origin.contains('*') {
        return Some("an origin with `*` matches no page; list each origin in full");
    }
    let Some((scheme, authority)) = origin.split_once("://") else {
        return Some("an origin begins with its scheme; write it as https://app.example.com");
    };
    if authority.contains(['/', '?', '#', '@']) {
        return Some("an origin has no path; write scheme, host and port only, as https://app.example.com");
    }
    if authority.is_empty() || authority.contains(char::is_whitespace) {
        return Some("an origin has a host; write it as https://app.example.com");
    }
    if origin.chars().any(|c| c.is_ascii_uppercase()) {
        return Some("browsers send origins in lower case; write it so");
    }
    let standard_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    authority.ends_with(standard_port).then_some("browsers leave out the standard port; remove it")
}

fn unknown_client(id: &str, known_ids: &HashSet<&str>) -> String {
    let nearest = known_ids
        .iter()
        .map(|known| (strsim::jaro_winkler(id, known), known))
        .filter(|(likeness, _)| *likeness > SUGGESTION_LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, known)) => {
            format!("no client of this tenant has the id `{id}`; did you mean `{known}`?")
        }
        None => format!("no client of this tenant has the id `{id}`; correct or remove it"),
    }
}
