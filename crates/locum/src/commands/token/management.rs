//! `locum token mint-management`: a token of a tenant's Management API for whoever has its tenant file.

use std::path::Path;

use locum_engine::OperatorToken;
use locum_engine::model::Tenant;
use locum_engine::ports::Entropy;
use locum_store::SystemEntropy;

use crate::exit::CommandError;
use crate::format::print_text;

/// Prints a token with these scopes, or with all.
pub(super) fn mint(
    file: &Path,
    tenant: &Tenant,
    scope: Option<&str>,
    lifetime_seconds: u32,
    now: i64,
) -> Result<(), CommandError> {
    let words = scope.map(|scope| scope.split_whitespace().collect::<Vec<_>>());
    if words.as_ref().is_some_and(Vec::is_empty) {
        return Err(CommandError::usage("--scope has no word; leave it out for all scopes"));
    }
    let scope = words.map(|words| words.join(" "));
    let token = OperatorToken {
        tenant,
        scope: scope.as_deref(),
        issued_at: now,
        lifetime_seconds,
        entropy: SystemEntropy.draw(),
    };
    let minted = token.mint().ok_or_else(|| {
        let file = file.display();
        CommandError::input_file(format!(
            "{file}: the tenant has no management keys; add one to management.keys"
        ))
    })?;
    print_text(minted.expose());
    Ok(())
}
