//! The report as a table, for terminals.

use std::fmt::Write as _;

use super::{FailureReport, ImplementationReport, MutantResult, MutationScore, ProfileReport, Report};

impl Report {
    /// What was judged, a row for each profile, and every failure.
    pub fn table(&self) -> String {
        let mut table = String::new();
        // Writing to a String does not fail.
        let _ = self.write_table(&mut table);
        table
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        match &self.implementation {
            ImplementationReport::Plugin { file, sha256, name, version, isolation, .. } => {
                writeln!(out, "{name} {version}, {file}, {isolation}\nsha256 {sha256}\n")?;
            }
            ImplementationReport::Server { base_url, .. } => writeln!(out, "{base_url}\n")?,
        }
        writeln!(
            out,
            "{:<18} {:>6} {:>6} {:>7} {:>11} {:>7}",
            "profile", "passed", "failed", "skipped", "unsupported", "not run"
        )?;
        for profile in &self.profiles {
            profile.write_row(out)?;
        }
        let counts = self.counts;
        writeln!(
            out,
            "{:<18} {:>6} {:>6} {:>7} {:>11} {:>7}",
            "all", counts.passed, counts.failed, counts.skipped, counts.unsupported, counts.not_run
        )?;
        for profile in &self.profiles {
            for (word, excused) in
                [("skipped", &profile.skipped), ("failed as expected", &profile.expected_failures)]
            {
                for excused in excused {
                    writeln!(out, "\n{word}: {}: {}", excused.case, excused.reason)?;
                }
            }
        }
        for failure in &self.failures {
            failure.write(out)?;
        }
        self.mutation_score.as_ref().map_or(Ok(()), |score| score.write(out))
    }
}

impl MutationScore {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Self { killed, survived, unsupported, mutants } = self;
        writeln!(out, "\nmutants: {killed} killed, {survived} survived, {unsupported} unsupported")?;
        for mutant in mutants {
            match &mutant.result {
                MutantResult::Killed { by } => {
                    writeln!(out, "{:<18} {:<46} {by}", mutant.profile, mutant.mutant)?
                }
                MutantResult::Survived => {
                    writeln!(
                        out,
                        "{:<18} {:<46} SURVIVED: {}",
                        mutant.profile, mutant.mutant, mutant.description
                    )?;
                }
                MutantResult::Unsupported { .. } => {}
            }
        }
        Ok(())
    }
}

impl ProfileReport {
    fn write_row(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "{:<18} {:>6} {:>6} {:>7} {:>11} {:>7}",
            self.profile.name(),
            self.passed.len(),
            self.failed.len(),
            self.skipped.len(),
            self.unsupported.len(),
            self.not_run.len()
        )
    }
}

impl FailureReport {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let step = if self.step == 0 { String::new() } else { format!(", step {}", self.step) };
        writeln!(out, "\nFAILED {}{step} ({})", self.case, self.profile)?;
        writeln!(out, "  {}", self.description)?;
        for difference in &self.differences {
            writeln!(out, "  {}: expected {}, got {}", difference.what, difference.expected, difference.got)?;
        }
        if let Some(exchange) = &self.exchange {
            writeln!(out, "  > {} {}", exchange.request, exchange.request_body)?;
            writeln!(out, "  < {} {}", exchange.status, exchange.response_body)?;
        }
        writeln!(out, "  {}", self.reproduce)
    }
}
