//! Answers every call with the text in its settings, so that a test can break any rule of the messages.
//!
//! It does not use the SDK, which would prevent that. Its settings:
//! - `answers`: the n-th text is the answer to a call with n upstream replies and signatures, counted from 0; the last text
//!   also answers calls with more. `{configuration}` in a text is replaced by the configuration that `create` received, `{input}` by
//!   the input of the call, both as JSON strings.
//! - `failure`: if set, every call fails with this text.
//! - `failure_of_500`: if set, a call whose last reply has a status of 500 or above fails with this text.
//! - `refusal`: if set, `create` fails with this text.

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
    failure_of_500: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Input {
    replies: Vec<Reply>,
    #[serde(default)]
    signatures: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Reply {
    status: u16,
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
        let sent = serde_json::from_slice::<Input>(input.as_slice());
        let failed =
            sent.as_ref().ok().and_then(|input| input.replies.last()).is_some_and(|last| last.status >= 500);
        if let (true, Some(failure)) = (failed, &self.settings.failure_of_500) {
            return Err(failure.clone().into_bytes().into()).into();
        }
        let step = sent.map_or(0, |input| input.replies.len() + input.signatures.len());
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
