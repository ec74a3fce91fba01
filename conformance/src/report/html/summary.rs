//! The top of the page: the verdict in a sentence, what was judged, and the sums.

use std::fmt;

use super::super::escaped::Escaped;
use super::super::{Counts, ImplementationReport, Report};
use super::cases;

/// Whether it passed, and why not.
pub(super) struct VerdictSection<'a>(pub(super) &'a Report);

impl fmt::Display for VerdictSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let counts = &report.counts;
        let ran = cases(counts.passed + counts.failed + counts.expected_failures);
        let survived = report.mutation_score.as_ref().map_or(0, |score| score.survived);
        let (class, word) = match (report.passed(), counts.failed) {
            (true, _) => ("good", "Passed"),
            (false, 0) => ("bad", "Not passed"),
            (false, _) => ("bad", "Failed"),
        };
        write!(f, "<p class=\"verdict {class}\"><strong>{word}</strong> <span>")?;
        match (counts.passed, counts.failed) {
            (0, 0) => write!(f, "No case passed, so this report proves nothing.")?,
            (passed, 0) => write!(f, "Nothing failed: {passed} of {ran} passed.")?,
            (_, failed) => write!(f, "<a href=\"#failures\">{failed} of {ran} failed</a>.")?,
        }
        if survived > 0 {
            write!(
                f,
                " The suite missed <a href=\"#mutation-score\">{} that it must notice</a>.",
                faults(survived)
            )?;
        }
        writeln!(f, "</span></p>")
    }
}

fn faults(count: usize) -> String {
    if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") }
}

/// Name, version, digest and the like.
pub(super) struct ImplementationSection<'a>(pub(super) &'a Report);

impl fmt::Display for ImplementationSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        writeln!(
            f,
            "<section aria-labelledby=\"subject\">\n<h2 id=\"subject\">What was judged</h2>\n<dl class=\"facts\">"
        )?;
        match &report.implementation {
            ImplementationReport::Plugin {
                file,
                sha256,
                name,
                version,
                vendor,
                contract,
                api_types,
                isolation,
            } => {
                write_fact(f, "Plugin", &format!("{name} {version}"))?;
                write_fact(f, "Vendor", vendor)?;
                write_exact(f, "File", file)?;
                write_exact(f, "SHA-256", sha256)?;
                write_exact(f, "Issues api_type", &api_types.join(", "))?;
                write_fact(f, "Contract", &format!("generation {contract}"))?;
                write_fact(f, "Isolation", isolation)?;
            }
            ImplementationReport::Server { base_url, api_types } => {
                write_exact(f, "Server", base_url)?;
                write_exact(f, "Asked for api_type", &api_types.join(", "))?;
            }
        }
        write_fact(f, "Suite", &format!("locum-conformance {}", report.suite_version))?;
        let created_at = Escaped(&report.created_at);
        writeln!(
            f,
            "<div><dt>Made at</dt><dd><time datetime=\"{created_at}\">{created_at}</time></dd></div>"
        )?;
        writeln!(f, "</dl>\n</section>")
    }
}

fn write_fact(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "<div><dt>{name}</dt><dd>{}</dd></div>", Escaped(value))
}

/// A fact that is compared letter by letter.
fn write_exact(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "<div><dt>{name}</dt><dd><code>{}</code></dd></div>", Escaped(value))
}

/// How many cases came out how, as numbers and as a bar.
pub(super) struct CountsSection<'a>(pub(super) &'a Counts);

impl fmt::Display for CountsSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(counts) = self;
        let sums = [
            ("passed", "passed", counts.passed),
            ("failed", "failed", counts.failed),
            ("expected", "failed as expected", counts.expected_failures),
            ("skipped", "skipped", counts.skipped),
            ("unsupported", "unsupported", counts.unsupported),
            ("not-run", "not run", counts.not_run),
        ];
        writeln!(f, "<section aria-labelledby=\"sums\">\n<h2 id=\"sums\">{}</h2>", cases(counts.cases))?;
        write!(f, "<div class=\"bar\" aria-hidden=\"true\">")?;
        for (class, _, count) in sums.iter().filter(|(_, _, count)| *count > 0) {
            write!(f, "<i class=\"{class}\" style=\"flex-grow:{count}\"></i>")?;
        }
        writeln!(f, "</div>\n<dl class=\"sums\">")?;
        for (class, word, count) in sums {
            let none = if count == 0 { " none" } else { "" };
            writeln!(f, "<div class=\"{class}{none}\"><dt>{word}</dt><dd>{count}</dd></div>")?;
        }
        writeln!(f, "</dl>\n</section>")
    }
}
