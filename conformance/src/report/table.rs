//! The report as a table, for terminals.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::escaped::visible;
use crate::report::exchange_text::write_exchange;
use crate::report::groups::by_cause;
use crate::report::model::{FailureReport, ImplementationReport, ProfileReport, Report, TestedClients};
use crate::report::mutation_score::{MutantResult, MutationScore, ScoreKind};

/// The implementation, one row per profile, and every failure. What a plugin or server said cannot control a terminal.
pub fn to_table(report: &Report) -> String {
    let mut table = String::new();
    // Writing to a String does not fail.
    let _ = write_report(&mut table, report);
    visible(&table)
}

fn write_report(out: &mut String, report: &Report) -> std::fmt::Result {
    match &report.implementation {
        ImplementationReport::Plugin { file, sha256, name, version, isolation, .. } => {
            writeln!(out, "{name} {version}, {file}, {isolation}\nsha256 {sha256}\n")?;
        }
        ImplementationReport::Server { base_url, clients, .. } => {
            writeln!(out, "{base_url}")?;
            for TestedClients { api_type, caller, target } in clients {
                writeln!(out, "{api_type}: caller {caller}, target {target}")?;
            }
            writeln!(out)?;
        }
        ImplementationReport::TokenEndpoint { token_endpoint, client_id } => {
            writeln!(out, "{token_endpoint}\nclient {client_id}\n")?;
            return write_token_exchange(out, report);
        }
    }
    writeln!(
        out,
        "{:<18} {:>6} {:>6} {:>7} {:>11} {:>7}",
        "profile", "passed", "failed", "skipped", "unsupported", "not run"
    )?;
    for profile in &report.profiles {
        write_profile(out, profile)?;
    }
    let counts = report.counts;
    writeln!(
        out,
        "{:<18} {:>6} {:>6} {:>7} {:>11} {:>7}",
        "all", counts.passed, counts.failed, counts.skipped, counts.unsupported, counts.not_run
    )?;
    for profile in &report.profiles {
        for (word, cases) in
            [("skipped", &profile.skipped), ("failed as expected", &profile.expected_failures)]
        {
            for listed in cases {
                writeln!(out, "\n{word}: {}: {}", listed.case, listed.reason)?;
            }
        }
    }
    write_not_run(out, report)?;
    write_failures(out, &report.failures)?;
    report.mutation_scores().try_for_each(|(kind, score)| write_mutation_score(out, kind, score))
}

/// The counts of a token endpoint, and every case that is not as it says.
fn write_token_exchange(out: &mut String, report: &Report) -> std::fmt::Result {
    let counts = report.counts;
    writeln!(
        out,
        "{} passed, {} failed, {} warnings, {} allowed otherwise, {} not run",
        counts.passed, counts.failed, counts.warned, counts.allowed_otherwise, counts.not_run
    )?;
    for profile in &report.profiles {
        for (word, cases) in [("warning", &profile.warned), ("allowed otherwise", &profile.allowed_otherwise)]
        {
            for listed in cases {
                writeln!(out, "\n{word}: {}\n  {}", listed.case, listed.reason)?;
            }
        }
    }
    write_not_run(out, report)?;
    write_failures(out, &report.failures)
}

/// The cases that a server was not asked, by reason.
fn write_not_run(out: &mut String, report: &Report) -> std::fmt::Result {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for listed in report.profiles.iter().flat_map(|profile| &profile.not_run) {
        by_reason.entry(&listed.reason).or_default().push(&listed.case);
    }
    for (reason, cases) in by_reason {
        writeln!(out, "\nnot run: {reason}")?;
        for case in cases {
            writeln!(out, "  {case}")?;
        }
    }
    Ok(())
}

fn write_profile(out: &mut String, profile: &ProfileReport) -> std::fmt::Result {
    writeln!(
        out,
        "{:<18} {:>6} {:>6} {:>7} {:>11} {:>7}",
        profile.profile.name(),
        profile.passed.len(),
        profile.failed.len(),
        profile.skipped.len(),
        profile.unsupported.len(),
        profile.not_run.len()
    )
}

/// Each cause once, with the cases that it fails.
fn write_failures(out: &mut String, failures: &[FailureReport]) -> std::fmt::Result {
    for group in by_cause(failures) {
        let Some(first) = group.first() else { continue };
        if group.len() == 1 {
            writeln!(out, "\nFAILED {}", place(first))?;
            writeln!(out, "  {}", first.description)?;
        } else {
            writeln!(out, "\nFAILED {} cases in the same way", group.len())?;
        }
        for difference in &first.differences {
            writeln!(out, "  {}: expected {}, got {}", difference.what, difference.expected, difference.got)?;
        }
        if group.len() > 1 {
            for failure in &group {
                writeln!(out, "  - {}", place(failure))?;
            }
            writeln!(out, "  the first of them: {}", first.description)?;
        }
        if let Some(exchange) = &first.exchange {
            write_exchange(out, "  ", exchange)?;
        }
        writeln!(out, "  {}", first.reproduce)?;
    }
    Ok(())
}

/// Which step of which case failed.
fn place(failure: &FailureReport) -> String {
    let step = if failure.step == 0 { String::new() } else { format!(", step {}", failure.step) };
    format!("{}{step} ({})", failure.case, failure.profile)
}

fn write_mutation_score(out: &mut String, kind: ScoreKind, score: &MutationScore) -> std::fmt::Result {
    let MutationScore { killed, survived, unsupported, mutants } = score;
    let (title, all) = (kind.title(), killed + survived);
    writeln!(out, "\n{title}: {killed} of {all} detected, {unsupported} unsupported")?;
    for mutant in mutants {
        let name = match mutant.profile {
            Some(profile) => format!("{profile:<18} {:<46}", mutant.mutant),
            None => format!("{:<65}", mutant.mutant),
        };
        match &mutant.result {
            MutantResult::Killed { by } => writeln!(out, "{name} {by}")?,
            MutantResult::Survived => writeln!(out, "{name} SURVIVED: {}", mutant.description)?,
            MutantResult::Unsupported { .. } => {}
        }
    }
    Ok(())
}
