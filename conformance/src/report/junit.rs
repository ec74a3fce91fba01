//! The report as JUnit XML, for CI systems.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use crate::report::escaped::Escaped;
use crate::report::exchange_text::write_exchange;
use crate::report::model::{CaseWithReason, FailureReport, ImplementationReport, ProfileReport, Report};
use crate::report::mutation_score::{MutantReport, MutantResult, MutationScore, ScoreKind};

/// The report as JUnit XML: one test suite per profile that has cases, one test per case, and one test for each mutation
/// score. It states how long each case ran, so equal runs give files that differ in the times.
///
/// JUnit knows passed, failed and skipped tests. Cases that are neither passed nor failed count as skipped, and their
/// message starts with the report's word for the result; those with a warning, and those that another paragraph allows, count as
/// passed. If no case passed and none failed, the file holds one failed
/// test, because CI systems accept a file of skipped tests.
pub fn to_junit(report: &Report) -> String {
    TestSuites(report).to_string()
}

struct TestSuites<'a>(&'a Report);

impl fmt::Display for TestSuites<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let counts = &report.counts;
        let nothing_ran = usize::from(counts.failed == 0 && counts.passed == 0);
        let skipped = counts.expected_failures + counts.skipped + counts.unsupported + counts.not_run;
        let scores = || report.mutation_scores().map(|(_, score)| score);
        let survivors = scores().filter(|score| score.survived > 0).count();
        let duration: Duration = report.records.values().map(|record| record.duration).sum();
        writeln!(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(
            f,
            r#"<testsuites name="{}" tests="{}" failures="{}" errors="0" skipped="{}" time="{:.3}">"#,
            Escaped(&format!("Locum conformance: {}", report.implementation.title())),
            counts.cases + nothing_ran + scores().count(),
            counts.failed + nothing_ran + survivors,
            skipped,
            duration.as_secs_f64(),
        )?;
        for profile in &report.profiles {
            write_suite(f, report, profile)?;
        }
        for (kind, score) in report.mutation_scores() {
            write_mutation_score(f, report, kind, score)?;
        }
        if nothing_ran > 0 {
            write_nothing_ran(f, report)?;
        }
        writeln!(f, "</testsuites>")
    }
}

fn write_suite(f: &mut fmt::Formatter<'_>, report: &Report, profile: &ProfileReport) -> fmt::Result {
    let with_reasons = [
        ("failed as expected", &profile.expected_failures),
        ("skipped", &profile.skipped),
        ("unsupported", &profile.unsupported),
        ("not run", &profile.not_run),
    ];
    let skipped: usize = with_reasons.iter().map(|(_, cases)| cases.len()).sum();
    let failed = profile.failed.len();
    let deviating = [("warning", &profile.warned), ("allowed otherwise", &profile.allowed_otherwise)];
    let passed = profile.passed.len() + deviating.iter().map(|(_, cases)| cases.len()).sum::<usize>();
    let tests = passed + failed + skipped;
    if tests == 0 {
        return Ok(());
    }
    let name = profile.profile.name();
    let cases = [&profile.passed, &profile.failed].into_iter().flatten();
    let deviations = deviating.iter().chain(&with_reasons).flat_map(|(_, cases)| cases.iter());
    let all = cases.chain(deviations.map(|listed| &listed.case));
    let duration = all.map(|case| duration_of(report, case)).sum();
    open_suite(f, report, name, [tests, failed, skipped], duration)?;
    for case in &profile.passed {
        open_case(f, name, case, duration_of(report, case))?;
        writeln!(f, "    </testcase>")?;
    }
    for (word, cases) in deviating {
        for CaseWithReason { case, reason } in cases {
            open_case(f, name, case, duration_of(report, case))?;
            writeln!(f, "      <system-out>{word}: {}</system-out>\n    </testcase>", Escaped(reason))?;
        }
    }
    for failure in report.failures.iter().filter(|failure| failure.profile == profile.profile) {
        write_failure(f, failure, duration_of(report, &failure.case))?;
    }
    for (word, cases) in with_reasons {
        for CaseWithReason { case, reason } in cases {
            open_case(f, name, case, duration_of(report, case))?;
            writeln!(f, "      <skipped message=\"{word}: {}\"/>\n    </testcase>", Escaped(reason))?;
        }
    }
    writeln!(f, "  </testsuite>")
}

/// How long a case ran.
fn duration_of(report: &Report, case: &str) -> Duration {
    report.records.get(case).map_or(Duration::ZERO, |record| record.duration)
}

