//! Does an issuer answer equal requests equally in two processes, at two seconds of this machine's clock? It has no other
//! clock than the grant's, and what differs from process to process must not be in an answer.

use std::time::Duration;

use locum_engine::ports::Clock as _;
use locum_store::SystemClock;

use crate::probes::answered::differences;
use crate::probes::context::{Found, NotRun, ProbeContext};

const ADVICE: &str = "as in an earlier process; use the time and the entropy of the grant only, and no order of a `HashMap` or address";

/// What a wait lasts beyond the next second, so that it is over.
const MARGIN: Duration = Duration::from_millis(20);

/// Makes the request in a first process. Nothing else waits for the next second then: the cases run meanwhile.
pub(crate) async fn ask_early(context: &ProbeContext<'_>) {
    let Ok(request) = context.request() else { return };
    // By the end of the call, so that the next second has no part in it.
    if let Ok(answered) = context.ask_alone(&request).await {
        let answer = context.parts(&answered);
        context.earlier().keep(&context.manifest.api_type, SystemClock.now_unix_ms() / 1000, answer);
    }
}

/// Makes it in a second process, in a later second.
pub(crate) async fn two_processes(context: &ProbeContext<'_>) -> Found {
    let request = context.request()?;
    let Some((second, first)) = context.earlier().of(&context.manifest.api_type) else {
        // The reason why there was no first one holds for this one too.
        context.ask_alone(&request).await?;
        return Err(NotRun("needs an answer of a first process".to_owned()));
    };
    let now = SystemClock.now_unix_ms();
    if now / 1000 == second {
        tokio::time::sleep(Duration::from_millis(1000 - now % 1000) + MARGIN).await;
    }
    let (answered, random) = context.alone(&request).await?;
    if let Some(why) = answered.refusal() {
        return Err(NotRun(format!("needs a request that succeeds ({why})")));
    }
    Ok(differences("in a later process", &first, &context.parts(&answered), &random, ADVICE))
}
