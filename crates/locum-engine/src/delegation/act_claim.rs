//! The claim `act`: who acts for the user, and whom the subject token allows to (RFC 8693 sections 4.1 and 4.4).

use serde_json::{Map, Value};

use crate::delegation::actor::Actor;
use crate::delegation::authenticate::Authenticated;
use crate::limits::ACTORS_MAX;
use crate::refusal::Refusal;
use crate::strict_json::Node;
use crate::subject_token::Subject;

/// The claim `act` of what is issued: the actor of this request, and below it those of the subject token. `None` if nobody
/// acts for the user.
///
/// # Errors
/// The token allows somebody else to act for the user, more have acted than [`ACTORS_MAX`], or a claim is not one.
pub(super) fn act_claim(authenticated: &Authenticated<'_>) -> Result<Option<Value>, Refusal> {
    let Authenticated { subject, actor, request, .. } = authenticated;
    let parameter = request.subject.parameter;
    if let Some(may_act) = subject.claims.get("may_act") {
        check_may_act(may_act, subject, actor.as_ref(), parameter)?;
    }
    let earlier = match subject.claims.get("act") {
        None => None,
        Some(act) => {
            let foreign_issuer = (!subject.is_tenants).then(|| subject.issuer());
            let left = ACTORS_MAX - usize::from(actor.is_some());
            let act = copied(act, foreign_issuer, left);
            Some(act.map_err(|why| Refusal::invalid_grant(format!("{parameter} has an act claim {why}")))?)
        }
    };
    let Some(Actor { sub, issuer, is_tenants }) = actor else { return Ok(earlier) };
    let mut act = Map::from_iter([("sub".to_owned(), Value::from(sub.as_str()))]);
    if !is_tenants {
        act.insert("iss".to_owned(), issuer.as_str().into());
    }
    act.extend(earlier.map(|earlier| ("act".to_owned(), earlier)));
    Ok(Some(Value::Object(act)))
}

/// Checks that the actor is whom the token allows to act. What else `may_act` demands is not understood, so it refuses.
fn check_may_act(
    may_act: &Node<'_>,
    subject: &Subject<'_>,
    actor: Option<&Actor>,
    parameter: &str,
) -> Result<(), Refusal> {
    let Node::Object(members) = may_act else { return Err(not_understood(parameter)) };
    let is_known =
        members.iter().all(|(name, value)| matches!(name, "sub" | "iss") && value.as_text().is_some());
    let sub = members.get("sub").and_then(Node::as_text).filter(|_| is_known);
    let sub = sub.ok_or_else(|| not_understood(parameter))?;
    let issuer = members.get("iss").and_then(Node::as_text).unwrap_or(subject.issuer());
    match actor {
        Some(actor) if actor.sub == sub && actor.issuer == issuer => Ok(()),
        Some(_) => Err(Refusal::invalid_grant(format!(
            "{parameter} allows another actor than that of actor_token (may_act)"
        ))),
        None => Err(Refusal::invalid_grant(format!(
            "{parameter} may be exchanged only by an actor (may_act); send its token as actor_token to /oauth/token"
        ))),
    }
}

fn not_understood(parameter: &str) -> Refusal {
    Refusal::invalid_grant(format!("{parameter} has a may_act claim that is not understood"))
}

/// A copy of a claim `act` with `sub`, `iss` and `act`, and nothing else. In a token of another issuer, an actor without
/// `iss` is that issuer's.
fn copied(act: &Node<'_>, foreign_issuer: Option<&str>, left: usize) -> Result<Value, &'static str> {
    const WRONG: &str = "that is not an object with a sub";
    let left = left.checked_sub(1).ok_or("of too many actors")?;
    let Node::Object(members) = act else { return Err(WRONG) };
    let sub = members.get("sub").and_then(Node::as_text).ok_or(WRONG)?;
    let mut copy = Map::from_iter([("sub".to_owned(), Value::from(sub))]);
    let issuer = match members.get("iss") {
        None => foreign_issuer,
        Some(issuer) => Some(issuer.as_text().ok_or(WRONG)?),
    };
    copy.extend(issuer.map(|issuer| ("iss".to_owned(), issuer.into())));
    if let Some(earlier) = members.get("act") {
        copy.insert("act".to_owned(), copied(earlier, foreign_issuer, left)?);
    }
    Ok(Value::Object(copy))
}
