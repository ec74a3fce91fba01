//! Checks of settings: are invalid settings refused, by name, and without repeating a secret?

use locum_host::secret_setting_names;
use serde_json::{Value, json};

use crate::probes::context::ProbeContext;
use crate::report::Difference;

/// A value that no sensible schema allows.
fn malformed(canary: &str) -> Value {
    json!([{ "malformed": [canary] }])
}

pub(crate) fn wrong_types_are_refused(context: &ProbeContext<'_>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (name, _) in context.settings_schema() {
        let mut settings = context.settings.clone();
        settings.insert(name.to_owned(), malformed("value"));
        let pointer = format!("/{name}");
        match context.configure(settings) {
            Ok(_) => differences.push(Difference::new(
                format!("setting {name} of a wrong type"),
                "refused",
                "accepted",
            )),
            Err(refusal) if refusal.pointer.as_deref().is_some_and(|own| own.starts_with(&pointer)) => {}
            Err(refusal) => differences.push(Difference::new(
                format!("pointer of the refusal of {name}"),
                pointer,
                refusal.pointer.unwrap_or_else(|| "absent".to_owned()),
            )),
        }
    }
    differences
}

pub(crate) fn missing_settings_are_refused(context: &ProbeContext<'_>) -> Vec<Difference> {
    let required = context.manifest.settings_schema.get("required").and_then(Value::as_array);
    let mut differences = Vec::new();
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let mut settings = context.settings.clone();
        settings.shift_remove(name);
        match context.configure(settings) {
            Ok(_) => {
                differences.push(Difference::new(format!("settings without {name}"), "refused", "accepted"))
            }
            Err(refusal) => {
                let named =
                    refusal.pointer.as_deref() == Some(&format!("/{name}")) || refusal.message.contains(name);
                if !named {
                    differences.push(Difference::new(
                        format!("refusal of settings without {name}"),
                        "its name",
                        refusal.message,
                    ));
                }
            }
        }
    }
    differences
}

pub(crate) fn refusals_contain_no_secret(context: &ProbeContext<'_>) -> Vec<Difference> {
    const CANARY: &str = "canary-4f0e9c1b7a";
    let mut differences = Vec::new();
    for name in secret_setting_names(&context.manifest.settings_schema) {
        for value in [malformed(CANARY), json!({ CANARY: CANARY })] {
            let mut settings = context.settings.clone();
            settings.insert(name.to_owned(), value);
            if let Err(refusal) = context.configure(settings)
                && (refusal.message.contains(CANARY)
                    || refusal.pointer.is_some_and(|pointer| pointer.contains(CANARY)))
            {
                differences.push(Difference::new(
                    format!("refusal of {name}"),
                    "a text without the value",
                    "a text that contains it",
                ));
            }
        }
    }
    differences
}
