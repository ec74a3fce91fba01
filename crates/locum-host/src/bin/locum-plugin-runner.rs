//! A small program that runs a plugin and does nothing else, for `RunnerCommand::Path`. A host starts it.

fn main() {
    locum_host::runner::run_plugin()
}
