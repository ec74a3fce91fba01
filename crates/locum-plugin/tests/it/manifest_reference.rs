//! The manifest reference in `docs/` is generated from the code. `LOCUM_BLESS=1` writes it.

use std::fs;
use std::path::Path;

use locum_plugin::abi::manifest::{CONTRACT, Manifest};
use schemars::generate::SchemaSettings;
use serde_json::Value;

#[test]
fn the_reference_agrees_with_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manifest-reference.md");
    let stated = page();
    if std::env::var_os("LOCUM_BLESS").is_some() {
        fs::write(&path, &stated).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == stated,
        "docs/manifest-reference.md differs from the code; run this test with LOCUM_BLESS=1"
    );
}

#[test]
fn every_member_and_every_form_has_a_meaning() {
    let page = page();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() > 30, "{page}");
    assert_eq!(rows.iter().find(|row| row.contains("|  |")), None);
}

fn page() -> String {
    let schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Manifest>().to_value();
    let mut page = format!(
        "# Manifest reference\n\n\
         What a plugin states about itself in `manifest.json`. A test generates this page from the doc comments of \
         `locum-abi`: edit those.\n\
         Authors use `ApiType` and `Lifetime`, and the SDK writes the file. \
         [contract.md](contract.md#the-manifest)\n\
         says what the host does with each member. This is contract {CONTRACT}.\n"
    );
    section(&mut page, "Manifest", &schema);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        section(&mut page, name, definition);
    }
    page
}

fn section(page: &mut String, name: &str, schema: &Value) {
    page.push_str(&format!("\n## {name}\n\n{}\n\n", meaning(schema)));
    let forms = schema["oneOf"].as_array();
    if let Some(forms) = forms {
        page.push_str("| one of | meaning |\n|---|---|\n");
        for form in forms {
            page.push_str(&format!("| {} | {} |\n", example(form), meaning(form)));
        }
    }
    match (forms, schema["properties"].as_object()) {
        (Some(_), None) => return,
        // Members that stand beside each of the forms.
        (Some(_), Some(_)) => page.push_str("\nwith:\n\n| member | type | meaning |\n|---|---|---|\n"),
        (None, _) => page.push_str("| member | type | meaning |\n|---|---|---|\n"),
    }
    for (member, property) in schema["properties"].as_object().into_iter().flatten() {
        let required = if is_required(schema, member) { ", required" } else { "" };
        page.push_str(&format!("| `{member}` | {}{required} | {} |\n", kind(property), meaning(property)));
    }
}

fn is_required(schema: &Value, member: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|name| name == member))
}

/// One of several forms, as JSON, with the meaning of its members.
fn example(form: &Value) -> String {
    if let Some(text) = form["const"].as_str() {
        return format!("`\"{text}\"`");
    }
    let members =
        form["properties"].as_object().into_iter().flatten().map(|(name, property)| match property["const"]
            .as_str()
        {
            Some(text) => format!("\"{name}\": \"{text}\""),
            None => format!("\"{name}\": …"),
        });
    let mut example = format!("`{{{}}}`", members.collect::<Vec<_>>().join(", "));
    for (name, property) in form["properties"].as_object().into_iter().flatten() {
        if property.get("const").is_none() {
            let optional = if is_required(form, name) { "" } else { ", optional" };
            example.push_str(&format!("<br>`{name}`{optional}: {}", meaning(property)));
        }
    }
    example
}

/// The type of a member, in words; a link if the type has its own section.
fn kind(property: &Value) -> String {
    let link = |reference: &str| {
        let name = reference.rsplit('/').next().unwrap_or_default();
        format!("[{name}](#{})", name.to_lowercase())
    };
    match (property["$ref"].as_str(), property["type"].as_str(), property["anyOf"].get(0)) {
        (Some(reference), _, _) => link(reference),
        (None, Some("array"), _) => format!("list of {}", kind(&property["items"])),
        (None, Some("integer"), _) => "integer".to_owned(),
        (None, Some("string"), _) => "string".to_owned(),
        (None, None, Some(one)) => kind(one),
        (None, None, None) => "JSON Schema".to_owned(),
        (None, Some(other), _) => other.to_owned(),
    }
}

/// The doc comment, as prose.
fn meaning(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace('\n', " ").replace("[`", "`").replace("`]", "`").replace('|', "\\|")
}
