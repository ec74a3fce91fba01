//! Variants: one fixture file that yields one case per named value.

use serde_json::{Map, Value};

/// The field of a fixture that names the values.
pub(super) const FIELD: &str = "variants";

/// What a placeholder starts with: `${variant}` or `${variant.member}`.
const OPENING: &str = "${variant";

/// The fixtures of a document with variants: each variant's name, and the document with its values filled in.
///
/// # Errors
/// What is wrong with the variants.
pub(super) fn expanded(mut document: Map<String, Value>) -> Result<Vec<(String, Value)>, String> {
    let Some(Value::Object(variants)) = document.shift_remove(FIELD) else {
        return Err(format!("`{FIELD}` must map names to values"));
    };
    if variants.len() < 2 {
        return Err(format!("`{FIELD}` needs two variants or more"));
    }
    let document = Value::Object(document);
    let mut cases: Vec<(String, Value)> = Vec::new();
    for (name, value) in variants {
        if !is_kebab_case(&name) {
            return Err(format!("the variant's name `{name}` must be in kebab case"));
        }
        let mut filling = Filling { variant: &name, value: &value, used: Vec::new() };
        let filled = filling.value(&document)?;
        filling.check_used()?;
        if let Some((other, _)) = cases.iter().find(|(_, other)| *other == filled) {
            return Err(format!("the variants `{other}` and `{name}` are the same case"));
        }
        cases.push((name, filled));
    }
    Ok(cases)
}

/// Whether a text holds a placeholder for a variant's value.
pub(super) fn has_placeholder(text: &str) -> bool {
    text.contains(OPENING)
}

/// Words of lower-case letters and digits between hyphens.
pub(super) fn is_kebab_case(name: &str) -> bool {
    name.split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// Fills one variant into a document.
struct Filling<'a> {
    variant: &'a str,
    value: &'a Value,
    /// The members that placeholders name; an empty name is the whole value.
    used: Vec<String>,
}

impl Filling<'_> {
    fn value(&mut self, value: &Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let filled = members.iter().map(|(name, member)| {
                    let name = written(&self.text(name)?);
                    Ok((name, self.value(member)?))
                });
                filled.collect::<Result<Map<_, _>, String>>().map(Value::Object)
            }
            other => Ok(other.clone()),
        }
    }

    /// A text that is one placeholder and nothing else takes the type of the value.
    fn text(&mut self, text: &str) -> Result<Value, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPENING) {
            let (member, after) = after
                .split_once('}')
                .ok_or_else(|| format!("`{text}` opens a placeholder and does not close it"))?;
            let value = self.placeholder(member)?;
            if before.is_empty() && after.is_empty() && filled.is_empty() {
                return Ok(value.clone());
            }
            filled.push_str(before);
            filled.push_str(&written(value));
            rest = after;
        }
        filled.push_str(rest);
        Ok(Value::String(filled))
    }

    /// The value for what stands between `${variant` and `}`.
    fn placeholder(&mut self, member: &str) -> Result<&Value, String> {
        if member.is_empty() {
            self.used.push(String::new());
            return Ok(self.value);
        }
        let name =
            member.strip_prefix('.').ok_or_else(|| format!("`{OPENING}{member}}}` is no placeholder"))?;
        self.used.push(name.to_owned());
        self.value.get(name).ok_or_else(|| format!("the variant `{}` has no member `{name}`", self.variant))
    }

    fn check_used(&self) -> Result<(), String> {
        if self.used.is_empty() {
            return Err(format!("nothing uses the variants: write `{OPENING}}}` where their values belong"));
        }
        if self.used.iter().any(String::is_empty) {
            return Ok(());
        }
        let mut members = self.value.as_object().into_iter().flat_map(Map::keys);
        match members.find(|member| !self.used.contains(member)) {
            Some(unused) => {
                Err(format!("nothing uses the member `{unused}` of the variant `{}`", self.variant))
            }
            None => Ok(()),
        }
    }
}

/// A value inside a text.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cases(document: Value) -> Result<Vec<(String, Value)>, String> {
        let Value::Object(document) = document else { panic!("an object") };
        expanded(document)
    }

    #[test]
    fn each_variant_is_a_case_with_its_value_filled_in() {
        let cases = cases(json!({
            "variants": { "a-number": 7, "a-text": "x" },
            "request": { "scope": "${variant}", "${variant}": "says ${variant}." },
        }));
        let number = json!({ "request": { "scope": 7, "7": "says 7." } });
        let text = json!({ "request": { "scope": "x", "x": "says x." } });
        assert_eq!(cases.unwrap(), [("a-number".to_owned(), number), ("a-text".to_owned(), text)]);
    }

    #[test]
    fn a_variant_with_members_fills_each_by_its_name() {
        let cases = cases(json!({
            "variants": { "one": { "sent": [1], "says": "list" }, "two": { "sent": null, "says": "null" } },
            "sent": "${variant.sent}",
            "expect": "${variant.says}",
        }));
        let expected = [json!({ "sent": [1], "expect": "list" }), json!({ "sent": null, "expect": "null" })];
        assert_eq!(cases.unwrap().into_iter().map(|(_, case)| case).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_wrong_with_the_variants_is_named() {
        let refused = |document: Value| cases(document).unwrap_err();
        assert_eq!(
            refused(json!({ "variants": { "one": 1, "two": 2 }, "a": "b" })),
            "nothing uses the variants: write `${variant}` where their values belong"
        );
        assert_eq!(
            refused(json!({ "variants": { "one": 1, "two": 1 }, "a": "${variant}" })),
            "the variants `one` and `two` are the same case"
        );
        assert_eq!(
            refused(json!({ "variants": { "one": { "a": 1 }, "two": { "b": 1 } }, "a": "${variant.a}" })),
            "the variant `two` has no member `a`"
        );
        assert_eq!(
            refused(json!({ "variants": { "one": { "a": 1, "b": 1 }, "two": 2 }, "a": "${variant.a}" })),
            "nothing uses the member `b` of the variant `one`"
        );
        assert_eq!(
            refused(json!({ "variants": { "One": 1, "two": 2 }, "a": "${variant}" })),
            "the variant's name `One` must be in kebab case"
        );
        assert_eq!(
            refused(json!({ "variants": { "one": 1 }, "a": "${variant}" })),
            "`variants` needs two variants or more"
        );
        assert_eq!(
            refused(json!({ "variants": { "one": 1, "two": 2 }, "a": "${variants}" })),
            "`${variants}` is no placeholder"
        );
    }
}
