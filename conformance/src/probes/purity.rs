//! Is the issuer a pure function: do equal grants give equal credentials?

use crate::probes::answered::differences;
use crate::probes::context::{Found, ProbeContext};
use crate::report::Difference;

const ADVICE: &str = "as of the first issuer; use the time and the entropy of the grant, and no other";

/// The differences between two issuers that are configured alike and get the same grant.
pub(crate) async fn equal_grants_give_equal_credentials(context: &ProbeContext<'_>) -> Found {
    let request = context.request()?;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let issuer = context.issuer_for(&request)?;
        let answered = context.ask(&*issuer, &request).await?;
        if let Some(why) = answered.refusal() {
            return Ok(vec![Difference::new("credential", "a credential", why)]);
        }
        answers.push(context.parts(&answered));
    }
    let [first, second] = answers.as_slice() else { return Ok(Vec::new()) };
    Ok(differences("second issuer", first, second, &[], ADVICE))
}
