//! The reduced plugin specs: without cases beside them, and also without what they expect of requests and credentials.

/// The keys of what the author expects of the plugin.
const EXPECTATIONS: [&str; 2] = ["request:", "issued:"];

/// A `plugin.yaml` for a folder without cases.
pub fn without_cases(spec: &str) -> String {
    let lines = spec.lines().map(|line| if line.starts_with("cases: ") { "cases: 0" } else { line });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The same, with each `request:` of an exchange and each `issued:` made empty.
pub fn without_expectations(spec: &str) -> String {
    let mut kept = String::new();
    // The column of the key whose members are left out.
    let mut inside: Option<usize> = None;
    for line in spec.lines() {
        let indent = line.len() - line.trim_start().len();
        if inside.is_some_and(|column| indent > column || line.trim().is_empty()) {
            continue;
        }
        inside = None;
        let key = line.trim_start().trim_start_matches("- ");
        let text = match line.strip_suffix(key) {
            Some(before) if EXPECTATIONS.contains(&key) => {
                inside = Some(before.len());
                format!("{before}{key} {{}}")
            }
            _ => line.to_owned(),
        };
        kept.push_str(&text);
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "plugin: a
cases: 7
issuers:
  a:
    upstream:
      - request:
          url: https://a.example.com
          jwt:
            at: form:x

        outcome: { reply: { status: 200 } }
      - &second
        request:
          method: POST
        outcome: { reply: { status: 200 } }
      - *second
    issued:
      claims: { sub: x }
    features: []
";

    #[test]
    fn a_folder_without_cases_counts_none() {
        assert_eq!(without_cases(SPEC), SPEC.replace("cases: 7", "cases: 0"));
    }

    #[test]
    fn expectations_are_made_empty_and_outcomes_stay() {
        let kept = "plugin: a
cases: 7
issuers:
  a:
    upstream:
      - request: {}
        outcome: { reply: { status: 200 } }
      - &second
        request: {}
        outcome: { reply: { status: 200 } }
      - *second
    issued: {}
    features: []
";
        assert_eq!(without_expectations(SPEC), kept);
    }
}
