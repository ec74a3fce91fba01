//! Holds an answer against what a step expects; every difference is named.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::credential::DecodedCredential;
use crate::exchange::{Response, Transcript};
use crate::fixture::{ExpectedAnswer, ExpectedBody, ExpectedCredential, ExpectedRefusal};
use crate::variables::{UnknownVariable, Variables};

/// One difference between what was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// What differs.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Difference {
    pub(crate) fn new(what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { what: what.into(), expected: expected.into(), got: got.into() }
    }
}

/// All that a judgement is made of.
pub(crate) struct Actual<'a> {
    pub(crate) transcript: &'a Transcript,
    /// The credential of the answer, or why none could be read.
    pub(crate) credential: Option<&'a Result<DecodedCredential, String>>,
    /// The credentials of the steps before, by step.
    pub(crate) earlier: &'a [Option<DecodedCredential>],
    pub(crate) variables: &'a Variables,
    /// Requests that the script has for the upstream.
    pub(crate) scripted_calls: usize,
}

type CaseResult = Result<(), UnknownVariable>;

/// The differences between an answer and what was expected of it.
///
/// # Errors
/// If the expectation names a variable that there is not.
pub(crate) fn differences(
    expected: &ExpectedAnswer,
    actual: &Actual<'_>,
) -> Result<Vec<Difference>, UnknownVariable> {
    let mut judge = Comparison { variables: actual.variables, differences: Vec::new() };
    let response = &actual.transcript.response;
    if response.status != expected.status {
        judge.differs("status", expected.status.to_string(), response.status.to_string());
        judge.reason(actual.transcript);
    }
    judge.headers(expected, response)?;
    if let Some(refusal) = &expected.refusal {
        judge.refusal(refusal, response)?;
    }
    if let Some(body) = &expected.body {
        judge.body(body, response)?;
    }
    match (&expected.credential, actual.credential) {
        (None, _) => {}
        (Some(_), None) => judge.differs("credential", "one", "none"),
        (Some(_), Some(Err(why))) => judge.differs("credential", "one that can be read", why),
        (Some(wanted), Some(Ok(decoded))) => judge.credential(wanted, decoded, actual.earlier)?,
    }
    judge.internals(expected, actual)?;
    Ok(judge.differences)
}

struct Comparison<'a> {
    variables: &'a Variables,
    differences: Vec<Difference>,
}

