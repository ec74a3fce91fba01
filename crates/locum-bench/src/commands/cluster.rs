//! `locum-bench cluster`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::cluster::{self, Place, Setup};
use crate::disturbances::Disturbances;
use crate::measure;
use crate::processors::Processors;

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
    /// Where the nodes have the tenant from.
    #[arg(long, value_enum, default_value_t = Place::Database)]
    tenants: Place,
    /// Makes one round of requests and stops.
    #[arg(long)]
    once: bool,
    /// Loads the nodes while one fault after another happens, and counts what came of it.
    #[arg(long)]
    faults: bool,
    /// Fewer and shorter faults or measurements.
    #[arg(long)]
    sample: bool,
    /// Measures what requests cost with Redis and PostgreSQL, and writes what it needs into this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "faults")]
    ratios: Option<PathBuf>,
    /// Writes the tables into `scaling.md` in this folder.
    #[arg(long, value_name = "FOLDER")]
    write_docs: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // Configs name files from their own folders.
    let (locum, plugins) = (args.locum.canonicalize()?, args.plugins.canonicalize()?);
    let fixtures = args.fixtures.canonicalize()?;
    let setup = Setup { locum: &locum, plugins: &plugins, fixtures: &fixtures, tenants: args.tenants };
    let mut out = std::io::stdout().lock();
    if args.faults {
        return cluster::run_faults(&setup, args.sample, args.write_docs.as_deref(), &mut out);
    }
    if let Some(folder) = &args.ratios {
        std::fs::create_dir_all(folder)?;
        let measured = measure::Setup {
            locum,
            plugins,
            symbols: None,
            peers: None,
            folder: folder.canonicalize()?,
            processors: Processors::split()?,
            disturbances: Disturbances::default(),
            quick: args.sample,
        };
        return cluster::run_ratios(&measured, &fixtures, args.write_docs.as_deref(), &mut out);
    }
    cluster::show(&setup, args.once, &mut out)
}
