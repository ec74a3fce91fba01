//! Hostile requests, generated from the schemas: names of settings as parameters, and hostile values of parameters.

use serde_json::{Value, json};

use crate::feature::Feature;
use crate::probes::answered::{differences, fault};
use crate::probes::context::{Found, NotRun, ProbeContext};
use crate::probes::harmless::{Baseline, first_of, shown, succeeds};
use crate::probes::second_values::changed_value;
use crate::settings_schema::properties;

const ADVICE_ON_SETTINGS: &str = "as without it; declare with `.parameter_overrides…` what requests may set, and read nothing else of them";

const ADVICE: &str = "refuse it with `Failure::parameter`, or encode it where it is written";

/// More bytes than anything has that a parameter names.
const LONG_BYTES: usize = 5000;

/// Sends the name of each setting as a parameter.
pub(crate) async fn names_of_settings(context: &ProbeContext<'_>) -> Found {
    let declared: Vec<&str> = properties(&context.manifest.parameters_schema).map(|(name, _)| name).collect();
    let undeclared: Vec<&str> =
        context.settings_schema().map(|(name, _)| name).filter(|name| !declared.contains(name)).collect();
    if undeclared.is_empty() {
        return Err(NotRun("needs a setting that is no parameter".to_owned()));
    }
    let request = context.request()?;
    let (issuer, answered) = succeeds(context, &request).await?;
    let expected = context.parts(&answered);
    let mut ignored = Vec::new();
    if context.spec.features.contains(&Feature::Random) {
        let again = context.parts(&context.ask_next(&issuer, &request).await?);
        ignored.extend(expected.differing(&again).into_iter().map(|(path, _, _)| path.to_owned()));
    }
    let mut found = Vec::new();
    for name in undeclared {
        let mut with_setting = request.clone();
        let value = other_value(context.settings.get(name));
        with_setting.grant.parameters.insert(name.to_owned(), value);
        let got = context.ask_next(&issuer, &with_setting).await?;
        if got.issued.as_ref().is_err_and(|failure| fault(failure).is_none()) && got.requests.is_empty() {
            continue;
        }
        let what = format!("setting {name} sent as a parameter");
        found.extend(differences(&what, &expected, &context.parts(&got), &ignored, ADVICE_ON_SETTINGS));
    }
    Ok(found)
}

/// Another value than that of a setting.
fn other_value(value: Option<&Value>) -> Value {
    match value {
        Some(Value::Bool(value)) => json!(!value),
        Some(Value::Number(number)) => json!(number.as_i64().unwrap_or_default() + 1),
        Some(value) if !value.is_null() => changed_value(value),
        _ => "mallory".into(),
    }
}

/// Sends hostile values in each parameter.
pub(crate) async fn hostile_values(context: &ProbeContext<'_>) -> Found {
    let request = context.request()?;
    let (issuer, answered) = succeeds(context, &request).await?;
    let is_subject = |path: &str| path.ends_with("/claims/sub") || path.ends_with("/Subject/NameID");
    let baseline = Baseline::of(context, answered, &request.grant.user_id, is_subject, ADVICE);
    let mut found = Vec::new();
    for (name, _) in properties(&context.manifest.parameters_schema) {
        for value in values() {
            let mut hostile = request.clone();
            hostile.grant.parameters.insert(name.to_owned(), value.clone());
            let got = context.ask_next(&issuer, &hostile).await?;
            let harm = baseline.harm(context, &format!("parameter {name} = {}", shown(&value)), &got);
            found.extend(harm.into_iter().next());
        }
    }
    Ok(first_of(found))
}

fn values() -> Vec<Value> {
    let texts = [
        "auth0|bob",
        "evil.example",
        "https://evil.example/x",
        "//evil.example",
        "@evil.example",
        "../x",
        "..",
        "a/b",
        "x?injected=y",
        "x#y",
        "x&injected=y",
        "'\"",
        "x\",\"injected\":\"y",
        "<&>",
        "]]></x><injected>y</injected>",
        "x\r\ninjected: y",
        "\u{1b}[31m",
        "x\0y",
        "Zoë 日本 🎈",
        "",
        " ",
    ];
    let others = [json!("x".repeat(LONG_BYTES)), json!(7), json!(true), json!(["x"]), json!({ "x": "y" })];
    texts.into_iter().map(Value::from).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_value_differs_and_has_the_same_type() {
        for value in [json!("a"), json!(1), json!(true), json!(["a"]), json!({ "a": "b" })] {
            let other = other_value(Some(&value));
            assert_ne!(other, value);
            assert_eq!(std::mem::discriminant(&other), std::mem::discriminant(&value));
        }
        assert_eq!(other_value(None), "mallory");
    }
}
