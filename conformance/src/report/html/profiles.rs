//! The number of cases by profile and result.

use std::fmt;

use crate::profile::Level;
use crate::report::model::{ProfileReport, Report};

/// One row per profile.
pub(super) struct ProfilesSection<'a>(pub(super) &'a Report);

/// CSS class and heading of each column.
const COLUMNS: [(&str, &str); 6] = [
    ("passed", "Passed"),
    ("failed", "Failed"),
    ("expected", "Failed as expected"),
    ("skipped", "Skipped"),
    ("unsupported", "Unsupported"),
    ("not-run", "Not run"),
];

impl fmt::Display for ProfilesSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<section aria-labelledby=\"profiles\">\n<h2 id=\"profiles\">Profiles</h2>")?;
        writeln!(
            f,
            "<p>Every issuer must pass the core profiles. The extended profiles are for issuers with the features that their cases need.</p>"
        )?;
        write!(f, "<table class=\"profiles\">\n<thead><tr><th scope=\"col\">Profile</th>")?;
        for (_, heading) in COLUMNS {
            write!(f, "<th scope=\"col\"><span>{heading}</span></th>")?;
        }
        writeln!(f, "</tr></thead>\n<tbody>")?;
        for profile in &self.0.profiles {
            write_row(f, profile)?;
        }
        writeln!(f, "</tbody>\n</table>\n</section>")
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, profile: &ProfileReport) -> fmt::Result {
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
    for ((class, _), count) in COLUMNS.into_iter().zip(counts) {
        let none = if count == 0 { " none" } else { "" };
        write!(f, "<td class=\"{class}{none}\">{count}</td>")?;
    }
    writeln!(f, "</tr>")
}

/// In the order of the columns.
fn counts(profile: &ProfileReport) -> [usize; COLUMNS.len()] {
    [
        profile.passed.len(),
        profile.failed.len(),
        profile.expected_failures.len(),
        profile.skipped.len(),
        profile.unsupported.len(),
        profile.not_run.len(),
    ]
}
