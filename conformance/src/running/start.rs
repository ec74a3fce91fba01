//! Starts a run against a plugin or a server.

use crate::fixtures::load::Fixtures;
use crate::options::{Implementation, Options, SetupError};
use crate::report::Report;
use crate::running::plugin::{test_at_both_endpoints, test_plugin};
use crate::running::runtime::install_crypto;
use crate::running::server::test_server;
use crate::running::token_endpoint::test_token_endpoint;

/// Runs the suite. It starts its own async runtime, so it must not be called from inside one.
///
/// # Errors
/// Why the run cannot start. Failed cases are not errors; the report lists them.
pub fn run(options: &Options) -> Result<Report, SetupError> {
    install_crypto();
    let fixtures = || Fixtures::load(&options.fixtures).map_err(SetupError::Fixtures);
    match &options.implementation {
        Implementation::Plugin(file) => test_plugin(options, &fixtures()?, file),
        Implementation::Server(server) => test_server(options, &fixtures()?, server),
        Implementation::TokenEndpoint(endpoint) => test_token_endpoint(options, endpoint),
    }
}

/// Runs the suite against a plugin file, and makes every delegation at `/oauth/token` too: a case fails if the endpoints decide
/// differently. Also returns how many requests both have answered.
///
/// # Errors
/// Why the run cannot start: as of [`run`], and if a server is to be tested.
pub fn run_at_both_endpoints(options: &Options) -> Result<(Report, usize), SetupError> {
    install_crypto();
    let fixtures = Fixtures::load(&options.fixtures).map_err(SetupError::Fixtures)?;
    match &options.implementation {
        Implementation::Plugin(file) => test_at_both_endpoints(options, &fixtures, file),
        Implementation::Server(_) | Implementation::TokenEndpoint(_) => {
            Err(SetupError::Server("both endpoints can be compared only in this process".to_owned()))
        }
    }
}
