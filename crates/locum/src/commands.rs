//! Runs the parsed command; each has a file of its own.

mod audit;
mod check;
mod completions;
mod conformance;
mod import;
mod man;
mod plugin;
mod serve;
mod state;
mod token;
mod who_can;

use crate::cli::{Cli, Command};
use crate::exit::CommandError;

pub(crate) fn run(cli: Cli) -> Result<(), CommandError> {
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::WhoCan(args) => who_can::run(&args),
        Command::Plugin(command) => plugin::run(&command),
        Command::Import(command) => import::run(&command),
        Command::Token(command) => token::run(&command),
        Command::State(command) => state::run(&command),
        Command::Audit(command) => audit::run(&command),
        Command::Conformance(args) => conformance::run(&args),
        Command::Completions { shell } => {
            completions::run(shell);
            Ok(())
        }
        Command::Man { folder } => man::run(&folder),
    }
}
