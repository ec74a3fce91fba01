//! A run against a token endpoint of any server.

use std::sync::Arc;

use crate::cases::log_lines::LogLines;
use crate::fixtures::variables::rfc_3339;
use crate::options::{Options, SetupError, TokenEndpointUnderTest};
use crate::report::{ImplementationReport, Report};
use crate::running::runtime::runtime;
use crate::token_exchange::{Selection, Session, run_cases};

/// Runs the cases of the profile `token-exchange`.
///
/// # Errors
/// A case that does not exist, a malformed URL, or a server whose token endpoint is not known.
pub(crate) fn test_token_endpoint(
    options: &Options,
    endpoint: &TokenEndpointUnderTest,
) -> Result<Report, SetupError> {
    let selection = Selection(&options.only);
    if let Some(unknown) = selection.unknown() {
        return Err(SetupError::NoSuchCase(unknown.to_owned()));
    }
    let TokenEndpointUnderTest { issuer, settings } = endpoint;
    let runtime = runtime(&Arc::new(LogLines::default()))?;
    let (results, implementation) = runtime.block_on(async {
        let session = Session::start(issuer, settings.clone()).await.map_err(SetupError::Server)?;
        let implementation = ImplementationReport::TokenEndpoint {
            token_endpoint: session.endpoint.to_string(),
            client_id: session.settings.client.id.clone(),
        };
        Ok::<_, SetupError>((run_cases(&session, &selection).await, implementation))
    })?;
    Ok(Report::new(implementation, rfc_3339(options.now_unix_seconds), results, &options.command))
}
