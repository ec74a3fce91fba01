//! Compares a response with the expectation of a step.

mod upstream_request;

use serde_json::{Map, Value};

use crate::cases::comparison::upstream_request::Verify;
use crate::exchange::credential::DecodedCredential;
use crate::exchange::message::{Response, Transcript};
use crate::fixtures::fixture::{
    ExpectedBody, ExpectedCredential, ExpectedRefusal, ExpectedResponse, UpstreamExchange,
};
use crate::fixtures::variables::{UnknownVariable, Variables};
use crate::report::Difference;

/// The actual result of a step.
pub(crate) struct Actual<'a> {
    pub(crate) transcript: &'a Transcript,
    /// The credential of the response, or why it cannot be decoded; `None` if no credential was due.
    pub(crate) credential: Option<&'a Result<DecodedCredential, String>>,
    /// The credentials of the earlier steps, by step.
    pub(crate) earlier: &'a [Option<DecodedCredential>],
    pub(crate) variables: &'a Variables,
    /// The upstream exchanges.
    pub(crate) script: &'a [UpstreamExchange],
    pub(crate) verify: Verify<'a>,
}

type Compared = Result<(), UnknownVariable>;

/// The differences between the expected response and the actual one.
///
/// # Errors
/// An unknown variable in the expectation.
pub(crate) fn differences(
    expected: &ExpectedResponse,
    actual: &Actual<'_>,
) -> Result<Vec<Difference>, UnknownVariable> {
    let mut comparison = Comparison { variables: actual.variables, differences: Vec::new() };
    let response = &actual.transcript.response;
    if response.status != expected.status {
        comparison.differs("status", expected.status.to_string(), response.status.to_string());
        comparison.reason(actual.transcript);
    }
    comparison.headers(expected, response)?;
    if let Some(refusal) = &expected.refusal {
        comparison.refusal(refusal, response)?;
    }
    if let Some(body) = &expected.body {
        comparison.body(body, response)?;
    }
    match (&expected.credential, actual.credential) {
        (None, _) => {}
        (Some(_), None) => comparison.differs("credential", "a credential", "none"),
        (Some(_), Some(Err(why))) => comparison.differs("credential", "one that can be decoded", why),
        (Some(wanted), Some(Ok(decoded))) => comparison.credential(wanted, decoded, actual.earlier)?,
    }
    comparison.internals(expected, actual)?;
    Ok(comparison.differences)
}

/// The differences between an issued credential and what every credential must hold.
///
/// # Errors
/// An unknown variable in the expectation.
pub(crate) fn credential_differences(
    expected: &ExpectedCredential,
    actual: &Actual<'_>,
) -> Result<Vec<Difference>, UnknownVariable> {
    let mut comparison = Comparison { variables: actual.variables, differences: Vec::new() };
    if let Some(Ok(decoded)) = actual.credential {
        comparison.credential(expected, decoded, actual.earlier)?;
    }
    Ok(comparison.differences)
}

struct Comparison<'a> {
    variables: &'a Variables,
    differences: Vec<Difference>,
}

