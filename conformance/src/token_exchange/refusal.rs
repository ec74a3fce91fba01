//! How a request must be refused, and whether an answer does so.

use crate::token_exchange::answer::Answer;
use crate::token_exchange::finding::Finding;

/// An expected refusal: the error response of RFC 6749 section 5.2.
pub(crate) struct Refusal {
    /// The status, any of these.
    pub(crate) status: &'static [u16],
    /// The error code, any of these.
    pub(crate) codes: &'static [&'static str],
    /// Error codes that another paragraph allows.
    pub(crate) other_codes: &'static [&'static str],
}

impl Refusal {
    /// 400 with this error code.
    pub(crate) const fn of(codes: &'static [&'static str]) -> Self {
        Self { status: &[400], codes, other_codes: &[] }
    }

    /// The same, or with one of these codes.
    pub(crate) const fn or(self, other_codes: &'static [&'static str]) -> Self {
        Self { other_codes, ..self }
    }

    /// The same with one of these statuses.
    pub(crate) const fn with_status(self, status: &'static [u16]) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn compared_with(&self, answer: &Answer) -> Finding {
        let (status, code) = (answer.response.status, answer.text("error"));
        let has_status = self.status.contains(&status) && !answer.is_granted();
        let has = |codes: &[&str]| has_status && code.is_some_and(|code| codes.contains(&code));
        if has(self.codes) {
            Finding::AsRequired
        } else if has(self.other_codes) {
            Finding::Otherwise(answer.summary())
        } else {
            Finding::differs("answer", &self.summary(), answer.summary())
        }
    }

    /// `400 or 401 invalid_client`.
    fn summary(&self) -> String {
        let status: Vec<String> = self.status.iter().map(u16::to_string).collect();
        format!("{} {}", status.join(" or "), self.codes.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::message::Response;
    use crate::report::Difference;

    fn compared(status: u16, body: &str) -> Finding {
        let response = Response { status, headers: Vec::new(), body: body.to_owned() };
        let refusal = Refusal::of(&["invalid_request"]).or(&["invalid_grant"]);
        refusal.compared_with(&Answer::new(response, 0))
    }

    #[test]
    fn status_and_code_must_both_fit() {
        assert_eq!(compared(400, r#"{"error":"invalid_request"}"#), Finding::AsRequired);
        assert_eq!(
            compared(400, r#"{"error":"invalid_grant"}"#),
            Finding::Otherwise("400 invalid_grant".to_owned())
        );
        for (status, body, got) in [
            (401, r#"{"error":"invalid_request"}"#, "401 invalid_request"),
            (401, r#"{"error":"invalid_grant"}"#, "401 invalid_grant"),
            (400, r#"{"error":"invalid_client"}"#, "400 invalid_client"),
            (400, "", "400 without an error code"),
            (200, r#"{"access_token":"t"}"#, "200 with access_token"),
        ] {
            let difference = Difference::new("answer", "400 invalid_request", got);
            assert_eq!(compared(status, body), Finding::Differs(difference));
        }
    }
}
