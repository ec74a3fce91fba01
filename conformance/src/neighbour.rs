//! What two cases differ in, apart from what they expect.

use serde_json::Value;

use crate::fixture::Fixture;

/// The fields, as JSON pointers, in which what is given and asked differs. A member that only one of them has counts
/// once, however much stands in it.
pub(crate) fn differing_fields(accepted: &Fixture, refused: &Fixture) -> Vec<String> {
    let mut differing = Vec::new();
    let given = |fixture: &Fixture| serde_json::to_value(&fixture.given).unwrap_or_default();
    compare(&given(accepted), &given(refused), &mut "/given".to_owned(), &mut differing);
    // A case whose settings are refused ends before its first step: there, what is given is all there is.
    if !accepted.steps.is_empty() && !refused.steps.is_empty() {
        let (of_accepted, of_refused) = (steps(accepted, refused), steps(refused, refused));
        compare(&of_accepted, &of_refused, &mut "/steps".to_owned(), &mut differing);
    }
    differing
}

/// The steps without what they expect, and without the upstream's part where the refused case expects no upstream call:
/// there is nothing to script there.
fn steps(fixture: &Fixture, refused: &Fixture) -> Value {
    let steps = fixture.steps.iter().enumerate().map(|(index, step)| {
        let mut step = serde_json::to_value(step).unwrap_or_default();
        let calls_nobody =
            refused.steps.get(index).is_some_and(|step| step.upstream.is_none() && step.expect.status >= 400);
        if let Some(members) = step.as_object_mut() {
            members.shift_remove("expect");
            if calls_nobody {
                members.shift_remove("upstream");
            }
        }
        step
    });
    Value::Array(steps.collect())
}

fn compare(one: &Value, other: &Value, pointer: &mut String, differing: &mut Vec<String>) {
    match (one, other) {
        // Of an upstream's outcomes one is chosen: another choice is one change.
        (Value::Object(one), Value::Object(other))
            if pointer.ends_with("/outcome") && !one.keys().eq(other.keys()) =>
        {
            differing.push(pointer.clone());
        }
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => below(one, other, name, pointer, differing),
                    // A `null` in a patch takes something away: it is not the same as nothing.
                    _ => differing.push(format!("{pointer}/{name}")),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (a, b)) in one.iter().zip(other).enumerate() {
                below(a, b, &index.to_string(), pointer, differing);
            }
        }
        (one, other) if one == other => {}
        _ => differing.push(pointer.clone()),
    }
}

fn below(one: &Value, other: &Value, name: &str, pointer: &mut String, differing: &mut Vec<String>) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(name);
    compare(one, other, pointer, differing);
    pointer.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::read;

    fn differing(one: &str, other: &str) -> Vec<String> {
        let fixture = |rest: &str| read("a.yaml", &format!("description: A.\nprofile: errors\n{rest}"));
        differing_fields(&fixture(one).unwrap(), &fixture(other).unwrap())
    }

    #[test]
    fn an_expectation_is_no_difference() {
        let step = |status: u16| format!("steps: [{{ expect: {{ status: {status} }} }}]");
        assert!(differing(&step(200), &step(400)).is_empty());
    }

    #[test]
    fn each_changed_field_is_named() {
        let one = "given: { settings: { a: 1 } }\nsteps: [{ request: { parameters: { b: x } }, expect: { status: 200 } }]";
        let other = "given: { settings: { a: 2 } }\nsteps: [{ request: { parameters: { b: y } }, expect: { status: 400 } }]";
        assert_eq!(differing(one, one), Vec::<String>::new());
        assert_eq!(differing(one, other), ["/given/settings/a", "/steps/0/request/parameters/b"]);
    }

    #[test]
    fn a_refused_case_that_calls_nobody_need_not_repeat_the_upstream() {
        let upstream = "upstream: [{ outcome: { reply: { status: 200 } } }]";
        let one = format!("steps: [{{ {upstream}, expect: {{ status: 200 }} }}]");
        let other = "steps: [{ request: { ip: 192.0.2.1 }, expect: { status: 400 } }]";
        assert_eq!(differing(&one, other), ["/steps/0/request/ip"]);
        let accepted = other.replace("400", "200");
        assert_eq!(differing(&one, &accepted), ["/steps/0/request/ip", "/steps/0/upstream"]);
    }

    #[test]
    fn a_member_that_only_one_has_counts_once() {
        let one = "given: { settings: {} }\nsteps: [{ expect: { status: 200 } }]";
        let other = "given: { settings: { a: { b: 1, c: 2 } } }\nsteps: [{ expect: { status: 400 } }]";
        assert_eq!(differing(one, other), ["/given/settings/a"]);
        assert_eq!(differing(one, &other.replace("{ b: 1, c: 2 }", "null")), ["/given/settings/a"]);
    }
}
