//! `locum-bench instructions`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::exchange::Exchange;
use crate::{instructions, process, tenant};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The `locum` program, with symbols.
    #[arg(long)]
    locum: PathBuf,
    /// The directory of its plugins, beside their lock.
    #[arg(long)]
    plugins: PathBuf,
    /// A folder for what the run writes: configs, audit logs, profiles.
    #[arg(long)]
    folder: PathBuf,
    /// Measures only this exchange; may be given several times.
    #[arg(long)]
    exchange: Vec<Exchange>,
    /// How many requests are counted.
    #[arg(long, default_value_t = 2000)]
    requests: usize,
    /// Prints the functions that cost most.
    #[arg(long)]
    profile: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let exchanges = if args.exchange.is_empty() { &Exchange::ALL[..] } else { &args.exchange };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:14}{:8}{:>14}{:>26}", "exchange", "service", "instructions", "without crypto kernels")?;
    for &exchange in exchanges {
        for (name, service) in [("locum", Some(&args.locum)), ("ideal", None)] {
            let folder = args.folder.join(exchange.name()).join(name);
            let command = match service {
                Some(locum) => process::locum(locum, &tenant::write(&folder, &args.plugins)?),
                None => process::own("ideal")?,
            };
            let count = instructions::count(name, &command, exchange, args.requests, &args.plugins, &folder)?;
            let title = exchange.title();
            writeln!(out, "{title:14}{name:8}{:>14}{:>26}", count.instructions, count.without_kernels)?;
            if args.profile {
                writeln!(out, "\n{}", fs::read_to_string(folder.join("profile.txt"))?)?;
            }
        }
    }
    Ok(())
}
