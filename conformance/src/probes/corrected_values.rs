//! Is a value used as it is? One that was trimmed, cut, changed in its case or ignored gives the same as another one, and whoever
//! sent it believes otherwise.

use serde_json::{Value, json};

use crate::exchange::parts::Parts;
use crate::feature::Feature;
use crate::probes::answered::{Answered, differences};
use crate::probes::attribute_names::attribute_names;
use crate::probes::context::{Found, NotRun, ProbeContext, ProbeRequest};
use crate::probes::harmless::{first_of, shown, succeeds};
use crate::probes::kept_state::request_with_attributes;
use crate::probes::second_values::changed_text;
use crate::report::Difference;
use crate::settings_schema::properties;

const EXPECTED: &str =
    "a refusal, or another credential or upstream request (use a value as it is, or refuse it)";

/// How the paths of parts of upstream requests begin.
const OF_REQUESTS: &str = "upstream request ";

/// More than those to which a name is cut in some systems: 64, 128 and 255.
const ID_LETTERS: [usize; 3] = [64, 128, 256];

/// Sends other values in each parameter.
pub(crate) async fn parameters(context: &ProbeContext<'_>) -> Found {
    let request = context.request()?;
    let original = Original::of(context, &request).await?;
    let mut found = Vec::new();
    for (name, _) in properties(&context.manifest.parameters_schema) {
        let sent = request.grant.parameters.get(name).or_else(|| replaced_setting(context, name));
        for other in sent.and_then(Value::as_str).map_or_else(|| vec!["x".to_owned()], others_of) {
            let mut with_other = request.clone();
            with_other.grant.parameters.insert(name.to_owned(), other.as_str().into());
            if original.is_got_by(context, &with_other).await? {
                let sent = sent.map_or_else(|| "none".to_owned(), shown);
                found.push(same(&format!("parameter {name} = {}", shown(&json!(other))), &sent));
            }
        }
    }
    Ok(first_of(found))
}

/// The setting that this parameter replaces: to send its value is to send nothing.
fn replaced_setting<'c>(context: &'c ProbeContext<'_>, parameter: &str) -> Option<&'c Value> {
    let rule = context.manifest.overrides.iter().find(|rule| rule.parameter == parameter)?;
    context.settings.get(&rule.setting)
}

/// Asks for two users whose long ids differ in the last letter.
pub(crate) async fn user_ids(context: &ProbeContext<'_>) -> Found {
    match same_for_two_users(context, 0).await? {
        Some(false) => {}
        Some(true) => {
            return Err(NotRun("needs credentials or requests that depend on the user's id".to_owned()));
        }
        None => return Err(NotRun("needs a plugin.yaml with which other users succeed".to_owned())),
    }
    let mut found = Vec::new();
    for letters in ID_LETTERS {
        if same_for_two_users(context, letters).await? == Some(true) {
            let what = format!("users whose ids have {letters} equal letters and another last one");
            found.push(Difference::new(what, EXPECTED, "the same"));
        }
    }
    Ok(found)
}

/// Whether two users with so many equal letters in their ids, and another last one, get the same; `None` if they get nothing.
async fn same_for_two_users(context: &ProbeContext<'_>, letters: usize) -> Result<Option<bool>, NotRun> {
    let id = |last: &str| format!("auth0|{}{last}", "a".repeat(letters));
    let mut request = context.request()?;
    // Otherwise two users draw different numbers.
    request.drawn_for = Some(id(""));
    request.grant.user_id = id("b");
    let Ok(original) = Original::of(context, &request).await else { return Ok(None) };
    request.grant.user_id = id("c");
    let got = answer_to(context, &request).await?;
    // The replies of plugin.yaml, and so credentials, may hold the whole id whatever the plugin asks for.
    let counts = |path: &str| got.requests.is_empty() || path.starts_with(OF_REQUESTS);
    let parts = context.parts(&got);
    let differs = original.parts.differing(&parts).into_iter().any(|(path, _, _)| counts(path));
    Ok(got.issued.is_ok().then_some(!differs))
}

/// Asks for users whose attributes are other texts, as far as the issuer uses the attribute.
pub(crate) async fn attributes(context: &ProbeContext<'_>) -> Found {
    let request = request_with_attributes(context).await?;
    let original = Original::of(context, &request).await?;
    let with = |name: &str, text: &str| {
        let mut other = request.clone();
        other.grant.profile.insert(name.to_owned(), text.into());
        other
    };
    let mut found = Vec::new();
    for name in attribute_names(context.manifest, &context.settings) {
        let Some(text) = request.grant.profile.get(name).and_then(Value::as_str) else { continue };
        if original.is_got_by(context, &with(name, &changed_text(text))).await? {
            continue;
        }
        for other in [format!(" {text}"), format!("{text} ")] {
            if original.is_got_by(context, &with(name, &other)).await? {
                let what = format!("attribute {name} = {}", shown(&json!(other)));
                found.push(same(&what, &shown(&json!(text))));
            }
        }
    }
    Ok(first_of(found))
}

/// What a request gets, with which others are compared.
struct Original {
    parts: Parts,
    random: Vec<String>,
}

impl Original {
    async fn of(context: &ProbeContext<'_>, request: &ProbeRequest) -> Result<Self, NotRun> {
        let (issuer, answered) = succeeds(context, request).await?;
        let parts = context.parts(&answered);
        let mut random = Vec::new();
        if context.spec.features.contains(&Feature::Random) {
            let again = context.parts(&context.ask_next(&issuer, request).await?);
            random.extend(parts.differing(&again).into_iter().map(|(path, _, _)| path.to_owned()));
        }
        Ok(Self { parts, random })
    }

    /// Whether another request gets the same.
    async fn is_got_by(&self, context: &ProbeContext<'_>, other: &ProbeRequest) -> Result<bool, NotRun> {
        let got = answer_to(context, other).await?;
        let same = || differences("", &self.parts, &context.parts(&got), &self.random, "").is_empty();
        Ok(got.issued.is_ok() && same())
    }
}

async fn answer_to(context: &ProbeContext<'_>, request: &ProbeRequest) -> Result<Answered, NotRun> {
    context.ask(&*context.issuer_for(request)?, request).await
}

/// Texts that are not this one, but would be after a correction.
fn others_of(text: &str) -> Vec<String> {
    let blank = [format!(" {text}"), format!("{text} ")];
    let case = [text.to_uppercase(), text.to_lowercase()].into_iter().filter(|other| other != text);
    // What is after the greatest length would be cut off.
    blank.into_iter().chain(case).chain([format!("{text}x")]).collect()
}

fn same(what: &str, as_with: &str) -> Difference {
    Difference::new(what, EXPECTED, format!("the same as with {as_with}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_values_are_others() {
        for text in ["reader", "Reader", "7"] {
            let others = others_of(text);
            assert!(others.len() >= 3 && others.iter().all(|other| other != text), "{others:?}");
        }
    }
}