impl Comparison<'_> {
    fn differs(&mut self, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        self.differences.push(Difference::new(what, expected, got));
    }

    /// The internal reason of a refusal explains an unexpected status.
    fn reason(&mut self, transcript: &Transcript) {
        let events = transcript.internals.iter().flat_map(|internals| &internals.audit);
        if let Some(internals) = events.filter_map(|event| event.get("inside")?.as_str()).next() {
            self.differs("reason in the audit event", "none", internals);
        }
    }

    fn headers(&mut self, expected: &ExpectedResponse, response: &Response) -> Compared {
        for (name, wanted) in &expected.headers {
            let name = name.to_ascii_lowercase();
            let got: Vec<&str> = response.header(&name).collect();
            let what = format!("header {name}");
            match (wanted, got.as_slice()) {
                (None, []) => {}
                (None, got) => self.differs(what, "absent", got.join(", ")),
                (Some(wanted), [got]) if self.text_agrees(wanted, got)? => {}
                (Some(wanted), [got]) if name == "retry-after" && self.has_shrunk_to(wanted, got) => {}
                (Some(wanted), got) => {
                    let got = if got.is_empty() { "absent".to_owned() } else { got.join(", ") };
                    self.differs(what, self.shown(wanted)?, got);
                }
            }
        }
        Ok(())
    }

    /// Whether a number of seconds is the expected one, less the time that the case may have taken.
    fn has_shrunk_to(&self, wanted: &str, got: &str) -> bool {
        let window = self.variables.now;
        let shrunk_by =
            wanted.parse::<i64>().ok().zip(got.parse::<i64>().ok()).map(|(wanted, got)| wanted - got);
        shrunk_by.is_some_and(|seconds| (0..=window.latest - window.earliest).contains(&seconds))
    }

    /// Whether a header value equals the expected text or number.
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

    fn refusal(&mut self, expected: &ExpectedRefusal, response: &Response) -> Compared {
        let Some(body) = response.object() else {
            self.differs("body", "a JSON object", "another body");
            return Ok(());
        };
        self.member("error", &Value::String(expected.error.clone()), body.get("error"))?;
        if let Some(says) = &expected.says {
            let says = self.shown(says)?;
            let description = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
            if !description.contains(&says) {
                self.differs("error_description", format!("a text that contains `{says}`"), description);
            }
        }
        Ok(())
    }

    fn body(&mut self, expected: &ExpectedBody, response: &Response) -> Compared {
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
    ) -> Compared {
        if let Some(text) = &expected.text {
            let text = self.shown(text)?;
            if decoded.text != text {
                self.differs("credential", text, decoded.text.clone());
            }
        }
        // A credential that states no start is valid from its request on.
        let issued_at = decoded.issued_at.unwrap_or(self.variables.now.earliest);
        self.lifetime(expected.lifetime_seconds.as_ref(), decoded)?;
        self.number("start of the credential", expected.issued_at.as_ref(), Some(issued_at))?;
        self.number("expiry of the credential", expected.expires_at.as_ref(), decoded.expires_at)?;
        if let Some(wanted) = &expected.header {
            let header = decoded.header.clone().map(Value::Object).unwrap_or_default();
            self.value("header of the credential", &Value::Object(wanted.clone()), &header)?;
        }
        for (name, wanted) in &expected.claims {
            self.member(&format!("claim {name}"), wanted, decoded.claim(name).as_ref())?;
        }
        if let Some(wanted) = &expected.only_claims
            && let Some((wanted, got)) = only_names(wanted, decoded.claims.keys().map(String::as_str))
        {
            self.differs("names of the claims", wanted, got);
        }
        for (name, [from, to]) in &expected.within {
            self.within(name, from, to, decoded.claim(name).as_ref())?;
        }
        self.never_holds("credential", &expected.never_holds, &decoded.as_searchable_text())?;
        self.compare_with_earlier(expected, decoded, earlier);
        Ok(())
    }

    fn lifetime(&mut self, wanted: Option<&Value>, decoded: &DecodedCredential) -> Compared {
        let now = self.variables.now;
        let (earliest, latest) = match decoded.issued_at {
            Some(issued_at) => (issued_at, issued_at),
            None => (now.earliest, now.latest),
        };
        if let (Some(wanted), Some(expires_at)) = (wanted, decoded.expires_at)
            && let Some(wanted) = self.variables.value(wanted)?.as_i64()
            && (expires_at - latest..=expires_at - earliest).contains(&wanted)
        {
            return Ok(());
        }
        self.number("lifetime of the credential", wanted, decoded.expires_at.map(|to| to - earliest))
    }

    fn compare_with_earlier(
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
            self.differs("credential", format!("the same as in step {step}"), "another");
        }
        if let Some(step) = expected.differs_from_step
            && of_step(step).is_none_or(|text| text == decoded.text)
        {
            self.differs("credential", format!("another than in step {step}"), "the same");
        }
    }

    fn within(&mut self, name: &str, from: &Value, to: &Value, got: Option<&Value>) -> Compared {
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

    fn never_holds(&mut self, what: &str, texts: &[String], searched: &str) -> Compared {
        for text in texts {
            let text = self.shown(text)?;
            if searched.contains(&text) {
                self.differs(what, format!("a text without `{text}`"), "a text that contains it");
            }
        }
        Ok(())
    }

    fn number(&mut self, what: &str, wanted: Option<&Value>, got: Option<i64>) -> Compared {
        match wanted {
            None => Ok(()),
            Some(wanted) => self.value(what, wanted, &got.map(Value::from).unwrap_or_default()),
        }
    }

    fn member(&mut self, name: &str, wanted: &Value, got: Option<&Value>) -> Compared {
        if wanted.is_null() && got.is_some() {
            self.differs(name, "absent", written(got));
            return Ok(());
        }
        self.value(name, wanted, got.unwrap_or(&Value::Null))
    }

    fn value(&mut self, what: &str, wanted: &Value, got: &Value) -> Compared {
        if !self.variables.agrees(wanted, got)? {
            let wanted = self.variables.value(wanted)?;
            self.differs(what, written(Some(&wanted)), written(Some(got)));
        }
        Ok(())
    }

    fn internals(&mut self, expected: &ExpectedResponse, actual: &Actual<'_>) -> Compared {
        let Some(internals) = &actual.transcript.internals else { return Ok(()) };
        self.upstream_requests(actual.script, &internals.upstream_requests, "", actual.verify)?;
        let exchanged = &internals.exchanged_upstream_requests;
        self.upstream_requests(actual.script, exchanged, " of /oauth/token", actual.verify)?;
        for difference in &internals.endpoint_differences {
            self.differs("both endpoints", "the same decision", difference);
        }
        let wanted = expected.upstream_calls.unwrap_or(actual.script.len());
        let got = internals.upstream_requests.len();
        if got != wanted {
            self.differs("upstream requests", wanted.to_string(), got.to_string());
        }
        if expected.audit.is_empty() {
            return Ok(());
        }
        let [event] = internals.audit.as_slice() else {
            self.differs("audit events", "1", internals.audit.len().to_string());
            return Ok(());
        };
        for (name, wanted) in &expected.audit {
            self.member(&format!("{name} of the audit event"), wanted, event.get(name))?;
        }
        Ok(())
    }
}

/// The names that are expected and those that are there, sorted, if they differ.
fn only_names<'n>(wanted: &[String], got: impl Iterator<Item = &'n str>) -> Option<(String, String)> {
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join(", ")
    };
    let (wanted, got) = (sorted(wanted.iter().map(String::as_str).collect()), sorted(got.collect()));
    (wanted != got).then_some((wanted, got))
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
