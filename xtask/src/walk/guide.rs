//! The commands and changes of a chapter, in its order.

use anyhow::{Result, ensure};

/// Something that the reader is told to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A line to type, from a block of `sh`.
    Command(String),
    /// A change to make, a block of `diff`.
    Change(String),
}

/// The steps of the chapter that starts with this heading.
pub fn steps(page: &str, heading: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut block: Option<(&str, String)> = None;
    for line in chapter(page, heading) {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(language)) => block = Some((language, String::new())),
            (None, None) => {}
            (Some(_), Some("")) => {
                if let Some((language, text)) = block.take() {
                    steps.extend(steps_of(language, text));
                }
            }
            (Some((_, text)), _) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    ensure!(block.is_none(), "a block of code has no closing fence");
    ensure!(!steps.is_empty(), "no chapter `{heading}` with commands or changes");
    Ok(steps)
}

/// The commands among the steps.
pub fn commands(steps: &[Step]) -> impl Iterator<Item = &str> {
    steps.iter().filter_map(|step| match step {
        Step::Command(command) => Some(command.as_str()),
        Step::Change(_) => None,
    })
}

/// The lines that the changes among the steps add.
pub fn lines(steps: &[Step]) -> usize {
    let is_added = |line: &&str| line.starts_with('+') && !line.starts_with("+++ ");
    let of = |step: &Step| match step {
        Step::Command(_) => 0,
        Step::Change(change) => change.lines().filter(is_added).count(),
    };
    steps.iter().map(of).sum()
}

fn chapter<'a>(page: &'a str, heading: &'a str) -> impl Iterator<Item = &'a str> {
    page.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "))
}

fn steps_of(language: &str, text: String) -> Vec<Step> {
    match language {
        "sh" => text.lines().map(|line| Step::Command(line.to_owned())).collect(),
        "diff" => vec![Step::Change(text)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Guide\n```sh\nnot this\n```\n## Walk\nFirst\n```sh\none\ntwo\n```\n```yaml\na: 1\n```\n```diff\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-old\n+new\n+\n```\n## Next\n```sh\nnot this\n```\n";

    #[test]
    fn steps_are_those_of_the_chapter_in_its_order() {
        let steps = steps(PAGE, "## Walk").unwrap();
        let change = "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-old\n+new\n+\n";
        assert_eq!(
            steps,
            [Step::Command("one".into()), Step::Command("two".into()), Step::Change(change.into())]
        );
        assert_eq!((commands(&steps).collect::<Vec<_>>(), lines(&steps)), (vec!["one", "two"], 2));
    }

    #[test]
    fn a_missing_or_incomplete_chapter_is_an_error() {
        assert!(steps(PAGE, "## Run").is_err());
        assert!(steps("## Walk\n```sh\nls\n", "## Walk").is_err());
    }
}
