//! Answers word for word what its settings say: a plugin that breaks any rule of the messages on demand.
//!
//! It is made without the SDK, which would not let it. `answers` holds one text for each number of replies; in them,
//! `{configuration}` stands for the configuration it was created with and `{input}` for the input of the call, as JSON
//! strings. `failure` is its failure, `refusal` its refusal to be created.

use locum_abi::boundary::{AbiIssuer, BorrowedBytes, CallResult, IssuerBox, OwnedBytes, issuer_box};
use serde::Deserialize;

locum_abi::export_module! {
    describe: describe,
    create: create,
    manifest: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json")),
}

extern "C" fn describe() -> OwnedBytes {
    include_bytes!("../manifest.json").as_slice().into()
}

#[derive(Deserialize)]
struct Configuration {
    settings: Settings,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    answers: Vec<String>,
    failure: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Input {
    replies: Vec<serde::de::IgnoredAny>,
}

struct Parrot {
    settings: Settings,
    configuration: String,
}

extern "C" fn create(input: BorrowedBytes<'_>) -> CallResult<IssuerBox> {
    let Ok(Configuration { settings }) = serde_json::from_slice(input.as_slice()) else {
        return Err(b"no configuration".as_slice().into()).into();
    };
    match settings.refusal {
        Some(refusal) => Err(refusal.into_bytes().into()).into(),
        None => {
            let configuration = quoted(input.as_slice());
            Ok(issuer_box(Parrot { settings, configuration })).into()
        }
    }
}

impl AbiIssuer for Parrot {
    fn call(&self, _: u32, _: u64, _: BorrowedBytes<'_>, input: BorrowedBytes<'_>) -> CallResult<OwnedBytes> {
        if let Some(failure) = &self.settings.failure {
            return Err(failure.clone().into_bytes().into()).into();
        }
        let step = serde_json::from_slice::<Input>(input.as_slice()).map_or(0, |input| input.replies.len());
        let answers = &self.settings.answers;
        let answer = answers.get(step).or(answers.last()).map_or("", String::as_str);
        let answer = answer
            .replace("{configuration}", &self.configuration)
            .replace("{input}", &quoted(input.as_slice()));
        Ok(answer.into_bytes().into()).into()
    }
}

fn quoted(json: &[u8]) -> String {
    serde_json::Value::from(String::from_utf8_lossy(json)).to_string()
}
