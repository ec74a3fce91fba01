//! Mutants that give secrets away.

use locum_abi::answer::Credential;
use serde_json::{Map, Value};

use super::Mutant;
use crate::exchange::Asked;
use crate::profile::{Feature, Profile};
use crate::weakening::Weakening;

pub(super) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Secrets,
        vec![
            (
                "logs-a-secret",
                "A secret stands in a log line.",
                &[],
                &[],
                Weakening::Issued(
                    |_, _, hands| tracing::info!(target: "plugin", "signing with {}", hands.secret()),
                ),
            ),
            (
                "issues-a-secret",
                "A secret stands in the credential.",
                &[],
                &[],
                Weakening::Issued(|issued, _, hands| {
                    let secret = hands.secret();
                    match &mut issued.credential {
                        Credential::Text(text) => text.push_str(&secret),
                        Credential::Object(object) => {
                            object.insert("debug".to_owned(), secret.into());
                        }
                        Credential::Jwt(_) => hands.rewrite(issued, |_, claims| {
                            claims.insert("debug".to_owned(), secret.into());
                        }),
                    }
                }),
            ),
            (
                "records-the-id-token",
                "The presented id_token stands in the record.",
                &[],
                &[],
                Weakening::Question(|asked, _| copy_to_device(asked, "id_token")),
            ),
            (
                "echoes-the-id-token",
                "The presented id_token comes back in a header.",
                &[],
                &[],
                Weakening::Answer(|answered, asked| {
                    answered.headers.push(("x-debug".to_owned(), asked.body.clone()))
                }),
            ),
            (
                "records-a-secret-of-old-libraries",
                "A client_secret that old libraries send along is recorded.",
                &[],
                &[],
                Weakening::Question(|asked, _| copy_to_device(asked, "client_secret")),
            ),
            (
                "repeats-a-secret-in-a-refusal",
                "A refusal of settings repeats the secret.",
                &[Feature::SecretSettings],
                &[],
                Weakening::Refusal(|mut failure, configuration| {
                    for (_, value) in &configuration.settings {
                        failure.message.push_str(&value.to_string());
                    }
                    failure
                }),
            ),
        ],
    )
}

/// Puts a parameter where the record keeps it.
fn copy_to_device(asked: &mut Asked, name: &str) {
    if let Ok(mut parameters) = serde_json::from_str::<Map<String, Value>>(&asked.body)
        && let Some(value) = parameters.get(name).cloned()
    {
        parameters.insert("device".to_owned(), value);
        asked.body = Value::Object(parameters).to_string();
    }
}
