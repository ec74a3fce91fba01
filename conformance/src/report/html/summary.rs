//! The top of the page: the verdict, the implementation that was tested, and the number of cases by result.

use std::fmt;

use crate::report::escaped::Escaped;
use crate::report::model::{Counts, ImplementationReport, Report, TestedClients};

/// Whether the report passed, and why not.
pub(super) struct VerdictSection<'a>(pub(super) &'a Report);

impl fmt::Display for VerdictSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let counts = &report.counts;
        let deviating = counts.warned + counts.allowed_otherwise;
        let ran = cases(counts.passed + deviating + counts.failed + counts.expected_failures);
        let (class, word) = match (report.passed(), counts.failed) {
            (true, _) => ("good", "Passed"),
            (false, 0) => ("bad", "Not passed"),
            (false, _) => ("bad", "Failed"),
        };
        write!(f, "<p class=\"verdict {class}\"><strong>{word}</strong> <span>")?;
        match (counts.passed, counts.failed) {
            (0, 0) => write!(f, "No case passed, so this report shows nothing.")?,
            (passed, 0) => write!(f, "Nothing failed: {passed} of {ran} passed.")?,
            (_, failed) => write!(f, "<a href=\"#failures\">{failed} of {ran} failed</a>.")?,
        }
        for (kind, score) in report.mutation_scores().filter(|(_, score)| score.survived > 0) {
            write!(f, " <a href=\"#{}\">{} that no case detects</a>.", kind.id(), mutants(score.survived))?;
        }
        writeln!(f, "</span></p>")
    }
}

/// `1 case`, `2 cases`.
fn cases(count: usize) -> String {
    if count == 1 { "1 case".to_owned() } else { format!("{count} cases") }
}

/// `There is 1 mutant`, `There are 2 mutants`.
fn mutants(count: usize) -> String {
    if count == 1 { "There is 1 mutant".to_owned() } else { format!("There are {count} mutants") }
}

/// What was tested, and by which version of the suite.
pub(super) struct ImplementationSection<'a>(pub(super) &'a Report);

impl fmt::Display for ImplementationSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        writeln!(
            f,
            "<section aria-labelledby=\"implementation\">\n<h2 id=\"implementation\">What was tested</h2>\n<dl class=\"facts\">"
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
                write_exact(f, "Serves api_type", &api_types.join(", "))?;
                write_fact(f, "Contract", &format!("version {contract}"))?;
                write_fact(f, "Isolation", isolation)?;
            }
            ImplementationReport::Server { base_url, api_types, clients } => {
                write_exact(f, "Server", base_url)?;
                write_exact(f, "Requested api_type", &api_types.join(", "))?;
                for TestedClients { api_type, caller, target } in clients {
                    write_exact(f, &format!("Clients for {api_type}"), &format!("{caller} → {target}"))?;
                }
            }
            ImplementationReport::TokenEndpoint { token_endpoint, client_id } => {
                write_exact(f, "Token endpoint", token_endpoint)?;
                write_exact(f, "Client", client_id)?;
            }
        }
        write_fact(f, "Suite", &format!("locum-conformance {}", report.suite_version))?;
        let created_at = Escaped(&report.created_at);
        writeln!(
            f,
            "<div><dt>Created at</dt><dd><time datetime=\"{created_at}\">{created_at}</time></dd></div>"
        )?;
        writeln!(f, "</dl>\n</section>")
    }
}

fn write_fact(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "<div><dt>{name}</dt><dd>{}</dd></div>", Escaped(value))
}

/// A fact in a fixed-width font.
fn write_exact(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "<div><dt>{name}</dt><dd><code>{}</code></dd></div>", Escaped(value))
}

/// Number of cases by result, as numbers and as a bar.
pub(super) struct CountsSection<'a>(pub(super) &'a Counts);

impl fmt::Display for CountsSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(counts) = self;
        let mut sums = vec![
            ("passed", "passed", counts.passed),
            ("failed", "failed", counts.failed),
            ("expected", "failed as expected", counts.expected_failures),
            ("skipped", "skipped", counts.skipped),
            ("unsupported", "unsupported", counts.unsupported),
            ("not-run", "not run", counts.not_run),
        ];
        // Only token endpoints have these.
        let others = [
            ("warned", "warnings", counts.warned),
            ("allowed", "allowed otherwise", counts.allowed_otherwise),
        ];
        sums.extend(others.into_iter().filter(|(_, _, count)| *count > 0));
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
