//! Scopes, and what the answer says about them.

use crate::token_exchange::answer::Answer;
use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::Changed;
use crate::token_exchange::case::Strength::Must;
use crate::token_exchange::catalogue::given;
use crate::token_exchange::finding::Finding;
use crate::token_exchange::need::Need;

/// Not a scope: RFC 6749 section 3.3 has no quotation marks.
const MALFORMED: &str = "locum\"conformance";

const UNKNOWN: &str = "locum-conformance-unknown-scope";

/// Where a server may ignore scopes.
const IGNORED: &str =
    "scopes may be ignored in part or entirely, if the answer says so in `scope` (RFC 6749 §3.3)";

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.scope.granted",
        title: "Scopes of the settings are granted; scope is absent, or names them.",
        requirement: "RFC 6749 §3.3, RFC 8693 §2.2.1",
        strength: Must,
        otherwise: IGNORED,
        needs: &[Need::Scope],
        check: Changed(
            |request, inputs| request.with("scope", given(&inputs.settings.scope)),
            |answer, inputs| {
                if let Err(difference) = answer.granted() {
                    return Finding::Differs(difference);
                }
                let Some(granted) = scopes_of(answer) else { return Finding::AsRequired };
                let mut requested = words(given(&inputs.settings.scope));
                requested.sort_unstable();
                if granted == requested {
                    return Finding::AsRequired;
                }
                Finding::Otherwise(format!("scope is {}", answer.shown("scope")))
            },
        ),
    },
    Case {
        id: "tx.scope.refused",
        title: "A scope that the client does not get is refused as invalid_scope.",
        requirement: "RFC 6749 §3.3, §5.2",
        strength: Must,
        otherwise: IGNORED,
        needs: &[Need::RefusedScope],
        check: Changed(
            |request, inputs| request.with("scope", given(&inputs.settings.refused_scope)),
            |answer, inputs| refused_or_ignored(answer, given(&inputs.settings.refused_scope)),
        ),
    },
    Case {
        id: "tx.scope.unknown",
        title: "A scope that no server knows is refused as invalid_scope.",
        requirement: "RFC 6749 §3.3, §5.2",
        strength: Must,
        otherwise: IGNORED,
        needs: &[],
        check: Changed(
            |request, _| request.with("scope", UNKNOWN),
            |answer, _| refused_or_ignored(answer, UNKNOWN),
        ),
    },
    Case {
        id: "tx.scope.malformed",
        title: "A scope with characters that no scope has is refused as invalid_scope.",
        requirement: "RFC 6749 §3.3, §5.2",
        strength: Must,
        otherwise: IGNORED,
        needs: &[],
        check: Changed(
            |request, _| request.with("scope", MALFORMED),
            |answer, _| refused_or_ignored(answer, MALFORMED),
        ),
    },
];

fn words(scope: &str) -> Vec<String> {
    scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The scopes that the answer names, sorted; `None` if those that were requested are granted.
fn scopes_of(answer: &Answer) -> Option<Vec<String>> {
    let mut scopes = words(answer.text("scope")?);
    scopes.sort_unstable();
    Some(scopes)
}

fn refused_or_ignored(answer: &Answer, scope: &str) -> Finding {
    let is_refused = answer.response.status == 400 && answer.text("error") == Some("invalid_scope");
    let names_it = |granted: Vec<String>| granted.iter().any(|word| words(scope).contains(word));
    let is_ignored = answer.is_granted() && scopes_of(answer).is_some_and(|granted| !names_it(granted));
    match (is_refused, is_ignored) {
        (true, _) => Finding::AsRequired,
        (_, true) => Finding::Otherwise(format!("scope is {}", answer.shown("scope"))),
        _ if answer.is_granted() => {
            let got = format!("200 with access_token, and scope {}", answer.shown("scope"));
            Finding::differs("answer", "400 invalid_scope", got)
        }
        _ => Finding::differs("answer", "400 invalid_scope", answer.summary()),
    }
}
