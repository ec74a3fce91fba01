//! Lines of a template that are only in some plugins: those between `@if NAME@` or `@if not NAME@` and `@end@`.

/// The text with the lines whose conditions are met. `is_met` tells whether the condition of a name is.
pub(crate) fn selected(template: &str, is_met: impl Fn(&str) -> bool) -> String {
    let mut selected = String::with_capacity(template.len());
    let mut open: Vec<bool> = Vec::new();
    for line in template.split_inclusive('\n') {
        match condition(line) {
            Some(Condition::If(name)) => open.push(is_met(name)),
            Some(Condition::IfNot(name)) => open.push(!is_met(name)),
            Some(Condition::End) => drop(open.pop()),
            None if open.iter().all(|is_met| *is_met) => selected.push_str(line),
            None => {}
        }
    }
    selected
}

enum Condition<'a> {
    If(&'a str),
    IfNot(&'a str),
    End,
}

fn condition(line: &str) -> Option<Condition<'_>> {
    match line.trim().strip_prefix('@')?.strip_suffix('@')? {
        "end" => Some(Condition::End),
        other => {
            let name = other.strip_prefix("if ")?;
            Some(name.strip_prefix("not ").map_or(Condition::If(name), Condition::IfNot))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_selected_by_all_conditions_around_them() {
        let template = "a\n@if x@\nb\n  @if not y@\nc @name@\n  @end@\n@end@\n@if not x@\nd\n@end@\ne\n";
        for (met, expected) in
            [(&["x"][..], "a\nb\nc @name@\ne\n"), (&["x", "y"], "a\nb\ne\n"), (&[], "a\nd\ne\n")]
        {
            assert_eq!(selected(template, |name| met.contains(&name)), expected, "{met:?}");
        }
    }
}
