//! `locum-bench cluster`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::cluster::{self, Setup};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The `locum` program.
    #[arg(long)]
    locum: PathBuf,
    /// The directory of its plugins, beside their lock.
    #[arg(long)]
    plugins: PathBuf,
    /// The folder of the demo's tenant and keys.
    #[arg(long)]
    fixtures: PathBuf,
    /// Makes one round of requests and stops.
    #[arg(long)]
    once: bool,
    /// Loads the nodes while one fault after another happens, and counts what came of it.
    #[arg(long)]
    faults: bool,
    /// Fewer and shorter faults.
    #[arg(long, requires = "faults")]
    sample: bool,
    /// Writes the tables into `scaling.md` in this folder.
    #[arg(long, value_name = "FOLDER", requires = "faults")]
    write_docs: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // Configs name files from their own folders.
    let (locum, plugins) = (args.locum.canonicalize()?, args.plugins.canonicalize()?);
    let fixtures = args.fixtures.canonicalize()?;
    let setup = Setup { locum: &locum, plugins: &plugins, fixtures: &fixtures };
    let mut out = std::io::stdout().lock();
    if args.faults {
        return cluster::run_faults(&setup, args.sample, args.write_docs.as_deref(), &mut out);
    }
    cluster::show(&setup, args.once, &mut out)
}
