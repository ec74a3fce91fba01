//! `locum man`: a manual page for each command.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::exit::CommandError;

pub(crate) fn run(folder: &Path) -> Result<(), CommandError> {
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|error| CommandError::system(format!("{}: {error}", folder.display())))
}
