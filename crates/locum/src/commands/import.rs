//! `locum import`: makes a tenant file of the tenant of another service.

mod readiness_table;

use std::sync::Arc;

use jiff::Zoned;
use locum_host::{LoadOptions, PluginSet, runner::RunnerCommand};
use locum_import::{
    ApiClients, DeployConfig, Folder, ImportError, Options, OutputError, Report, import, read_export, write,
};
use locum_store::NewSigningKey;

use crate::asked_add_ons::NoUpstreams;
use crate::cli::{ImportAuth0Args, ImportCommand, TextFormat};
use crate::exit::CommandError;
use crate::format::print_text;

pub(crate) fn run(command: &ImportCommand) -> Result<(), CommandError> {
    match command {
        ImportCommand::Auth0(args) => auth0(args),
    }
}

fn auth0(args: &ImportAuth0Args) -> Result<(), CommandError> {
    let config =
        args.config.as_deref().map(DeployConfig::read).transpose().map_err(refused)?.unwrap_or_default();
    let api_clients = args.clients.as_deref().map(ApiClients::read).transpose().map_err(refused)?;
    let folder = Folder::open(&args.export).map_err(refused)?;
    let export = read_export(&folder, &config).map_err(refused)?;
    let plugins = load_plugins(args)?;
    let options = Options {
        domain: &args.domain,
        config: &config,
        api_clients: api_clients.as_ref(),
        issuers: &plugins,
        secret_settings: &|schema, settings| {
            let secrets = locum_host::secret_settings(schema, settings);
            secrets.into_iter().map(|secret| secret.pointer).collect()
        },
        signing_key: &|domain| NewSigningKey::generate(domain, Zoned::now().date()),
    };
    let imported = import(export, &options).map_err(refused)?;
    write(&imported, &args.out).map_err(|error| match error {
        OutputError::NotEmpty(_) | OutputError::NoName(_) | OutputError::NoParent(_) => {
            CommandError::usage(error)
        }
        error => CommandError::system(error),
    })?;
    match args.format {
        TextFormat::Json => print_text(&ascii_json(&imported.report)),
        TextFormat::Text => print_text(&readiness_table::text(&imported.report, &args.out)),
    }
    Ok(())
}

/// JSON in ASCII: a terminal may take other characters of names for a control sequence.
fn ascii_json(report: &Report) -> String {
    let json = serde_json::to_string_pretty(report).unwrap_or_default();
    let mut ascii = String::with_capacity(json.len());
    for char in json.chars() {
        // Whatever is outside of texts is printable ASCII, or the end of a line.
        if matches!(char, '\n' | ' '..='~') {
            ascii.push(char);
        } else {
            let units = char
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect::<String>();
            ascii.push_str(&units);
        }
    }
    ascii
}

fn refused(error: ImportError) -> CommandError {
    match error {
        ImportError::Domain(_) => CommandError::usage(error),
        ImportError::NoAppIssuer => CommandError::plugin(error),
        ImportError::SigningKey(_) => CommandError::system(error),
        error => CommandError::input_file(error),
    }
}

/// The pinned plugins. They are configured and never asked for a credential, so they have no upstreams.
fn load_plugins(args: &ImportAuth0Args) -> Result<PluginSet, CommandError> {
    let mut options = LoadOptions::new(Arc::new(NoUpstreams));
    options.runner = Some(RunnerCommand::SelfExe);
    let directory = std::path::absolute(&args.plugins).map_err(CommandError::usage)?;
    PluginSet::load_directory(&directory, options).map_err(|error| {
        CommandError::plugin(format!(
            "{error}\nname the directory of your pinned plugins with --plugins: they decide which add-ons can be kept"
        ))
    })
}