fn open_suite(
    f: &mut fmt::Formatter<'_>,
    report: &Report,
    name: &str,
    counts: [usize; 3],
    duration: Duration,
) -> fmt::Result {
    let [tests, failures, skipped] = counts;
    writeln!(
        f,
        r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}" time="{:.3}" timestamp="{}">"#,
        duration.as_secs_f64(),
        Escaped(&report.created_at)
    )?;
    writeln!(f, "    <properties>")?;
    let property = |f: &mut fmt::Formatter<'_>, name: &str, value: &str| {
        writeln!(f, r#"      <property name="{name}" value="{}"/>"#, Escaped(value))
    };
    property(f, "suite", &report.suite_version)?;
    match &report.implementation {
        ImplementationReport::Plugin { sha256, name, version, contract, isolation, .. } => {
            property(f, "plugin", name)?;
            property(f, "version", version)?;
            property(f, "sha256", sha256)?;
            property(f, "contract", &contract.to_string())?;
            property(f, "isolation", isolation)?;
        }
        ImplementationReport::Server { base_url, .. } => property(f, "server", base_url)?,
        ImplementationReport::TokenEndpoint { token_endpoint, .. } => {
            property(f, "token_endpoint", token_endpoint)?;
        }
    }
    writeln!(f, "    </properties>")
}

fn open_case(f: &mut fmt::Formatter<'_>, suite: &str, case: &str, duration: Duration) -> fmt::Result {
    let seconds = duration.as_secs_f64();
    writeln!(
        f,
        r#"    <testcase classname="conformance.{suite}" name="{}" time="{seconds:.3}">"#,
        Escaped(case)
    )
}

/// The message names the first difference; the text holds all of them.
fn write_failure(f: &mut fmt::Formatter<'_>, failure: &FailureReport, duration: Duration) -> fmt::Result {
    let message = failure.differences.first().map_or_else(
        || failure.description.clone(),
        |first| format!("{}: expected {}, got {}", first.what, first.expected, first.got),
    );
    let mut text = String::new();
    write_details(&mut text, failure)?;
    open_case(f, failure.profile.name(), &failure.case, duration)?;
    writeln!(
        f,
        r#"      <failure type="difference" message="{}">{}</failure>"#,
        Escaped(&message),
        Escaped(&text)
    )?;
    writeln!(f, "    </testcase>")
}

fn write_details(text: &mut String, failure: &FailureReport) -> fmt::Result {
    writeln!(text, "{}", failure.description)?;
    if failure.step > 0 {
        writeln!(text, "step {}", failure.step)?;
    }
    for difference in &failure.differences {
        writeln!(text, "{}: expected {}, got {}", difference.what, difference.expected, difference.got)?;
    }
    if let Some(exchange) = &failure.exchange {
        write_exchange(text, "", exchange)?;
    }
    writeln!(text, "{}", failure.reproduce)
}

/// One test for all mutants of a score: it fails if one survives.
fn write_mutation_score(
    f: &mut fmt::Formatter<'_>,
    report: &Report,
    kind: ScoreKind,
    score: &MutationScore,
) -> fmt::Result {
    let id = kind.id();
    open_suite(f, report, id, [1, usize::from(score.survived > 0), 0], Duration::ZERO)?;
    open_case(f, id, "cases-notice-every-mutant", Duration::ZERO)?;
    if score.survived > 0 {
        let survived = score.mutants.iter().filter(|mutant| mutant.result == MutantResult::Survived);
        let survived: Vec<String> = survived
            .map(|MutantReport { mutant, description, .. }| format!("{mutant}: {description}"))
            .collect();
        let message = format!("no case notices {} of the {}", score.survived, kind.title());
        writeln!(
            f,
            r#"      <failure type="survivor" message="{message}">{}</failure>"#,
            Escaped(&survived.join("\n"))
        )?;
    }
    let MutationScore { killed, survived, unsupported, .. } = score;
    writeln!(
        f,
        "      <system-out>{killed} killed, {survived} survived, {unsupported} unsupported</system-out>"
    )?;
    writeln!(f, "    </testcase>\n  </testsuite>")
}

fn write_nothing_ran(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    open_suite(f, report, "run", [1, 1, 0], Duration::ZERO)?;
    open_case(f, "run", "at-least-one-case-passes", Duration::ZERO)?;
    writeln!(
        f,
        r#"      <failure type="nothing-ran" message="no case passed, so the report shows nothing"/>"#
    )?;
    writeln!(f, "    </testcase>\n  </testsuite>")
}