impl Comparison<'_> {
    fn differs(&mut self, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        self.differences.push(Difference::new(what, expected, got));
    }

    /// What only the log was told helps whoever looks for the reason of another status.
    fn reason(&mut self, transcript: &Transcript) {
        let events = transcript.internals.iter().flat_map(|internals| &internals.audit);
        if let Some(internals) = events.filter_map(|event| event.get("inside")?.as_str()).next() {
            self.differs("reason in the audit event", "none", internals);
        }
    }

    fn headers(&mut self, expected: &ExpectedAnswer, response: &Response) -> CaseResult {
        for (name, wanted) in &expected.headers {
            let name = name.to_ascii_lowercase();
            let got: Vec<&str> = response.header(&name).collect();
            let what = format!("header {name}");
            match (wanted, got.as_slice()) {
                (None, []) => {}
                (None, got) => self.differs(what, "absent", got.join(", ")),
                (Some(wanted), [got]) if self.text_agrees(wanted, got)? => {}
                (Some(wanted), got) => {
                    let got = if got.is_empty() { "absent".to_owned() } else { got.join(", ") };
                    self.differs(what, self.shown(wanted)?, got);
                }
            }
        }
        Ok(())
    }

    /// A text agrees as itself, or as the number that it spells.
    fn text_agrees(&self, wanted: &str, got: &str) -> Result<bool, UnknownVariable> {
        let wanted = Value::String(wanted.to_owned());
        let as_text = self.variables.agrees(&wanted, &Value::String(got.to_owned()))?;
        let as_number = match got.parse::<i64>() {
            Ok(number) => self.variables.agrees(&wanted, &number.into())?,
            Err(_) => false,
        };
        Ok(as_text || as_number)
    }

    fn shown(&self, wanted: &str) -> Result<String, UnknownVariable> {
        self.variables.text(wanted)
    }

    fn refusal(&mut self, expected: &ExpectedRefusal, response: &Response) -> CaseResult {
        let Some(body) = response.object() else {
            self.differs("body", "a refusal", "no JSON object");
            return Ok(());
        };
        self.member("error", &Value::String(expected.error.clone()), body.get("error"))?;
        if let Some(says) = &expected.says {
            let says = self.shown(says)?;
            let description = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
            if !description.contains(&says) {
                self.differs("error_description", format!("a text with `{says}` in it"), description);
            }
        }
        Ok(())
    }

    fn body(&mut self, expected: &ExpectedBody, response: &Response) -> CaseResult {
        if let Some(text) = &expected.text {
            let text = self.shown(text)?;
            if response.body != text {
                self.differs("body", text, response.body.clone());
            }
        }
        self.never_holds("body", &expected.never_holds, &response.body)?;
        if expected.members.is_empty() && expected.lacks.is_empty() {
            return Ok(());
        }
        let Some(body) = response.object() else {
            self.differs("body", "a JSON object", response.body.clone());
            return Ok(());
        };
        for (name, wanted) in &expected.members {
            self.member(name, wanted, at(&body, name).as_ref())?;
        }
        for name in &expected.lacks {
            self.member(name, &Value::Null, at(&body, name).as_ref())?;
        }
        Ok(())
    }

    fn credential(
        &mut self,
        expected: &ExpectedCredential,
        decoded: &DecodedCredential,
        earlier: &[Option<DecodedCredential>],
    ) -> CaseResult {
        if let Some(text) = &expected.text {
            let text = self.shown(text)?;
            if decoded.text != text {
                self.differs("credential", text, decoded.text.clone());
            }
        }
        // One that states no start starts with its request.
        let issued_at = decoded.issued_at.unwrap_or(self.variables.now.earliest);
        let lifetime = decoded.expires_at.map(|to| to - issued_at);
        self.number("lifetime of the credential", expected.lifetime_seconds.as_ref(), lifetime)?;
        self.number("start of the credential", expected.issued_at.as_ref(), Some(issued_at))?;
        self.number("end of the credential", expected.expires_at.as_ref(), decoded.expires_at)?;
        if let Some(wanted) = &expected.header {
            let header = decoded.header.clone().map(Value::Object).unwrap_or_default();
            self.value("header of the credential", &Value::Object(wanted.clone()), &header)?;
        }
        for (name, wanted) in &expected.claims {
            self.member(&format!("claim {name}"), wanted, decoded.claim(name).as_ref())?;
        }
        if let Some(wanted) = &expected.only_claims {
            self.only_claims(wanted, &decoded.claims);
        }
        for (name, [from, to]) in &expected.within {
            self.within(name, from, to, decoded.claim(name).as_ref())?;
        }
        self.never_holds("credential", &expected.never_holds, &decoded.in_the_open())?;
        self.against_earlier(expected, decoded, earlier);
        Ok(())
    }

    fn against_earlier(
        &mut self,
        expected: &ExpectedCredential,
        decoded: &DecodedCredential,
        earlier: &[Option<DecodedCredential>],
    ) {
        let of_step =
            |step: usize| earlier.get(step.checked_sub(1)?)?.as_ref().map(|decoded| decoded.text.as_str());
        if let Some(step) = expected.same_as_step
            && of_step(step) != Some(decoded.text.as_str())
        {
            self.differs("credential", format!("that of step {step}"), "another");
        }
        if let Some(step) = expected.differs_from_step
            && of_step(step).is_none_or(|text| text == decoded.text)
        {
            self.differs("credential", format!("another than that of step {step}"), "the same");
        }
    }

    fn only_claims(&mut self, wanted: &[String], claims: &Map<String, Value>) {
        let sorted = |mut names: Vec<&str>| {
            names.sort_unstable();
            names.join(", ")
        };
        let wanted = sorted(wanted.iter().map(String::as_str).collect());
        let got = sorted(claims.keys().map(String::as_str).collect());
        if wanted != got {
            self.differs("names of the claims", wanted, got);
        }
    }

    fn within(&mut self, name: &str, from: &Value, to: &Value, got: Option<&Value>) -> CaseResult {
        let bound = |value: &Value| Ok(self.variables.value(value)?.as_f64());
        let (from, to) = (bound(from)?, bound(to)?);
        let got_number = got.and_then(Value::as_f64);
        let internals =
            got_number.zip(from).zip(to).is_some_and(|((got, from), to)| from <= got && got <= to);
        if !internals {
            let wanted = format!("{} to {}", from.unwrap_or(f64::NAN), to.unwrap_or(f64::NAN));
            self.differs(format!("claim {name}"), wanted, written(got));
        }
        Ok(())
    }

    fn never_holds(&mut self, what: &str, texts: &[String], place: &str) -> CaseResult {
        for text in texts {
            let text = self.shown(text)?;
            if place.contains(&text) {
                self.differs(what, format!("nothing of `{text}`"), "a text that holds it");
            }
        }
        Ok(())
    }

    fn number(&mut self, what: &str, wanted: Option<&Value>, got: Option<i64>) -> CaseResult {
        match wanted {
            None => Ok(()),
            Some(wanted) => self.value(what, wanted, &got.map(Value::from).unwrap_or_default()),
        }
    }

    fn member(&mut self, name: &str, wanted: &Value, got: Option<&Value>) -> CaseResult {
        if wanted.is_null() && got.is_some() {
            self.differs(name, "absent", written(got));
            return Ok(());
        }
        self.value(name, wanted, got.unwrap_or(&Value::Null))
    }

    fn value(&mut self, what: &str, wanted: &Value, got: &Value) -> CaseResult {
        if !self.variables.agrees(wanted, got)? {
            let wanted = self.variables.value(wanted)?;
            self.differs(what, written(Some(&wanted)), written(Some(got)));
        }
        Ok(())
    }

    fn internals(&mut self, expected: &ExpectedAnswer, actual: &Actual<'_>) -> CaseResult {
        let Some(internals) = &actual.transcript.internals else { return Ok(()) };
        for deviation in &internals.upstream_deviations {
            self.differs("upstream", "the script", deviation);
        }
        let wanted = expected.upstream_calls.unwrap_or(actual.scripted_calls);
        if internals.upstream_calls != wanted {
            self.differs("upstream requests", wanted.to_string(), internals.upstream_calls.to_string());
        }
        if expected.audit.is_empty() {
            return Ok(());
        }
        let [event] = internals.audit.as_slice() else {
            self.differs("audit events", "1", internals.audit.len().to_string());
            return Ok(());
        };
        for (name, wanted) in &expected.audit {
            self.member(&format!("audit event's {name}"), wanted, event.get(name))?;
        }
        Ok(())
    }
}

fn at(body: &Map<String, Value>, name: &str) -> Option<Value> {
    match name.strip_prefix('/') {
        None => body.get(name).cloned(),
        Some(_) => Value::Object(body.clone()).pointer(name).cloned(),
    }
}

fn written(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "absent".to_owned(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
