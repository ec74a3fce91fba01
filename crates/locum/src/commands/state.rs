//! `locum state`: the database of a server.

mod whole_tenants;

use std::path::Path;

use locum_database::sealing::new_master_key_line;
use locum_database::{Database, DatabaseStatus, RestoredTokens, SchemaChanges};
use locum_engine::ports::Clock;
use locum_store::SystemClock;
use tokio::runtime::Builder;

use crate::cli::StateCommand;
use crate::config::{self, Config};
use crate::exit::CommandError;
use crate::format::print_text;
use crate::master_keys;
use crate::state::{self, StatePlace};

pub(crate) fn run(command: &StateCommand) -> Result<(), CommandError> {
    match command {
        StateCommand::Backup { file, config } => back_up(file, config),
        StateCommand::Check { config } => check(config),
        StateCommand::Export { tenant, file, config } => whole_tenants::export(tenant, file, config),
        StateCommand::Import { files, replace, config } => whole_tenants::import(files, *replace, config),
        StateCommand::Init { config } => init(config),
        StateCommand::Migrate { config } => migrate(config),
        StateCommand::NewMasterKey => {
            let line = new_master_key_line().map_err(CommandError::system)?;
            print_text(line.trim_end());
            Ok(())
        }
        StateCommand::Restored { revoke_refresh_tokens, config, .. } => {
            restored(*revoke_refresh_tokens, config)
        }
        StateCommand::RotateMasterKey { config } => whole_tenants::rotate_master_key(config),
    }
}

fn back_up(file: &Path, config: &Path) -> Result<(), CommandError> {
    let place = existing_place(config)?;
    let copied = block_on(async {
        let state = place.open().await?;
        state.copy_to(file).await.map_err(CommandError::input_file)?;
        Ok(state.name().to_owned())
    })?;
    print_text(&format!("copied {copied} to {}", file.display()));
    Ok(())
}

fn check(config: &Path) -> Result<(), CommandError> {
    // A check changes nothing, whatever the config allows.
    let (name, status) = match existing_place(config)? {
        StatePlace::File(path) => {
            let status =
                block_on(async { DatabaseStatus::of_file(&path).await.map_err(CommandError::input_file) })?;
            (path.display().to_string(), status)
        }
        StatePlace::Postgres(..) => status(config, SchemaChanges::Refuse)?,
    };
    let pending = status.needed_version().map_or_else(String::new, |needed| {
        format!("; the next start of a server, or `locum state migrate`, brings it to {needed}")
    });
    let rows = status.rows.iter().map(|(table, rows)| format!("\n{table}: {rows}"));
    print_text(&format!(
        "{name}\nserver: {}\nschema: {}{pending}{}",
        status.server,
        status.schema_version,
        rows.collect::<String>()
    ));
    Ok(())
}

fn migrate(config: &Path) -> Result<(), CommandError> {
    let (name, status) = status(config, SchemaChanges::Apply)?;
    print_text(&format!("{name}: the schema has version {}", status.schema_version));
    Ok(())
}

fn restored(revoke: bool, config: &Path) -> Result<(), CommandError> {
    let place = existing_place(config)?;
    let tokens = if revoke { RestoredTokens::Revoke } else { RestoredTokens::Keep };
    let now = i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX);
    let (name, revoked) = block_on(async {
        let state = place.open().await?;
        let revoked = state.accept_restored(tokens, now).await.map_err(CommandError::system)?;
        Ok((state.name().to_owned(), revoked))
    })?;
    print_text(&format!("{name}: accepted; {revoked} refresh tokens were revoked"));
    Ok(())
}

fn init(config_file: &Path) -> Result<(), CommandError> {
    let config = config::load(config_file)?;
    let place = named_place(&config)?.with_changes(SchemaChanges::Apply);
    let name = block_on(async { Ok(place.open().await?.name().to_owned()) })?;
    print_text(&format!("{name}: the tables are there"));
    if let Some(path) = &config.master_keys_file {
        let made = master_keys::create_if_missing(&config)?;
        let keys =
            if made { "made with a new key; keep a copy of it in a safe place" } else { "is there already" };
        print_text(&format!("{}: {keys}", path.display()));
    }
    Ok(())
}

/// The name of the database of a config, and what it says of itself.
fn status(config: &Path, changes: SchemaChanges) -> Result<(String, DatabaseStatus), CommandError> {
    let place = existing_place(config)?.with_changes(changes);
    block_on(async {
        let state = place.open().await?;
        let status = state.status().await.map_err(CommandError::system)?;
        Ok((state.name().to_owned(), status))
    })
}

/// The database that a config names, for a command that uses it.
pub(super) async fn open_existing(config: &Path) -> Result<Database, CommandError> {
    existing_place(config)?.open().await
}

/// Where the database of a config is. A file is not created: a command is for one that a server uses.
fn existing_place(config_file: &Path) -> Result<StatePlace, CommandError> {
    let place = named_place(&config::load(config_file)?)?;
    match &place {
        StatePlace::File(path) if !path.exists() => Err(CommandError::input_file(format!(
            "{}: there is no such file; a server with this config creates it when it starts",
            path.display()
        ))),
        _ => Ok(place),
    }
}

/// Where the database of a config is, for a command that cannot do without.
fn named_place(config: &Config) -> Result<StatePlace, CommandError> {
    state::place(config)?.ok_or_else(|| {
        let shown = config.file.display();
        CommandError::input_file(format!(
            "{shown}: the config names no database; add `state = \"state.db\"`, or `postgres`"
        ))
    })
}

/// Runs what uses the database.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CommandError::system(format!("cannot start a runtime: {error}")))?.block_on(work)
}
