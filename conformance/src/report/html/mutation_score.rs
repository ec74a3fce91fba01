//! The mutation score: every mutant and the case that detects it.

use std::fmt;

use crate::report::escaped::Escaped;
use crate::report::mutation_score::{MutantReport, MutantResult, MutationScore};

/// The mutation score; no section if the report has none.
pub(super) struct MutationScoreSection<'a>(pub(super) Option<&'a MutationScore>);

impl fmt::Display for MutationScoreSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(score) = self.0 else { return Ok(()) };
        writeln!(
            f,
            "<section aria-labelledby=\"mutation-score\">\n<h2 id=\"mutation-score\">Mutation score</h2>"
        )?;
        writeln!(
            f,
            "<p>The suite changed the behaviour of host or plugin in {} ways, one at a time; its cases detected {}.</p>",
            score.killed + score.survived,
            score.killed
        )?;
        let mutants =
            |fits: fn(&MutantResult) -> bool| score.mutants.iter().filter(move |mutant| fits(&mutant.result));
        let survived = mutants(|result| matches!(result, MutantResult::Survived));
        let killed = mutants(|result| matches!(result, MutantResult::Killed { .. }));
        let unsupported = mutants(|result| matches!(result, MutantResult::Unsupported { .. }));
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
        "<table class=\"stacked\" aria-label=\"Mutants: {word}\">\n<thead><tr><th scope=\"col\">Mutant</th><th scope=\"col\">Profile</th><th scope=\"col\">Result</th></tr></thead>\n<tbody>"
    )?;
    for mutant in mutants {
        write!(
            f,
            "<tr><th scope=\"row\">{}<br><code>{}</code></th><td>{}</td>",
            Escaped(&mutant.description),
            Escaped(&mutant.mutant),
            mutant.profile
        )?;
        match &mutant.result {
            MutantResult::Killed { by } => {
                writeln!(f, "<td>detected by <code>{}</code></td></tr>", Escaped(by))?
            }
            MutantResult::Survived => writeln!(f, "<td class=\"got\">no case detects it</td></tr>")?,
            MutantResult::Unsupported { reason } => writeln!(f, "<td>{}</td></tr>", Escaped(reason))?,
        }
    }
    writeln!(f, "</tbody>\n</table>\n</details>")
}
