//! Do the values that an issuer has the host keep depend on the user for whom they were fetched?

use crate::exchange::parts::Parts;
use crate::probes::answered::{Answered, differences};
use crate::probes::context::{Found, NotRun, ProbeContext, ProbeRequest};

const ADVICE: &str = "a kept value serves all users of the add-on; fetch it without anything of the user, and keep nothing of a user";

/// Asks for the second user where the first one's request has kept values, and where the user's own has.
pub(crate) async fn kept_values(context: &ProbeContext<'_>) -> Found {
    let (first, second) = (context.request()?, context.request_of_second_user().await?);
    let (of_first, after_first) = ask_twice(context, &first, &second).await?;
    let (of_second, after_second) = ask_twice(context, &second, &second).await?;
    if let Some(why) = after_second.refusal() {
        return Err(NotRun(format!(
            "needs a plugin.yaml with which a second request succeeds too; state `method` and `url` of each exchange ({why})"
        )));
    }
    let mut found = Vec::new();
    let fetching = of_second.requests.len().saturating_sub(after_second.requests.len());
    let [by_first, by_second] = [of_first, of_second].map(|mut answered: Answered| {
        answered.requests.truncate(fetching);
        answered
    });
    let requests_of = |answered: &Answered| {
        let mut parts = Parts::default();
        for (index, request) in answered.requests.iter().enumerate() {
            parts.add_request(&format!("request {}", index + 1), request);
        }
        parts
    };
    found.extend(differences(
        "fetching what is kept",
        &requests_of(&by_second),
        &requests_of(&by_first),
        &[],
        ADVICE,
    ));
    found.extend(differences(
        "second user with what the first one's request kept",
        &context.parts(&after_second),
        &context.parts(&after_first),
        &[],
        ADVICE,
    ));
    Ok(found)
}

/// The answers to two requests at one add-on, in a process that serves nothing else.
async fn ask_twice(
    context: &ProbeContext<'_>,
    first: &ProbeRequest,
    second: &ProbeRequest,
) -> Result<(Answered, Answered), NotRun> {
    let both = context.in_fresh_process(first, async |issuer| {
        let answered = context.ask(issuer, first).await?;
        Ok((answered, context.ask(issuer, second).await?))
    });
    both.await?
}
