//! `locum token mint-refresh`: adds a refresh token to the database of a server.

use std::path::Path;

use locum_engine::model::Client;
use locum_engine::ports::{Entropy, RefreshToken, RefreshTokenHash, RefreshTokens};
use locum_store::{SystemEntropy, TenantData};

use crate::commands::state::{block_on, open_existing};
use crate::exit::CommandError;
use crate::format::print_text;

/// Whom the token is for.
pub(super) struct Refreshed<'a> {
    pub(super) tenant_file: &'a Path,
    pub(super) data: &'a TenantData,
    pub(super) client: &'a Client,
    pub(super) user: &'a str,
    pub(super) scope: &'a str,
}

/// Adds a token, and prints it.
pub(super) fn mint(of: &Refreshed<'_>, config: &Path, now: i64) -> Result<(), CommandError> {
    let Refreshed { tenant_file, data, client, user, scope } = of;
    let rules = client.refresh_tokens.ok_or_else(|| {
        CommandError::input_file(format!(
            "{}: client {}: it may not have refresh tokens; add refresh_token to its grant_types",
            tenant_file.display(),
            client.id
        ))
    })?;
    let (text, hash) = RefreshTokenHash::of_new_token(SystemEntropy.draw());
    let token = RefreshToken {
        client_id: client.id.clone(),
        user_id: (*user).to_owned(),
        family: RefreshToken::new_family(SystemEntropy.draw()),
        scope: scope.split_whitespace().map(str::to_owned).collect(),
        act: None,
        signed_in_at: now,
        device: None,
        created_at: now,
        expires_at: rules.expires_at(now),
        idle_expires_at: rules.idle_expires_at(now),
        rotated_at: None,
        revoked_at: None,
    };
    block_on(async {
        let state = open_existing(config).await?;
        let added = state.add(&data.tenant.domain, hash, token).wait().await;
        added.map(drop).map_err(CommandError::input_file)
    })?;
    print_text(text.expose());
    Ok(())
}
