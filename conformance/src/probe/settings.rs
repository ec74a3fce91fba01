//! Are bad settings refused, by name, and without repeating a secret?

use serde_json::{Value, json};

use super::{ProbeContext, is_secret};
use crate::comparison::Difference;

/// No schema of a sensible setting takes this.
fn misshapen(canary: &str) -> Value {
    json!([{ "misshapen": [canary] }])
}

pub(super) fn wrong_types_are_refused(bench: &ProbeContext<'_>) -> Vec<Difference> {
    let mut taken = Vec::new();
    for (name, _) in bench.settings_schema() {
        let mut settings = bench.settings.clone();
        settings.insert(name.to_owned(), misshapen("value"));
        let pointer = format!("/{name}");
        match bench.configure(settings) {
            Ok(_) => {
                taken.push(Difference::new(format!("setting {name} of a wrong type"), "refused", "taken"))
            }
            Err(refusal) if refusal.pointer.as_deref().is_some_and(|own| own.starts_with(&pointer)) => {}
            Err(refusal) => taken.push(Difference::new(
                format!("pointer of the refusal of {name}"),
                pointer,
                refusal.pointer.unwrap_or_else(|| "absent".to_owned()),
            )),
        }
    }
    taken
}

pub(super) fn missing_settings_are_refused(bench: &ProbeContext<'_>) -> Vec<Difference> {
    let required = bench.manifest.settings_schema.get("required").and_then(Value::as_array);
    let mut taken = Vec::new();
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let mut settings = bench.settings.clone();
        settings.shift_remove(name);
        match bench.configure(settings) {
            Ok(_) => taken.push(Difference::new(format!("settings without {name}"), "refused", "taken")),
            Err(refusal) => {
                let named =
                    refusal.pointer.as_deref() == Some(&format!("/{name}")) || refusal.message.contains(name);
                if !named {
                    taken.push(Difference::new(
                        format!("refusal of settings without {name}"),
                        "its name",
                        refusal.message,
                    ));
                }
            }
        }
    }
    taken
}

pub(super) fn refusals_repeat_no_secret(bench: &ProbeContext<'_>) -> Vec<Difference> {
    const CANARY: &str = "canary-4f0e9c1b7a";
    let mut repeated = Vec::new();
    for (name, _) in bench.settings_schema().filter(|(_, property)| is_secret(property)) {
        for value in [misshapen(CANARY), json!({ CANARY: CANARY })] {
            let mut settings = bench.settings.clone();
            settings.insert(name.to_owned(), value);
            if let Err(refusal) = bench.configure(settings)
                && (refusal.message.contains(CANARY)
                    || refusal.pointer.is_some_and(|pointer| pointer.contains(CANARY)))
            {
                repeated.push(Difference::new(
                    format!("refusal of {name}"),
                    "nothing of the value",
                    "a text that holds it",
                ));
            }
        }
    }
    repeated
}
