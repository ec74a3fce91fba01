//! Runs the cases against a token endpoint.

use std::time::Instant;

use crate::cases::redacted_failure::redacted_differences;
use crate::exchange::redaction::redacted;
use crate::profile::Profile;
use crate::report::{CaseRecord, CaseResult, Difference, Failure, Verdict};
use crate::selection::selects;
use crate::token_exchange::answer::Answer;
use crate::token_exchange::case::{Case, Check, Strength};
use crate::token_exchange::catalogue::{EXCHANGE, cases};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::{Inputs, unmet};
use crate::token_exchange::need::Need;
use crate::token_exchange::request::TokenRequest;
use crate::token_exchange::session::{Exchanged, Session, issued_tokens};

/// What ends the name of a group of cases, such as `tx.scope`.
const GROUP_END: char = '.';

/// The cases that a run was asked for; all if it names none.
pub(crate) struct Selection<'a>(pub(crate) &'a [String]);

impl Selection<'_> {
    /// A name that selects nothing.
    pub(crate) fn unknown(&self) -> Option<&str> {
        let names = self.0.iter().map(String::as_str);
        names.into_iter().find(|name| !cases().any(|case| selects(name, case.id, GROUP_END)))
    }

    fn contains(&self, id: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| selects(name, id, GROUP_END))
    }
}

/// Runs the selected cases, one after the other.
pub(crate) async fn run_cases(session: &Session, selection: &Selection<'_>) -> Vec<CaseResult> {
    let first = first_exchange(session).await;
    let mut results = Vec::new();
    for case in cases().filter(|case| selection.contains(case.id)) {
        let started = Instant::now();
        let verdict = Run { session, first: &first, case }.verdict().await;
        results.push(CaseResult {
            case: case.id.to_owned(),
            profile: Profile::TokenExchange,
            description: format!("{} ({}, {})", case.title, case.strength, case.requirement),
            verdict,
            record: CaseRecord { duration: started.elapsed(), exchanges: Vec::new() },
        });
    }
    results
}

/// The exchange that the settings describe, on which all cases build.
struct FirstExchange<'a> {
    inputs: Inputs<'a>,
    exchanged: Exchanged,
}

async fn first_exchange(session: &Session) -> Result<FirstExchange<'_>, String> {
    let inputs = Inputs::obtain(&session.settings, &[])?;
    let exchanged = session.send(inputs.request()).await?;
    Ok(FirstExchange { inputs, exchanged })
}

/// One case that is being run.
struct Run<'a> {
    session: &'a Session,
    first: &'a Result<FirstExchange<'a>, String>,
    case: &'static Case,
}

