//! Builds the server and every plugin, and puts the plugins into one directory with their pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args as ClapArgs;

use crate::shell::{cargo, run as run_command, target_dir, workspace_root};
use crate::workspace::Workspace;

#[derive(ClapArgs, Clone, Copy)]
pub struct Args {
    /// Builds with optimizations.
    #[arg(long)]
    pub release: bool,
}

/// What a build produces.
#[derive(Clone)]
pub struct Built {
    /// The `locum` program.
    pub locum: PathBuf,
    /// The directory of the plugins; `plugins.lock` with their pins is beside it.
    pub plugins_dir: PathBuf,
    /// The plugin files.
    pub plugins: Vec<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    let built = build(*args)?;
    println!("{} plugins in {}", built.plugins.len(), built.plugins_dir.display());
    let share = target_dir()?.join("share");
    write_shell_files(&built.locum, &share)?;
    println!("shell completions and man pages in {}", share.display());
    Ok(())
}

/// Shell completions and man pages, for who installs or packages the program.
fn write_shell_files(locum: &Path, share: &Path) -> Result<()> {
    run_command(Command::new(locum).arg("man").arg(share.join("man")))?;
    let completions = share.join("completions");
    fs::create_dir_all(&completions)?;
    for (shell, file) in [("bash", "locum"), ("zsh", "_locum"), ("fish", "locum.fish")] {
        let script = Command::new(locum).args(["completions", shell]).output()?;
        ensure!(script.status.success(), "`locum completions {shell}` failed");
        fs::write(completions.join(file), script.stdout)?;
    }
    Ok(())
}

/// How something is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
    /// As for a release, with symbols, in a target directory of its own: for tools that name functions.
    ReleaseWithSymbols,
}

impl Profile {
    /// `cargo build` for it, and where it puts what it builds.
    fn cargo_build(self, target: &Path) -> (Command, PathBuf) {
        let mut build = cargo();
        build.arg("build");
        match self {
            Self::Debug => (build, target.join("debug")),
            Self::Release => {
                build.arg("--release");
                (build, target.join("release"))
            }
            Self::ReleaseWithSymbols => {
                let target = target.join("profiling");
                build.arg("--release").env("CARGO_TARGET_DIR", &target);
                build.env("CARGO_PROFILE_RELEASE_STRIP", "false");
                build.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
                (build, target.join("release"))
            }
        }
    }
}

/// Builds one more package, whose programs are put beside `locum`. By itself: together with others, cargo would build those
/// with the features that it needs of their dependencies.
pub fn build_package(profile: Profile, package: &str) -> Result<()> {
    let (mut build, _) = profile.cargo_build(&Workspace::load(workspace_root())?.target);
    run_command(build.args(["--package", package]))
}

/// Builds and pins.
pub fn build(args: Args) -> Result<Built> {
    build_as(if args.release { Profile::Release } else { Profile::Debug })
}

/// Builds and pins.
pub fn build_as(profile: Profile) -> Result<Built> {
    let workspace = Workspace::load(workspace_root())?;
    let target = &workspace.target;
    let packages: Vec<&str> = workspace.plugins().map(|package| package.name.as_str()).collect();
    let (mut build, built) = profile.cargo_build(target);
    build.args(["--package", "locum"]);
    for package in &packages {
        build.args(["--package", package]);
    }
    run_command(&mut build)?;
    // Each profile's plugins get a directory of their own: a bench must not change what a running demo has mapped.
    let plugins_dir = target.join(match profile {
        Profile::Debug => "plugins",
        Profile::Release => "release-plugins/plugins",
        Profile::ReleaseWithSymbols => "profiling/plugins",
    });
    let locum = built.join("locum");
    let plugins = lay_out(&packages, &built, &plugins_dir)?;
    let mut pin = Command::new(&locum);
    // These plugins are built with the server, from the same sources: they are trusted as it is.
    run_command(
        pin.args(["plugin", "pin", "--yes", "--in-process", "--allow-signing-bytes"]).args(&plugins),
    )?;
    Ok(Built { locum, plugins_dir, plugins })
}

/// Copies each plugin anew under its own name: a file that a server has mapped is never written into.
fn lay_out(packages: &[&str], built: &Path, plugins_dir: &Path) -> Result<Vec<PathBuf>> {
    if plugins_dir.exists() {
        fs::remove_dir_all(plugins_dir)?;
    }
    fs::create_dir_all(plugins_dir)?;
    let mut plugins = Vec::new();
    for package in packages {
        let file = format!("lib{}.so", package.replace('-', "_"));
        let plugin = plugins_dir.join(&file);
        fs::copy(built.join(&file), &plugin).with_context(|| format!("{package} built no {file}"))?;
        plugins.push(plugin);
    }
    Ok(plugins)
}
