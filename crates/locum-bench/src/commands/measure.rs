//! `locum-bench measure`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::json;

use crate::disturbances::Disturbances;
use crate::exchange::Exchange;
use crate::gate::Limits;
use crate::measure::{self, Report, Section, Setup};
use crate::processors::Processors;
use crate::{docs, soak, table};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The `locum` program.
    #[arg(long)]
    locum: PathBuf,
    /// The directory of its plugins, beside their lock.
    #[arg(long)]
    plugins: PathBuf,
    /// The target directory of a build with symbols, with `plugins` in it: for instructions.
    #[arg(long)]
    symbols: Option<PathBuf>,
    /// The folder in which the services of Node are installed.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// A folder for what the run writes: configs, audit logs, profiles.
    #[arg(long)]
    folder: PathBuf,
    /// Fewer and shorter measurements.
    #[arg(long)]
    quick: bool,
    /// Measures only this part; may be given several times.
    #[arg(long, value_name = "PART")]
    only: Vec<Section>,
    /// Measures only this exchange, where parts have several; may be given several times.
    #[arg(long, value_name = "NAME")]
    exchange: Vec<Exchange>,
    /// Prints the functions that cost most instructions.
    #[arg(long)]
    profile: bool,
    /// Fails if a figure is beyond its limit.
    #[arg(long)]
    gate: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes tables and charts into `performance.md` in this folder.
    #[arg(long, value_name = "FOLDER")]
    write_docs: Option<PathBuf>,
    /// Loads the server for so many minutes at 0.8 of its capacity, and measures nothing else.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    fs::create_dir_all(&args.folder)?;
    // Configs name files from their own folders.
    let setup = Setup {
        locum: args.locum.canonicalize()?,
        plugins: args.plugins.canonicalize()?,
        symbols: args.symbols.clone(),
        peers: args.peers.clone(),
        folder: args.folder.canonicalize()?,
        processors: Processors::split()?,
        disturbances: Disturbances::default(),
        quick: args.quick,
    };
    let limits = Limits::read()?;
    let mut out = std::io::stdout().lock();
    if let Some(minutes) = args.soak {
        return soak::run(&setup, Duration::try_from_secs_f64(minutes * 60.0)?, limits.soak, &mut out);
    }
    let sections = if args.only.is_empty() { Section::value_variants() } else { &args.only };
    let exchanges = if args.exchange.is_empty() { &Exchange::ALL[..] } else { &args.exchange };
    let report = measure::run(&setup, sections, exchanges)?;
    let verdicts = if args.gate { limits.check(&report) } else { Vec::new() };
    match args.format {
        Format::Json => writeln!(out, "{:#}", json!({"report": report, "limits": verdicts}))?,
        Format::Text => {
            writeln!(out, "{}\n{}", table::machine(&report), table::tables(&report))?;
            writeln!(out, "{}", table::verdicts(&verdicts))?;
        }
    }
    if args.profile {
        profiles(&setup, &report, &mut out)?;
    }
    if let Some(folder) = &args.write_docs {
        docs::write(folder, &report)?;
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.good).count();
    if failed > 0 {
        bail!("{failed} of {} limits are exceeded", verdicts.len());
    }
    Ok(())
}

fn profiles(setup: &Setup, report: &Report, out: &mut impl Write) -> Result<()> {
    for count in &report.instructions {
        let path = setup.profile_folder(&count.service, count.exchange).join("profile.txt");
        writeln!(out, "{}, {}\n\n{}", count.exchange.title(), count.service, fs::read_to_string(path)?)?;
    }
    Ok(())
}
