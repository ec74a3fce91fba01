//! The command line: each flag with its help.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Exchanges a user's token for short-lived credentials elsewhere.
#[derive(Parser)]
#[command(name = "locum", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves delegation requests until it is told to stop; SIGHUP reloads the tenants.
    Serve(ServeArgs),
    /// Checks config, tenants and plugins as `serve` would, without serving.
    Check(CheckArgs),
    /// Looks at plugin files, pins them, and starts new ones.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Makes id_tokens for demos and tests, and looks into tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Tests a plugin file or a running server with the conformance suite.
    Conformance(ConformanceArgs),
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The config file.
    #[arg(long, default_value = "locum.toml")]
    pub(crate) config: PathBuf,
    /// Listens here instead of where the config says.
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The config file.
    #[arg(long, default_value = "locum.toml")]
    pub(crate) config: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum PluginCommand {
    /// Lists the plugins of a directory, without running them.
    List {
        /// The directory.
        #[arg(default_value = "plugins")]
        directory: PathBuf,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Shows everything known about a plugin file, without running it.
    Inspect {
        /// The file.
        file: PathBuf,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Pins plugin files: from then on exactly these bytes may be loaded.
    Pin {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The lock file; by default `plugins.lock` beside the files' directory.
        #[arg(long)]
        lock: Option<PathBuf>,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Writes the crate of a new plugin: it builds, passes the core cases, and has one case for its author to edit.
    New(NewPluginArgs),
}

#[derive(Args)]
pub(crate) struct NewPluginArgs {
    /// The plugin's name, such as `car-park`.
    pub(crate) name: String,
    /// The folder to write; by default one of the plugin's name, here.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// The folder of the crate `locum-plugin`, in a checkout of Locum.
    #[arg(long, required_unless_present = "workspace")]
    pub(crate) sdk: Option<PathBuf>,
    /// Write `plugins/<name>` and `fixtures/<name>` into this workspace of Locum.
    #[arg(long, conflicts_with_all = ["dir", "sdk"], hide = true)]
    pub(crate) workspace: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes an id_token of a tenant's client, signed as that client's tokens are.
    Mint {
        /// The tenant file.
        #[arg(long)]
        tenant: PathBuf,
        /// The client it is issued to.
        #[arg(long)]
        client: String,
        /// The user it speaks of.
        #[arg(long)]
        user: String,
        /// A further claim, `name=value`; the value is JSON, or else a text.
        #[arg(long = "claim", value_name = "NAME=VALUE")]
        claims: Vec<String>,
        /// Seconds that it lives.
        #[arg(long, default_value_t = 300)]
        lifetime: u32,
    },
    /// Shows header, claims and times of a token, unverified. Reads standard input without TOKEN.
    Inspect {
        /// The token.
        token: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Args)]
pub(crate) struct ConformanceArgs {
    /// A plugin file, or the base URL of a server.
    pub(crate) plugin_or_url: String,
    /// Folders of fixtures besides the suite's own; by default `fixtures`, if that folder exists.
    #[arg(long)]
    pub(crate) fixtures: Vec<PathBuf>,
    /// JSON file with valid settings of the plugin, in place of those in its `plugin.yaml`.
    #[arg(long)]
    pub(crate) settings: Option<PathBuf>,
    /// The tenant file of the server; needed with a URL.
    #[arg(long)]
    pub(crate) tenant: Option<PathBuf>,
    /// The plugins of the server: plugin files, which are not run, or `manifest.json` files; by default the plugin `app`.
    #[arg(long)]
    pub(crate) plugins: Vec<PathBuf>,
    /// Run only these cases, by id.
    #[arg(long)]
    pub(crate) only: Vec<String>,
    /// Also measure which mutants the cases detect: plugins and hosts with one fault each.
    #[arg(long)]
    pub(crate) mutation_score: bool,
    /// Write report.yaml, report.html and junit.xml to this folder.
    #[arg(long)]
    pub(crate) report_dir: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// How a command shows what it found.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}
