//! Tenants as a whole: from files into the database, back into a file, and sealed anew.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_database::directory::{self, Existing, WriteError};
use locum_store::documents::{self, TenantDocuments};
use locum_store::tenant_file::{References, TENANT_FILE_BYTES_MAX};
use locum_store::text_file;

use crate::commands::state::{block_on, existing_place};
use crate::config;
use crate::exit::CommandError;
use crate::format::print_text;
use crate::master_keys;
use crate::tenants::{self, lines};

pub(super) fn import(files: &[PathBuf], replace: bool, config: &Path) -> Result<(), CommandError> {
    let (place, keys) = (existing_place(config)?, Arc::new(master_keys::read(&config::load(config)?)?));
    let mut read = Vec::with_capacity(files.len());
    let mut errors = Vec::new();
    for file in files {
        match documents_of(file) {
            Ok(documents) => read.push(documents),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if !errors.is_empty() {
        return Err(CommandError::input_file(errors.join("\n")));
    }
    let existing = if replace { Existing::Replace } else { Existing::Refuse };
    block_on(async {
        let database = place.open().await?;
        directory::import(&database, &keys, &read, existing).await.map_err(refused)
    })?;
    for TenantDocuments { domain, clients, users, .. } in &read {
        print_text(&format!("{domain}: {} clients, {} users", clients.len(), users.len()));
    }
    Ok(())
}

fn documents_of(file: &Path) -> Result<TenantDocuments, CommandError> {
    let shown = file.display().to_string();
    let text = text_file::read(file, TENANT_FILE_BYTES_MAX).map_err(|error| {
        CommandError::input_file(format!("{shown}: cannot read the tenant file: {error}"))
    })?;
    let references = References::new(&tenants::environment, file.parent().unwrap_or(Path::new(".")));
    let read = documents::from_tenant_file(&text, &shown, &references);
    let (documents, read) = read.map_err(CommandError::input_file)?;
    for warning in lines(&read.warnings) {
        print_text(&format!("warning: {warning}"));
    }
    Ok(documents)
}

pub(super) fn export(tenant: &str, file: &Path, config: &Path) -> Result<(), CommandError> {
    let (place, keys) = (existing_place(config)?, master_keys::read(&config::load(config)?)?);
    let exported = block_on(async {
        let database = place.open().await?;
        let exported = directory::export(&database, &keys, tenant).await.map_err(refused)?;
        let domains = directory::domains(&database).await.map_err(refused)?;
        exported.ok_or_else(|| {
            CommandError::input_file(format!(
                "{}: there is no tenant {tenant}; there are: {}",
                database.name(),
                domains.join(", ")
            ))
        })
    })?;
    let text = documents::to_tenant_file(&exported).map_err(CommandError::input_file)?;
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CommandError::input_file(format!("{}: {error}", file.display())))?;
    print_text(&format!("wrote {tenant} with all its secrets to {}", file.display()));
    Ok(())
}

pub(super) fn rotate_master_key(config: &Path) -> Result<(), CommandError> {
    let (place, keys) = (existing_place(config)?, master_keys::read(&config::load(config)?)?);
    let done = block_on(async {
        let database = place.open().await?;
        directory::reseal(&database, &keys).await.map_err(refused)
    })?;
    print_text(&format!(
        "sealed {} of {} rows anew, by the key `{}`",
        done.resealed,
        done.rows,
        keys.active_id()
    ));
    for row in &done.unusable {
        print_text(&format!("problem: {row}"));
    }
    if done.unusable.is_empty() { Ok(()) } else { Err(CommandError::check_failed()) }
}

fn refused(error: WriteError) -> CommandError {
    match error {
        WriteError::Database(_) => CommandError::system(error),
        other => CommandError::input_file(other),
    }
}
