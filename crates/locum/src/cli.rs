//! The command line: each command and flag with its help.

mod details;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use locum_store::audit::Head;

use crate::config::ListenAddress;

#[derive(Parser)]
#[command(
    name = "locum",
    version,
    about = details::PURPOSE,
    after_help = details::EXIT_CODES,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve delegation requests until stopped
    Serve(ServeArgs),
    /// Check the config, the tenants and the plugins without serving
    Check(CheckArgs),
    /// List the clients that can get credentials for a target
    WhoCan(WhoCanArgs),
    /// List, inspect, pin, upgrade, pause, create and try plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Import the tenant of another service as a tenant file
    #[command(subcommand)]
    Import(ImportCommand),
    /// Mint id_tokens for tests, and decode tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Copy, check or migrate the database of a server
    #[command(subcommand)]
    State(StateCommand),
    /// Check audit files
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Test a plugin file or a running server with the conformance suite
    Conformance(ConformanceArgs),
    /// Print the script by which a shell completes this program's commands
    #[command(after_help = details::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write a manual page for each command
    #[command(after_help = details::MAN)]
    Man {
        /// Write into this folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

#[derive(Args)]
#[command(after_help = details::SERVE)]
pub(crate) struct ServeArgs {
    /// Read this config file
    #[arg(long, value_name = "FILE", default_value = "locum.toml")]
    pub(crate) config: PathBuf,
    /// Listen on this address instead of the config's `listen`
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<ListenAddress>,
}

#[derive(Args)]
#[command(after_help = details::CHECK)]
pub(crate) struct CheckArgs {
    /// Read this config file
    #[arg(long, value_name = "FILE", default_value = "locum.toml")]
    pub(crate) config: PathBuf,
    /// Print text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Args)]
#[command(after_help = details::WHO_CAN)]
pub(crate) struct WhoCanArgs {
    /// The client_id of the target
    pub(crate) target: String,
    /// Read this config file
    #[arg(long, value_name = "FILE", default_value = "locum.toml")]
    pub(crate) config: PathBuf,
    /// Print text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum PluginCommand {
    /// List the plugin files of a directory, and whether they are pinned
    #[command(after_help = details::PLUGIN_LIST)]
    List {
        /// The directory of the plugin files
        #[arg(default_value = "plugins")]
        directory: PathBuf,
        /// Print text or JSON
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show what a plugin issues, calls, signs and needs, and where it would run
    #[command(after_help = details::PLUGIN_INSPECT)]
    Inspect {
        /// The plugin file
        file: PathBuf,
        /// Print text or JSON
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Trust plugin files: record their SHA-256, so that exactly these bytes may be loaded
    #[command(after_help = details::PLUGIN_PIN)]
    Pin(PinArgs),
    /// Show the plugins of a running server: version, level, health and pauses
    #[command(after_help = details::PLUGIN_STATUS)]
    Status {
        /// Read the control socket's path from this config file
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
        /// Print text or JSON
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Let a running server answer 503 for a plugin's add-ons, without calling them
    #[command(after_help = details::PLUGIN_PAUSE)]
    Pause(AddOnsArgs),
    /// Let a running server call a plugin's add-ons again
    #[command(after_help = details::PLUGIN_RESUME)]
    Resume(AddOnsArgs),
    /// Replace a plugin of a running server by another version, without a restart
    #[command(after_help = details::PLUGIN_UPGRADE)]
    Upgrade(UpgradeArgs),
    /// Serve a plugin that you work on, with scripted upstreams, and test it again after each change
    #[command(after_help = details::PLUGIN_DEV)]
    Dev(DevArgs),
    /// Create the crate of a new plugin, with one failing case for its author to edit
    #[command(after_help = details::PLUGIN_NEW)]
    New(NewPluginArgs),
}

#[derive(Args)]
pub(crate) struct AddOnsArgs {
    /// The plugin's name, as `locum plugin status` shows it
    pub(crate) plugin: String,
    /// Only the add-ons of the tenant with this domain
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) tenant: Option<String>,
    /// Only the add-ons with this api_type
    #[arg(long, value_name = "API_TYPE")]
    pub(crate) api_type: Option<String>,
    /// Read the control socket's path from this config file
    #[arg(long, value_name = "FILE", default_value = "locum.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Args)]
pub(crate) struct UpgradeArgs {
    /// The new plugin file, which stays where it is
    pub(crate) file: PathBuf,
    /// Read the control socket's path from this config file
    #[arg(long, value_name = "FILE", default_value = "locum.toml")]
    pub(crate) config: PathBuf,
    /// Upgrade without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct PinArgs {
    /// The plugin files
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Write this lock file [default: `plugins.lock` beside the directory of the plugin file]
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Let the plugins run in the server's process, where they can do whatever the server can
    #[arg(long)]
    pub(crate) in_process: bool,
    /// Start a process of its own for each tenant, or one for the plugin
    #[arg(long, value_name = "SCOPE", default_value = "plugin", conflicts_with = "in_process")]
    pub(crate) isolate: IsolateArg,
    /// Let plugins whose manifest asks for it have XML signed with the tenant's key, which the server cannot check
    #[arg(long)]
    pub(crate) allow_signing_bytes: bool,
    /// Give the tenant's private key to plugins that were built to need it, instead of signing for them
    #[arg(long, requires = "in_process")]
    pub(crate) give_tenant_key: bool,
    /// Pin without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct DevArgs {
    /// A plugin file, or the folder of its crate, which is built
    #[arg(value_name = "FILE_OR_FOLDER", default_value = ".")]
    pub(crate) plugin: PathBuf,
    /// Read the settings and the upstreams' replies of this folder [default: `fixtures` of the crate or the working directory]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) fixtures: Vec<PathBuf>,
    /// Call a real upstream at the URL of this setting, instead of answering by `plugin.yaml`
    #[arg(long = "upstream-url", value_name = "SETTING=URL", value_parser = setting_and_url)]
    pub(crate) upstream_urls: Vec<(String, String)>,
    /// Listen on this address of the loopback interface; port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Build and test again when a source or a fixture changes [default: on a terminal]
    #[arg(long, conflicts_with = "no_watch")]
    pub(crate) watch: bool,
    /// Serve the plugin as it is, also on a terminal
    #[arg(long)]
    pub(crate) no_watch: bool,
}

fn setting_and_url(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((setting, url)) if !setting.is_empty() => Ok((setting.to_owned(), url.to_owned())),
        _ => Err("write SETTING=URL, such as token_url=https://login.example.com/token"),
    }
}

#[derive(Args)]
pub(crate) struct NewPluginArgs {
    /// The plugin's name, such as `car-park`
    pub(crate) name: String,
    /// Create this folder [default: the plugin's name, in the working directory]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Depend on the SDK crate in this folder: `crates/locum-plugin` in a checkout of Locum
    #[arg(long, value_name = "FOLDER", required_unless_present = "workspace")]
    pub(crate) sdk: Option<PathBuf>,
    /// Issue tokens of this upstream: a host, the same for all operators, or an example of a URL that operators set
    #[arg(long, value_name = "HOST_OR_URL")]
    pub(crate) upstream: Option<String>,
    /// Revoke tokens at the upstream; without --upstream, at an example
    #[arg(long)]
    pub(crate) revocable: bool,
    /// Have the host sign with a private key of the settings, RS256, instead of signing with a secret, HS256
    #[arg(long)]
    pub(crate) rs256: bool,
    /// Write into this workspace of Locum itself: `plugins/<name>` and `fixtures/<name>`
    #[arg(long, value_name = "WORKSPACE", conflicts_with_all = ["dir", "sdk"], hide = true)]
    pub(crate) workspace: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum ImportCommand {
    /// Import an export of Auth0's deploy CLI, and say what is still to be done
    #[command(after_help = details::IMPORT_AUTH0)]
    Auth0(ImportAuth0Args),
}

#[derive(Args)]
pub(crate) struct ImportAuth0Args {
    /// The folder into which `a0deploy export` wrote, with the format yaml or directory
    #[arg(value_name = "DIR")]
    pub(crate) export: PathBuf,
    /// The host name on which Locum will answer
    #[arg(long, value_name = "HOST")]
    pub(crate) domain: String,
    /// Read the domain at Auth0 and the markers from this config file of the deploy CLI
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Take missing ids and secrets from this response of `GET /api/v2/clients`
    #[arg(long, value_name = "FILE")]
    pub(crate) clients: Option<PathBuf>,
    /// Write into this folder, which must be empty or absent
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Configure the add-ons with the pinned plugins of this directory
    #[arg(long, value_name = "FOLDER", default_value = "plugins")]
    pub(crate) plugins: PathBuf,
    /// Print text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TextFormat,
}

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Mint an id_token for a client of a tenant, as a test of delegation needs it
    #[command(after_help = details::TOKEN_MINT)]
    Mint {
        /// Read this tenant file
        #[arg(long, value_name = "FILE")]
        tenant: PathBuf,
        /// Issue the token to this client, the claim `aud`
        #[arg(long, value_name = "CLIENT_ID")]
        client: String,
        /// Issue the token for this user, the claim `sub`
        #[arg(long, value_name = "USER_ID")]
        user: String,
        /// Add a claim; a value that is not JSON becomes a string
        #[arg(long = "claim", value_name = "NAME=VALUE")]
        claims: Vec<String>,
        /// Let the token expire after this time
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        lifetime: u32,
    },
    /// Mint a refresh token for a client of a tenant, into the database of the server
    #[command(after_help = details::TOKEN_MINT_REFRESH)]
    MintRefresh {
        /// Read this tenant file
        #[arg(long, value_name = "FILE")]
        tenant: PathBuf,
        /// Issue the token to this client
        #[arg(long, value_name = "CLIENT_ID")]
        client: String,
        /// Issue the token for this user
        #[arg(long, value_name = "USER_ID")]
        user: String,
        /// Let the token be exchanged for these scopes
        #[arg(long, value_name = "SCOPES", default_value = "openid offline_access")]
        scope: String,
        /// Read this config file, which names the database as `state`
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Mint a token of the Management API of a tenant, for an operator
    #[command(after_help = details::TOKEN_MINT_MANAGEMENT)]
    MintManagement {
        /// Read this tenant file
        #[arg(long, value_name = "FILE")]
        tenant: PathBuf,
        /// Let the token have these scopes, separated by spaces [default: all]
        #[arg(long, value_name = "SCOPES")]
        scope: Option<String>,
        /// Let the token expire after this time
        #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
        lifetime: u32,
    },
    /// Decode a JWT without verifying it: header, claims and times
    #[command(after_help = details::TOKEN_INSPECT)]
    Inspect {
        /// The token [default: read it from standard input]
        token: Option<String>,
        /// Print text or JSON
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Subcommand)]
pub(crate) enum StateCommand {
    /// Copy the database to a new file, also while a server uses it
    #[command(after_help = details::STATE_BACKUP)]
    Backup {
        /// Write the copy to this file, which must not exist
        file: PathBuf,
        /// Read this config file, which names the database as `state`
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Say which server and which version of the tables a database has, and how much is in it
    #[command(after_help = details::STATE_CHECK)]
    Check {
        /// Read this config file, which names the database as `state` or `postgres`
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Say that the database was restored from a copy, or that a standby has taken over
    #[command(after_help = details::STATE_RESTORED)]
    Restored {
        /// Revoke all refresh tokens: those that were replaced or revoked after the copy was made would be valid again
        #[arg(long, conflicts_with = "keep", required_unless_present = "keep")]
        revoke_refresh_tokens: bool,
        /// Keep them, because nothing was lost
        #[arg(long)]
        keep: bool,
        /// Read this config file, which names the database
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Make the tables, and the file with the master keys if there is none
    #[command(after_help = details::STATE_INIT)]
    Init {
        /// Read this config file, which names the database and the master keys
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Print a new line for the file with the master keys
    #[command(after_help = details::STATE_NEW_MASTER_KEY)]
    NewMasterKey,
    /// Write tenant files into the database
    #[command(after_help = details::STATE_IMPORT)]
    Import {
        /// Tenant files; what `${env:NAME}` and `${file:PATH}` name in them is written in their place
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Replace tenants that are there already, with all their clients and users
        #[arg(long)]
        replace: bool,
        /// Read this config file, which names the database and the master keys
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Write a tenant of the database to a tenant file, with all secrets
    #[command(after_help = details::STATE_EXPORT)]
    Export {
        /// The domain of the tenant
        tenant: String,
        /// Write to this file, which must not exist
        file: PathBuf,
        /// Read this config file, which names the database and the master keys
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Seal all secrets in the database by the first master key, while servers use it
    #[command(after_help = details::STATE_ROTATE)]
    RotateMasterKey {
        /// Read this config file, which names the database and the master keys
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
    /// Make the tables in PostgreSQL, or bring them to the version that this program needs
    #[command(after_help = details::STATE_MIGRATE)]
    Migrate {
        /// Read this config file, which names the database as `state` or `postgres`
        #[arg(long, value_name = "FILE", default_value = "locum.toml")]
        config: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that no line of audit files was changed, removed, added or moved
    #[command(after_help = details::AUDIT_VERIFY)]
    Verify {
        /// The audit files of one chain, oldest first
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Fail unless this line is in the files, as the server's log states it: `12:6d0f…`
        #[arg(long = "head", value_name = "SEQ:SHA256")]
        heads: Vec<Head>,
    },
}

#[derive(Args)]
#[command(after_help = details::CONFORMANCE)]
pub(crate) struct ConformanceArgs {
    /// A plugin file, or the base URL of a server
    #[arg(value_name = "PLUGIN_OR_URL")]
    pub(crate) plugin_or_url: String,
    /// Add this folder's fixtures to the suite's own [default: `fixtures`, if it exists]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) fixtures: Vec<PathBuf>,
    /// Use the settings of this JSON file instead of those of the fixtures; with --profile, a YAML file about the server
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Test any authorization server by this profile alone, with --settings instead of --tenant
    #[arg(long, value_enum, value_name = "PROFILE", requires = "settings", conflicts_with_all = ["fixtures", "tenant", "plugins", "isolation", "mutation_score"])]
    pub(crate) profile: Option<ProfileArg>,
    /// Read the tenant file that the tested server uses; needed with a URL, unless there is a --profile
    #[arg(long, value_name = "FILE")]
    pub(crate) tenant: Option<PathBuf>,
    /// Send the requests as this client of the tenant [default: a client that can delegate]
    #[arg(long, value_name = "CLIENT_ID", requires = "tenant")]
    pub(crate) caller: Option<String>,
    /// Request credentials for this client, or for the first of several that can be the target [default: any]
    #[arg(long = "target", value_name = "CLIENT_ID", requires = "tenant")]
    pub(crate) targets: Vec<String>,
    /// Send this parameter to the add-ons that understand it; a value that is not JSON becomes a string
    #[arg(long = "parameter", value_name = "NAME=VALUE", requires = "tenant")]
    pub(crate) parameters: Vec<String>,
    /// Read this plugin file or `manifest.json` of a plugin that the tested server uses
    #[arg(long, value_name = "FILE")]
    pub(crate) plugins: Vec<PathBuf>,
    /// Run a plugin file at this level of isolation, or at both with the same answers
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    pub(crate) isolation: IsolationArg,
    /// Run only the case with this id, the group of cases, such as `tx.scope`, or what fits a pattern, such as `a-token-*`
    #[arg(long, value_name = "CASE")]
    pub(crate) only: Vec<String>,
    /// Show every exchange of the cases, with what the plugin asks upstreams and what it logs
    #[arg(long, conflicts_with_all = ["format", "profile"])]
    pub(crate) verbose: bool,
    /// Also inject faults one by one, and fail if the cases do not notice each of them
    #[arg(long)]
    pub(crate) mutation_score: bool,
    /// Write report.yaml, report.html and junit.xml into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) report_dir: Option<PathBuf>,
    /// Print text or JSON
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// The profiles by which any server can be tested.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArg {
    TokenExchange,
}

/// The levels of isolation at which a plugin file is tested.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsolationArg {
    InProcess,
    Runner,
    #[default]
    Both,
}

/// Which calls of a plugin share a process.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsolateArg {
    Plugin,
    Tenant,
}

/// How a command prints its result.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
}

/// How a command whose result is more than a table prints it.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    #[default]
    Text,
    Json,
}
