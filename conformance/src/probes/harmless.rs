//! What a hostile value must not change: the user, where upstream requests go, and the form of what is written.

use std::sync::Arc;

use locum_abi::upstream::UpstreamRequest;
use locum_engine::ports::Issuer;
use serde_json::Value;
use url::Url;

use crate::exchange::parts::Parts;
use crate::probes::answered::{Answered, fault};
use crate::probes::context::{NotRun, ProbeContext, ProbeRequest};
use crate::report::Difference;

/// A name that hostile values try to get into a request or a credential.
pub(crate) const INJECTED: &str = "injected";

/// How many characters of a hostile value are shown.
const SHOWN_CHARS_MAX: usize = 40;

/// How many characters are shown of what it has changed.
const GOT_CHARS_MAX: usize = 300;

/// How many hostile values that do harm are shown.
const SHOWN_MAX: usize = 6;

/// An issuer on the load of the run, and its answer to a request that succeeds.
///
/// # Errors
/// It does not succeed.
pub(crate) async fn succeeds(
    context: &ProbeContext<'_>,
    request: &ProbeRequest,
) -> Result<(Arc<dyn Issuer>, Answered), NotRun> {
    let issuer = context.issuer_for(request)?;
    let answered = context.ask(&*issuer, request).await?;
    match answered.refusal() {
        None => Ok((issuer, answered)),
        Some(why) => Err(NotRun(format!("needs a request that succeeds ({why})"))),
    }
}

/// A request that succeeds, with which those with hostile values are compared.
pub(crate) struct Baseline {
    answered: Answered,
    parts: Parts,
    /// The paths whose values identify the user.
    identifying: Vec<String>,
    /// How the author makes such a value harmless.
    advice: &'static str,
}

impl Baseline {
    /// What `is_identifying` says of a path and its value, besides values that are the user's id.
    pub(crate) fn of(
        context: &ProbeContext<'_>,
        answered: Answered,
        user_id: &str,
        is_identifying: fn(&str) -> bool,
        advice: &'static str,
    ) -> Self {
        let parts = context.parts(&answered);
        let identifying = parts.iter().filter(|(path, value)| *value == user_id || is_identifying(path));
        let identifying = identifying.map(|(path, _)| path.to_owned()).collect();
        Self { answered, parts, identifying, advice }
    }

    /// What a request with a hostile value has changed.
    pub(crate) fn harm(&self, context: &ProbeContext<'_>, of: &str, got: &Answered) -> Vec<Difference> {
        let mut harm = Vec::new();
        let mut add = |what: &str, expected: String, got: String| {
            let expected = format!("{expected} ({})", self.advice);
            let got: String = got.chars().take(GOT_CHARS_MAX).collect();
            harm.push(Difference::new(format!("{of}, {what}"), expected, got));
        };
        if let Some(fault) = got.issued.as_ref().err().and_then(fault) {
            add("answer", "a refusal, or the credential of the same user".to_owned(), fault);
        }
        for (index, request) in got.requests.iter().enumerate() {
            let what = format!("upstream request {}", index + 1);
            if let Some((expected, got)) = self.other_place(index, request) {
                add(&what, expected, got);
            }
            let mut texts = request.headers.iter().map(|(_, value)| value).chain([&request.url]);
            if texts.any(|text| text.chars().any(char::is_control)) {
                add(&what, "no control character in URL and headers".to_owned(), "one".to_owned());
            }
        }
        let parts = context.parts(got);
        if let Some((path, _)) =
            parts.iter().find(|(path, _)| path.split(['/', '@', '+']).any(|name| name == INJECTED))
        {
            add(path, "no such name".to_owned(), "a name that the value brought in".to_owned());
        }
        for path in self.identifying.iter().filter(|path| is_there(path, got)) {
            let (expected, got) = (self.parts.value(path), parts.value(path));
            if expected != got {
                add(path, expected.unwrap_or_default().to_owned(), got.unwrap_or("absent").to_owned());
            }
        }
        for (path, form) in self.parts.forms_lost_in(&parts).filter(|(path, _)| is_there(path, got)) {
            add(path, form.to_owned(), "a text that is not".to_owned());
        }
        harm
    }

    /// Where a request goes if not to the host and as deep as the one of the same number in the baseline.
    fn other_place(&self, index: usize, request: &UpstreamRequest) -> Option<(String, String)> {
        let place = |request: &UpstreamRequest| {
            let url = Url::parse(&request.url).ok()?;
            Some((url.origin().ascii_serialization(), url.path_segments()?.count()))
        };
        let (origin, depth) = place(request)?;
        match self.answered.requests.get(index) {
            Some(baseline) => {
                let (wanted, wanted_depth) = place(baseline)?;
                ((&origin, depth) != (&wanted, wanted_depth)).then(|| {
                    (format!("{wanted} and {wanted_depth} segments in the path"), request.url.clone())
                })
            }
            None => {
                let mut known = self.answered.requests.iter().filter_map(place);
                let is_known = self.answered.requests.is_empty() || known.any(|(known, _)| known == origin);
                (!is_known)
                    .then(|| ("a host that is asked without the value".to_owned(), request.url.clone()))
            }
        }
    }
}

/// Whether an answer has got as far as this part of another one.
fn is_there(path: &str, got: &Answered) -> bool {
    let of_request =
        path.strip_prefix("upstream request ").and_then(|rest| rest.split('/').next()?.parse().ok());
    of_request.map_or(got.issued.is_ok(), |number: usize| number <= got.requests.len())
}

/// The first of the harm that the values of a probe do, and the number of the others.
pub(crate) fn first_of(mut found: Vec<Difference>) -> Vec<Difference> {
    let further = found.len().saturating_sub(SHOWN_MAX);
    found.truncate(SHOWN_MAX);
    if further > 0 {
        found.push(Difference::new("further values", "harmless", format!("{further} that are not")));
    }
    found
}

/// A value as a report shows it.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    let start: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if start == text { text } else { format!("{start}… of {} bytes", text.len()) }
}
