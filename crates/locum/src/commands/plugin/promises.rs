//! What changes between two manifests, as lines: an operator agrees to the new one before it runs.

use serde_json::{Map, Value};

/// The lines of the old manifest that the new one does not have, with `-`, and the other way round with `+`. Sorted, so that
/// a line is beside the one that it replaces.
pub(super) fn difference(old: &Value, new: &Value) -> Vec<String> {
    let (old, new) = (lines(old), lines(new));
    let removed = old.iter().filter(|line| !new.contains(line)).map(|line| (line, '-'));
    let added = new.iter().filter(|line| !old.contains(line)).map(|line| (line, '+'));
    let mut changed: Vec<(&(String, String), char)> = removed.chain(added).collect();
    changed.sort_by_key(|((name, value), sign)| (name, *sign == '+', value));
    changed.into_iter().map(|((name, value), sign)| format!("{sign} {name} {value}")).collect()
}

/// What a manifest states: pairs of a name and a value, which is JSON. Members that this version does not know are shown
/// like all others.
fn lines(manifest: &Value) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (name, value) in manifest.as_object().into_iter().flatten() {
        match value {
            Value::Array(issuers) if name == "issuers" => {
                issuers.iter().filter_map(Value::as_object).for_each(|issuer| of_issuer(issuer, &mut lines));
            }
            value => add(name.clone(), value, &mut lines),
        }
    }
    lines
}

fn of_issuer(issuer: &Map<String, Value>, lines: &mut Vec<(String, String)>) {
    let api_type = issuer.get("api_type").and_then(Value::as_str).unwrap_or_default();
    for (member, value) in issuer {
        add(format!("{api_type}: {member}"), value, lines);
    }
}

/// A list has a line for each item, a schema one for each property.
fn add(name: String, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| lines.push((name.clone(), json(item)))),
        Value::Object(schema) if schema.contains_key("properties") => {
            for (member, value) in schema {
                match value {
                    Value::Object(properties) if member == "properties" => {
                        for (property, value) in properties {
                            lines.push((format!("{name} {}", json(&property.as_str().into())), json(value)));
                        }
                    }
                    value => lines.push((format!("{name} {member}"), json(value))),
                }
            }
        }
        value => lines.push((name, json(value))),
    }
}

/// JSON escapes what could control a terminal, except for characters beyond ASCII.
fn json(value: &Value) -> String {
    let mut ascii = String::new();
    for char in value.to_string().chars() {
        if char.is_control()
            || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
        {
            ascii.extend(char.escape_unicode());
        } else {
            ascii.push(char);
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Value {
        json!({
            "contract": 1, "name": "aws", "version": "1.0.0", "vendor": "V",
            "issuers": [{
                "api_type": "aws", "lifetime": {"minimum_seconds": 1, "maximum_seconds": 60},
                "revocation": "not_revocable", "upstreams": [{"kind": "host", "host": "sts.amazonaws.com"}],
                "settings_schema": {"type": "object", "properties": {"role": {"type": "string"}}, "required": ["role"]},
            }],
        })
    }

    #[test]
    fn each_promise_that_changes_is_a_line() {
        let issuer = "/issuers/0";
        for (pointer, value, lines) in [
            ("/version", json!("1.1.0"), &["- version \"1.0.0\"", "+ version \"1.1.0\""][..]),
            (
                "/issuers/0/upstreams",
                json!([{"kind": "host", "host": "sts.amazonaws.com"}, {"kind": "host", "host": "evil.example.com"}]),
                &["+ aws: upstreams {\"kind\":\"host\",\"host\":\"evil.example.com\"}"],
            ),
            (
                "/issuers/0/lifetime/maximum_seconds",
                json!(90),
                &[
                    "- aws: lifetime {\"minimum_seconds\":1,\"maximum_seconds\":60}",
                    "+ aws: lifetime {\"minimum_seconds\":1,\"maximum_seconds\":90}",
                ],
            ),
            (
                "/issuers/0/revocation",
                json!("upstream"),
                &["- aws: revocation \"not_revocable\"", "+ aws: revocation \"upstream\""],
            ),
            (
                "/issuers/0/settings_schema/properties/role",
                json!({"type": "integer"}),
                &[
                    "- aws: settings_schema \"role\" {\"type\":\"string\"}",
                    "+ aws: settings_schema \"role\" {\"type\":\"integer\"}",
                ],
            ),
            (
                "/issuers/0/settings_schema/required",
                json!([]),
                &["- aws: settings_schema required [\"role\"]", "+ aws: settings_schema required []"],
            ),
        ] {
            let mut new = manifest();
            *new.pointer_mut(pointer).unwrap() = value;
            assert_eq!(difference(&manifest(), &new), lines, "{pointer}");
        }
        for (member, value, line) in [
            ("needs", json!(["tenant_signing_key"]), "+ aws: needs \"tenant_signing_key\""),
            ("signs_with", json!([{"setting": "key"}]), "+ aws: signs_with {\"setting\":\"key\"}"),
            (
                "reads",
                json!([{"kind": "attribute", "name": "email"}]),
                "+ aws: reads {\"kind\":\"attribute\",\"name\":\"email\"}",
            ),
        ] {
            let mut new = manifest();
            new.pointer_mut(issuer).unwrap()[member] = value;
            assert_eq!(difference(&manifest(), &new), [line], "{member}");
            assert_eq!(difference(&new, &manifest()), [line.replacen('+', "-", 1)], "{member}");
        }
    }

    #[test]
    fn a_new_and_a_missing_api_type_are_shown_and_equal_manifests_are_not() {
        assert_eq!(difference(&manifest(), &manifest()), [""; 0]);
        let mut new = manifest();
        new["issuers"][0]["api_type"] = json!("aws2");
        let changed = difference(&manifest(), &new);
        assert!(changed.contains(&"- aws: api_type \"aws\"".to_owned()), "{changed:?}");
        assert!(changed.contains(&"+ aws2: api_type \"aws2\"".to_owned()), "{changed:?}");
    }

    #[test]
    fn a_manifest_cannot_control_the_terminal() {
        let mut new = manifest();
        new["vendor"] = json!("\u{1b}[2J\n\u{9b}\u{202e}ok");
        assert_eq!(difference(&manifest(), &new)[1], r#"+ vendor "\u001b[2J\n\u{9b}\u{202e}ok""#);
    }
}
