//! The report as one HTML page for people: no script, no external resource, light and dark colours, printable.

mod cases;
mod failures;
mod mutation_score;
mod profiles;
mod summary;

use std::fmt;

use self::cases::CasesSection;
use self::failures::FailuresSection;
use self::mutation_score::MutationScoreSection;
use self::profiles::ProfilesSection;
use self::summary::{CountsSection, ImplementationSection, VerdictSection};
use crate::report::escaped::Escaped;
use crate::report::model::Report;

const STYLE: &str = include_str!("html/style.css");

/// The second line of defence: markup that escaping missed can load, run and send nothing.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The report as one HTML page without external resources.
pub fn to_html(report: &Report) -> String {
    Page(report).to_string()
}

struct Page<'a>(&'a Report);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        write_head(f, report)?;
        writeln!(f, "<body>\n<header>")?;
        writeln!(f, "<p class=\"kind\">Locum conformance report</p>")?;
        writeln!(f, "<h1>{}</h1>", Escaped(&report.implementation.title()))?;
        write!(f, "{}", VerdictSection(report))?;
        writeln!(f, "</header>\n<main>")?;
        write!(f, "{}", CountsSection(&report.counts))?;
        write!(f, "{}", ImplementationSection(report))?;
        write!(f, "{}", FailuresSection(&report.failures))?;
        write!(f, "{}", ProfilesSection(report))?;
        for (kind, score) in report.mutation_scores() {
            write!(f, "{}", MutationScoreSection(kind, score))?;
        }
        write!(f, "{}", CasesSection(report))?;
        writeln!(f, "</main>\n</body>\n</html>")
    }
}

fn write_head(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let verdict = if report.passed() { "passed" } else { "not passed" };
    writeln!(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(f, "<meta http-equiv=\"Content-Security-Policy\" content=\"{CONTENT_POLICY}\">")?;
    writeln!(f, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(f, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(f, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(f, "<title>{}: {verdict} – Locum conformance</title>", Escaped(&report.implementation.title()))?;
    writeln!(f, "<style>\n{STYLE}</style>\n</head>")
}

#[cfg(test)]
mod tests {
    use super::to_html;
    use crate::report::sample;

    /// The tags of the page, without the values of their attributes.
    fn tags(page: &str) -> Vec<String> {
        let mut tags = Vec::new();
        let (mut tag, mut in_tag, mut in_value) = (String::new(), false, false);
        for character in page.chars() {
            match character {
                '<' if !in_tag => in_tag = true,
                '"' if in_tag => in_value = !in_value,
                '>' if in_tag && !in_value => {
                    in_tag = false;
                    tags.push(std::mem::take(&mut tag));
                }
                _ if in_tag && !in_value => tag.push(character),
                _ => {}
            }
        }
        assert!(!in_tag && !in_value, "the page ends inside a tag");
        tags
    }

    #[test]
    fn the_page_equals_the_reviewed_snapshot() {
        let page = to_html(&sample::report(str::to_owned));
        let (_, body) = page.split_once("</style>").unwrap();
        insta::assert_snapshot!(body);
    }

    #[test]
    fn the_page_of_a_token_endpoint_counts_and_lists_its_own_results() {
        let page = to_html(&sample::token_endpoint(str::to_owned));
        for text in [
            "Nothing failed: 1 of 3 cases passed.",
            "<span>Warnings</span>",
            "<dt>allowed otherwise</dt><dd>1</dd>",
            "<summary class=\"warned\">1 warnings</summary>",
            "<dd>tx.answer.pragma</dd>",
            "<code>https://login.example.com/token</code>",
        ] {
            assert!(page.contains(text), "{text}\n{page}");
        }
        assert_eq!(tags(&to_html(&sample::token_endpoint(sample::hostile))), tags(&page));
        assert!(!to_html(&sample::report(str::to_owned)).contains("allowed otherwise"));
    }

    #[test]
    fn equal_reports_give_equal_pages() {
        assert_eq!(to_html(&sample::report(str::to_owned)), to_html(&sample::report(str::to_owned)));
    }

    #[test]
    fn report_texts_add_no_element_and_no_attribute() {
        let hostile = to_html(&sample::report(sample::hostile));
        assert_eq!(tags(&hostile), tags(&to_html(&sample::report(str::to_owned))));
        assert!(hostile.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
    }

    #[test]
    fn the_page_loads_and_runs_nothing() {
        let page = to_html(&sample::report(str::to_owned));
        for external in
            ["://", "src=", "url(", "@import", "<script", "<link", "<iframe", "<form", "onload", "onclick"]
        {
            assert!(!page.contains(external), "{external}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn every_link_has_one_anchor_on_the_page() {
        let page = to_html(&sample::report(str::to_owned));
        let links: Vec<&str> =
            page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() > 5);
        for link in links {
            let id = link.strip_prefix('#').unwrap();
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{link}");
        }
    }

    #[test]
    fn the_verdict_states_why_a_report_did_not_pass() {
        let verdict =
            |page: &str| page.lines().find(|line| line.starts_with("<p class=\"verdict")).unwrap().to_owned();
        let mut report = sample::report(str::to_owned);
        assert!(verdict(&to_html(&report)).contains("1 of 3 cases failed"));
        assert!(verdict(&to_html(&sample::nothing_ran())).contains("shows nothing"));
        report.counts.failed = 0;
        let with_survivor = verdict(&to_html(&report));
        assert!(
            with_survivor.contains("Not passed") && with_survivor.contains("no case detects"),
            "{with_survivor}"
        );
        report.mutation_score = None;
        report.request_mutation_score = None;
        assert!(verdict(&to_html(&report)).contains("<strong>Passed</strong>"));
    }
}
