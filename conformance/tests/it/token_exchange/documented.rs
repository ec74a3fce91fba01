//! The documentation of the profile says what the code does. `LOCUM_BLESS=1` writes its table of cases.

use std::fs;
use std::path::PathBuf;

use locum_conformance::{TokenExchangeSettings, token_exchange_cases, token_exchange_schema};
use tempfile::TempDir;

use crate::plugin_files::workspace;

const BEGIN: &str = "<!-- cases -->\n";
const END: &str = "<!-- /cases -->\n";

fn page() -> PathBuf {
    workspace().join("docs/token-exchange-conformance.md")
}

#[test]
fn the_documented_cases_are_those_of_the_code() {
    let text = fs::read_to_string(page()).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let stated = format!("{before}{BEGIN}\n{}\n{END}{after}", token_exchange_cases());
    if std::env::var_os("LOCUM_BLESS").is_some() {
        fs::write(page(), &stated).unwrap();
    } else {
        assert!(text == stated, "the table differs from the code; run this test with LOCUM_BLESS=1");
    }
}

#[test]
fn every_field_of_the_settings_is_documented() {
    let text = fs::read_to_string(page()).unwrap();
    let schema = token_exchange_schema();
    let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert!(fields.len() > 10);
    for field in fields {
        assert!(text.contains(&format!("| `{field}` |")), "{field}");
    }
}

#[test]
fn the_documented_settings_can_be_read() {
    let text = fs::read_to_string(page()).unwrap();
    let examples: Vec<&str> =
        text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 2);
    let folder = TempDir::new().unwrap();
    for example in examples {
        let path = folder.path().join("settings.yaml");
        fs::write(&path, example).unwrap();
        let read = TokenExchangeSettings::read(&path, &|name| Some(format!("value of {name}")));
        assert!(read.is_ok(), "{}\n{example}", read.unwrap_err());
    }
}
