//! `locum completions`: what a shell completes commands with.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::format::print_text;

pub(crate) fn run(shell: Shell) {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    // Into a buffer: `generate` panics where it cannot write, such as to a closed pipe.
    clap_complete::generate(shell, &mut command, name, &mut script);
    print_text(String::from_utf8_lossy(&script).trim_end());
}