impl Run<'_> {
    async fn verdict(&self) -> Verdict {
        let Session { settings, endpoint, metadata, .. } = self.session;
        if let Some(why) = self.case.needs.iter().find_map(|need| unmet(*need, settings, endpoint)) {
            return Verdict::NotRun(why);
        }
        match &self.case.check {
            Check::Metadata(check) => match metadata {
                Ok(metadata) => self.verdict_for(check(&metadata.members, self.session), None),
                Err(why) => Verdict::NotRun(format!("needs metadata: {why}")),
            },
            Check::Endpoint(check) => self.verdict_for(check(endpoint), None),
            Check::Granted(reading) => match self.granted_first() {
                Ok(first) => match first.inputs.not_a_jwt(self.case.needs) {
                    Some(why) => Verdict::NotRun(why),
                    None => self.read(&first.exchanged, &first.inputs, *reading),
                },
                Err(verdict) => *verdict,
            },
            Check::Changed(change, reading) => {
                self.sent(|inputs| change(inputs.request(), inputs), 0, *reading).await
            }
            Check::Repeated(reading) => self.sent(|inputs| inputs.request(), 1, *reading).await,
            Check::Refused(change, refusal) => {
                let reading = |answer: &Answer, _: &Inputs<'_>| refusal.compared_with(answer);
                self.sent(|inputs| change(inputs.request(), inputs), 0, reading).await
            }
        }
    }

    /// The first exchange, if it succeeded; else the verdict, since a server that refuses everything shows nothing.
    fn granted_first(&self) -> Result<&FirstExchange<'_>, Box<Verdict>> {
        let is_that_case = self.case.id == EXCHANGE;
        let why = match self.first {
            Ok(first) if is_that_case || first.exchanged.answer.is_granted() => return Ok(first),
            Ok(first) => format!("it is answered {}", first.exchanged.answer.summary()),
            Err(why) if is_that_case => {
                return Err(Box::new(failed("answer", "200 with access_token", why)));
            }
            Err(why) => why.clone(),
        };
        let why = format!("needs the exchange of the settings: {why}; see {EXCHANGE}");
        Err(Box::new(Verdict::NotRun(why)))
    }

    /// Sends a request after this number of equal ones, and reads the answer.
    async fn sent(
        &self,
        request: impl Fn(&Inputs<'_>) -> TokenRequest,
        before: usize,
        reading: impl Fn(&Answer, &Inputs<'_>) -> Finding,
    ) -> Verdict {
        if let Err(verdict) = self.granted_first() {
            return *verdict;
        }
        let inputs = match Inputs::obtain(&self.session.settings, self.case.needs) {
            Ok(inputs) => inputs,
            Err(why) => return failed("token", "a token", &why),
        };
        if let Some(why) = inputs.not_a_jwt(self.case.needs) {
            return Verdict::NotRun(why);
        }
        for _ in 0..before {
            if let Err(why) = self.session.send(request(&inputs)).await {
                return failed("answer", "an answer", &why);
            }
        }
        match self.session.send(request(&inputs)).await {
            Ok(exchanged) => self.read(&exchanged, &inputs, reading),
            Err(why) => failed("answer", "an answer", &why),
        }
    }

    fn read(
        &self,
        exchanged: &Exchanged,
        inputs: &Inputs<'_>,
        reading: impl Fn(&Answer, &Inputs<'_>) -> Finding,
    ) -> Verdict {
        let answer = &exchanged.answer;
        if answer.response.status == 429 {
            let wait = answer.response.header("retry-after").next().unwrap_or("unknown");
            return Verdict::NotRun(format!("the server limits the rate of requests (Retry-After: {wait})"));
        }
        if self.case.needs.contains(&Need::JwtAnswer) && answer.claims().is_none() {
            return Verdict::NotRun(match answer.is_granted() {
                true => "needs an issued token that is a JWT".to_owned(),
                false => format!("needs an issued token, and the request is answered {}", answer.summary()),
            });
        }
        self.verdict_for(reading(answer, inputs), Some((exchanged, inputs)))
    }

    fn verdict_for(&self, finding: Finding, shown: Option<(&Exchanged, &Inputs<'_>)>) -> Verdict {
        let Case { requirement, strength, otherwise, .. } = self.case;
        let secrets = shown.map(|(exchanged, inputs)| {
            inputs.secrets().into_iter().chain(issued_tokens(&exchanged.answer)).collect::<Vec<_>>()
        });
        let secrets = secrets.unwrap_or_default();
        match finding {
            Finding::AsRequired => Verdict::Passed,
            Finding::NotShown(why) => Verdict::NotRun(why),
            Finding::Otherwise(what) => {
                Verdict::AllowedOtherwise(format!("{}; allowed: {otherwise}", redacted(&what, &secrets)))
            }
            Finding::Differs(difference) => {
                let differences = redacted_differences(vec![difference], &secrets);
                match strength {
                    Strength::Must => Verdict::Failed(Failure {
                        step: 1,
                        differences,
                        exchange: shown
                            .map(|(exchanged, inputs)| self.session.shown(exchanged, inputs.secrets())),
                    }),
                    Strength::Should => {
                        Verdict::Warned(format!("{}; {requirement} recommends it", listed(&differences)))
                    }
                    Strength::May => Verdict::AllowedOtherwise(format!(
                        "{}; {requirement} leaves it open",
                        listed(&differences)
                    )),
                }
            }
        }
    }
}

/// A case without an answer fails, however strongly the answer is required.
fn failed(what: &str, expected: &str, got: &str) -> Verdict {
    Verdict::Failed(Failure { step: 1, ..Failure::of(vec![Difference::new(what, expected, got)]) })
}

fn listed(differences: &[Difference]) -> String {
    let lines = differences.iter();
    let lines =
        lines.map(|Difference { what, expected, got }| format!("{what}: expected {expected}, got {got}"));
    lines.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_selects_nothing_is_known() {
        let names = ["tx.answer".to_owned(), "tx.nothing".to_owned()];
        assert_eq!(Selection(&names).unknown(), Some("tx.nothing"));
        assert!(Selection(&[]).contains("tx.exchange") && !Selection(&names).contains("tx.exchange"));
    }
}
