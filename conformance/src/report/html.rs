//! The report as one HTML page, for people: no script, nothing from elsewhere, light and dark, on paper too.

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
use super::Report;
use super::escaped::Escaped;

const STYLE: &str = include_str!("html/style.css");

/// Even a text that got through as markup could load nothing, run nothing and send nothing.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

impl Report {
    /// The report as a page that stands alone.
    pub fn to_html(&self) -> String {
        Page(self).to_string()
    }
}

/// The page. A further section is a further line here.
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
        write!(f, "{}", MutationScoreSection(report.mutation_score.as_ref()))?;
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

/// `1 case`, `2 cases`.
fn cases(count: usize) -> String {
    if count == 1 { "1 case".to_owned() } else { format!("{count} cases") }
}

#[cfg(test)]
mod tests {
    use crate::report::sample;

    /// The tags with their values emptied: what a browser makes elements and attributes of.
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
        assert!(!in_tag && !in_value, "a tag is open at the end of the page");
        tags
    }

    #[test]
    fn the_page_is_what_was_reviewed() {
        let page = sample::report(str::to_owned).to_html();
        let (_, body) = page.split_once("</style>").unwrap();
        insta::assert_snapshot!(body);
    }

    #[test]
    fn equal_reports_are_equal_pages() {
        assert_eq!(sample::report(str::to_owned).to_html(), sample::report(str::to_owned).to_html());
    }

    #[test]
    fn no_text_becomes_an_element_or_an_attribute() {
        let hostile = sample::report(sample::hostile).to_html();
        assert_eq!(tags(&hostile), tags(&sample::report(str::to_owned).to_html()));
        assert!(hostile.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_nothing_runs() {
        let page = sample::report(str::to_owned).to_html();
        for reach in
            ["://", "src=", "url(", "@import", "<script", "<link", "<iframe", "<form", "onload", "onclick"]
        {
            assert!(!page.contains(reach), "{reach}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn links_lead_to_a_place_on_the_page() {
        let page = sample::report(str::to_owned).to_html();
        let places: Vec<&str> =
            page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(places.len() > 5);
        for place in places {
            let id = place.strip_prefix('#').unwrap();
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{place}");
        }
    }

    #[test]
    fn a_page_says_why_a_report_did_not_pass() {
        let verdict =
            |page: &str| page.lines().find(|line| line.starts_with("<p class=\"verdict")).unwrap().to_owned();
        let mut report = sample::report(str::to_owned);
        assert!(verdict(&report.to_html()).contains("1 of 3 cases failed"));
        assert!(verdict(&sample::nothing_ran().to_html()).contains("proves nothing"));
        report.counts.failed = 0;
        let with_survivor = verdict(&report.to_html());
        assert!(with_survivor.contains("Not passed") && with_survivor.contains("missed"), "{with_survivor}");
        report.mutation_score = None;
        assert!(verdict(&report.to_html()).contains("<strong>Passed</strong>"));
    }
}
