//! `locum conformance`.

use crate::cli::ConformanceArgs;
use crate::exit::Ended;

pub(crate) fn run(args: &ConformanceArgs) -> Result<(), Ended> {
    let _ = args;
    Err(Ended::usage("unfinished"))
}
