//! A mutation score: every mutant and the case that detects it.

use std::fmt;

use crate::report::escaped::Escaped;
use crate::report::mutation_score::{MutantReport, MutantResult, MutationScore, ScoreKind};

/// One score.
pub(super) struct MutationScoreSection<'a>(pub(super) ScoreKind, pub(super) &'a MutationScore);

impl fmt::Display for MutationScoreSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, score) = self;
        let id = kind.id();
        writeln!(
            f,
            "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">Mutation score: {}</h2>",
            Escaped(kind.title())
        )?;
        let changed = match kind {
            ScoreKind::Engine => "the behaviour of host or plugin",
            ScoreKind::Requests => "the requests of the plugin to its upstreams",
        };
        writeln!(
            f,
            "<p>The suite changed {changed} in {} ways, one at a time; its cases detected {}.</p>",
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
            mutant.profile.map(|profile| profile.to_string()).unwrap_or_default()
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
