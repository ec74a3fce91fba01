//! The kill score: faults put into the plugin's way, and which case noticed each.

use std::fmt;

use super::super::escaped::Escaped;
use super::super::{Fate, KillScore, MutantReport};

/// The kill score; nothing if nobody asked for one.
pub(super) struct TheKillScore<'a>(pub(super) Option<&'a KillScore>);

impl fmt::Display for TheKillScore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(score) = self.0 else { return Ok(()) };
        writeln!(f, "<section aria-labelledby=\"kill-score\">\n<h2 id=\"kill-score\">Kill score</h2>")?;
        writeln!(
            f,
            "<p>The suite put {} faults between host and plugin, one at a time; its cases noticed {}.</p>",
            score.killed + score.survived,
            score.killed
        )?;
        let mutants = |fits: fn(&Fate) -> bool| score.mutants.iter().filter(move |mutant| fits(&mutant.fate));
        let survived = mutants(|fate| matches!(fate, Fate::Survived));
        let killed = mutants(|fate| matches!(fate, Fate::Killed { .. }));
        let unsupported = mutants(|fate| matches!(fate, Fate::Unsupported { .. }));
        write_group(f, "failed", "survived", " open", survived)?;
        write_group(f, "passed", "killed", "", killed)?;
        write_group(f, "unsupported", "unsupported", "", unsupported)?;
        writeln!(f, "</section>")
    }
}

fn write_group<'a>(
    f: &mut fmt::Formatter<'_>,
    class: &str,
    word: &str,
    open: &str,
    mutants: impl Iterator<Item = &'a MutantReport>,
) -> fmt::Result {
    let mutants: Vec<_> = mutants.collect();
    if mutants.is_empty() {
        return Ok(());
    }
    writeln!(f, "<details{open}>\n<summary class=\"{class}\">{} {word}</summary>", mutants.len())?;
    writeln!(
        f,
        "<table class=\"stacked\" aria-label=\"Mutants: {word}\">\n<thead><tr><th scope=\"col\">Fault</th><th scope=\"col\">Profile</th><th scope=\"col\">What became of it</th></tr></thead>\n<tbody>"
    )?;
    for mutant in mutants {
        write!(
            f,
            "<tr><th scope=\"row\">{}<br><code>{}</code></th><td>{}</td>",
            Escaped(&mutant.fault),
            Escaped(&mutant.mutant),
            mutant.profile
        )?;
        match &mutant.fate {
            Fate::Killed { by } => writeln!(f, "<td>noticed by <code>{}</code></td></tr>", Escaped(by))?,
            Fate::Survived => writeln!(f, "<td class=\"got\">no case noticed it</td></tr>")?,
            Fate::Unsupported { reason } => writeln!(f, "<td>{}</td></tr>", Escaped(reason))?,
        }
    }
    writeln!(f, "</tbody>\n</table>\n</details>")
}
