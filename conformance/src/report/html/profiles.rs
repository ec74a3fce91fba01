//! The number of cases by profile and result.

use std::fmt;

use crate::profile::Level;
use crate::report::model::{ImplementationReport, ProfileReport, Report};

/// One row per profile.
pub(super) struct ProfilesSection<'a>(pub(super) &'a Report);

/// CSS class and heading of a column.
type Column = (&'static str, &'static str);

/// The columns of every report.
const COLUMNS: [Column; 6] = [
    ("passed", "Passed"),
    ("failed", "Failed"),
    ("expected", "Failed as expected"),
    ("skipped", "Skipped"),
    ("unsupported", "Unsupported"),
    ("not-run", "Not run"),
];

/// The columns for results that only token endpoints have.
const OF_TOKEN_ENDPOINTS: [Column; 2] = [("warned", "Warnings"), ("allowed", "Allowed otherwise")];

impl fmt::Display for ProfilesSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<section aria-labelledby=\"profiles\">\n<h2 id=\"profiles\">Profiles</h2>")?;
        writeln!(
            f,
            "<p>Every issuer must pass the core profiles. The extended profiles are for issuers with the features that their cases need.</p>"
        )?;
        write!(f, "<table class=\"profiles\">\n<thead><tr><th scope=\"col\">Profile</th>")?;
        let columns: Vec<Column> = match self.0.implementation {
            ImplementationReport::TokenEndpoint { .. } => {
                COLUMNS.into_iter().chain(OF_TOKEN_ENDPOINTS).collect()
            }
            ImplementationReport::Plugin { .. } | ImplementationReport::Server { .. } => COLUMNS.to_vec(),
        };
        for (_, heading) in &columns {
            write!(f, "<th scope=\"col\"><span>{heading}</span></th>")?;
        }
        writeln!(f, "</tr></thead>\n<tbody>")?;
        for profile in &self.0.profiles {
            write_row(f, profile, &columns)?;
        }
        writeln!(f, "</tbody>\n</table>\n</section>")
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, profile: &ProfileReport, columns: &[Column]) -> fmt::Result {
    let level = match profile.level {
        Level::Core => "core",
        Level::Extended => "extended",
    };
    let counts = counts(profile);
    let name = profile.profile;
    write!(f, "<tr><th scope=\"row\">")?;
    if counts.iter().all(|count| *count == 0) {
        write!(f, "{name}")?;
    } else {
        write!(f, "<a href=\"#profile-{name}\">{name}</a>")?;
    }
    write!(f, " <span class=\"level\">{level}</span></th>")?;
    for ((class, _), count) in columns.iter().zip(counts) {
        let none = if count == 0 { " none" } else { "" };
        write!(f, "<td class=\"{class}{none}\">{count}</td>")?;
    }
    writeln!(f, "</tr>")
}

/// In the order of the columns.
fn counts(profile: &ProfileReport) -> [usize; COLUMNS.len() + OF_TOKEN_ENDPOINTS.len()] {
    [
        profile.passed.len(),
        profile.failed.len(),
        profile.expected_failures.len(),
        profile.skipped.len(),
        profile.unsupported.len(),
        profile.not_run.len(),
        profile.warned.len(),
        profile.allowed_otherwise.len(),
    ]
}