#[cfg(test)]
mod tests {
    use quick_xml::events::{BytesStart, Event};
    use quick_xml::{Reader, XmlVersion};

    use super::to_junit;
    use crate::report::sample;

    /// The elements and their attributes. Panics if the text is not XML.
    fn read(xml: &str) -> Vec<(String, Vec<(String, String)>)> {
        let mut reader = Reader::from_str(xml);
        let mut elements = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(element) | Event::Empty(element) => elements.push(element_of(&element)),
                Event::Eof => return elements,
                _ => {}
            }
        }
    }

    fn element_of(element: &BytesStart<'_>) -> (String, Vec<(String, String)>) {
        let attributes = element.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            (
                attribute.key.as_ref().to_owned(),
                attribute.normalized_value(XmlVersion::Explicit1_0).unwrap().into_owned(),
            )
        });
        (element.name().as_ref().to_owned(), attributes.collect())
    }

    fn sum(elements: &[(String, Vec<(String, String)>)], element: &str, attribute: &str) -> usize {
        let named = elements.iter().filter(|(name, _)| name == element);
        let values = named.flat_map(|(_, attributes)| attributes).filter(|(name, _)| name == attribute);
        values.map(|(_, value)| value.parse::<usize>().unwrap()).sum()
    }

    #[test]
    fn the_file_equals_the_reviewed_snapshot() {
        insta::assert_snapshot!(to_junit(&sample::report(str::to_owned)));
    }

    #[test]
    fn equal_reports_give_equal_files() {
        assert_eq!(to_junit(&sample::report(str::to_owned)), to_junit(&sample::report(str::to_owned)));
    }

    #[test]
    fn a_case_states_how_long_it_ran() {
        let elements = read(&to_junit(&sample::report(str::to_owned)));
        let times = |element: &str| -> f64 {
            let named = elements.iter().filter(|(name, _)| name == element);
            let times = named.flat_map(|(_, attributes)| attributes).filter(|(name, _)| name == "time");
            times.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
        };
        for element in ["testcase", "testsuite", "testsuites"] {
            assert!((times(element) - 0.25).abs() < 1e-9, "{element}: {}", times(element));
        }
    }

    #[test]
    fn report_texts_add_no_element_and_no_attribute() {
        let shape = |xml: &str| -> Vec<(String, Vec<String>)> {
            let named =
                |attributes: Vec<(String, String)>| attributes.into_iter().map(|(name, _)| name).collect();
            read(xml).into_iter().map(|(element, attributes)| (element, named(attributes))).collect()
        };
        let harmless = to_junit(&sample::report(str::to_owned));
        let hostile = to_junit(&sample::report(sample::hostile));
        assert_eq!(shape(&hostile), shape(&harmless));
        assert!(hostile.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
    }

    #[test]
    fn the_stated_counts_equal_the_counted_tests() {
        let elements = read(&to_junit(&sample::report(str::to_owned)));
        let count = |element: &str| elements.iter().filter(|(name, _)| name == element).count();
        for (attribute, element) in [("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")] {
            assert!(count(element) > 0);
            assert_eq!(
                sum(&elements, "testsuite", attribute),
                count(element),
                "{attribute} of the test suites"
            );
            assert_eq!(sum(&elements, "testsuites", attribute), count(element), "{attribute} of all");
        }
    }

    #[test]
    fn a_warning_and_what_is_allowed_otherwise_are_passed_tests_that_say_so() {
        let xml = to_junit(&sample::token_endpoint(str::to_owned));
        let elements = read(&xml);
        assert_eq!(sum(&elements, "testsuites", "tests"), 4);
        assert_eq!(sum(&elements, "testsuites", "skipped"), 1);
        assert_eq!(elements.iter().filter(|(name, _)| name == "testcase").count(), 4);
        assert!(xml.contains("<system-out>warning: RFC 6749 §5.1</system-out>"), "{xml}");
        assert!(xml.contains("<system-out>allowed otherwise: RFC 6749 §5.1</system-out>"), "{xml}");
    }

    #[test]
    fn a_report_without_a_passed_case_holds_a_failed_test() {
        let elements = read(&to_junit(&sample::nothing_ran()));
        assert_eq!(sum(&elements, "testsuites", "failures"), 1);
        assert!(!sample::nothing_ran().passed());
    }
}
