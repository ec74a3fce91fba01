//! `locum state`: the database of a server.

use std::path::{Path, PathBuf};

use tokio::runtime::Builder;

use crate::cli::StateCommand;
use crate::config;
use crate::exit::CommandError;
use crate::format::print_text;
use crate::state;

pub(crate) fn run(command: &StateCommand) -> Result<(), CommandError> {
    let StateCommand::Backup { file, config } = command;
    let path = existing_database(config)?;
    block_on(async {
        let state = state::open_file(&path).await?;
        state.copy_to(file).await.map_err(CommandError::input_file)
    })?;
    print_text(&format!("copied {} to {}", path.display(), file.display()));
    Ok(())
}

/// The database that a config names. It is not created: a command is for one that a server uses.
pub(super) fn existing_database(config_file: &Path) -> Result<PathBuf, CommandError> {
    let config = config::load(config_file)?;
    let shown = config_file.display();
    let path = config.state.ok_or_else(|| {
        CommandError::input_file(format!("{shown}: the config names no database; add `state = \"state.db\"`"))
    })?;
    if path.exists() {
        return Ok(path);
    }
    Err(CommandError::input_file(format!(
        "{}: there is no such file; a server with this config creates it when it starts",
        path.display()
    )))
}

/// Runs what uses the database.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CommandError::system(format!("cannot start a runtime: {error}")))?.block_on(work)
}
