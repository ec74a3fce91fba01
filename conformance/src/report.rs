//! The report: what was tested, and the result of each case. The same run gives the same bytes.

mod difference;
mod escaped;
mod exchange_text;
mod groups;
mod html;
mod junit;
mod model;
mod mutation_score;
mod outcome;
#[cfg(test)]
mod sample;
mod table;
mod trace;
mod yaml;

pub use self::difference::Difference;
pub(crate) use self::exchange_text::upstream_text;
pub use self::html::to_html;
pub use self::junit::to_junit;
pub use self::model::{
    CaseWithReason, Counts, FailureReport, ImplementationReport, ProfileReport, REPORT_VERSION, Report,
    TestedClients,
};
pub use self::mutation_score::{MutantReport, MutantResult, MutationScore};
pub(crate) use self::outcome::{CaseRecord, CaseResult, Failure, Outcome, Verdict};
pub use self::outcome::{ShownExchange, ShownUpstreamExchange};
pub use self::table::to_table;
pub use self::trace::to_trace;
pub use self::yaml::to_yaml;
