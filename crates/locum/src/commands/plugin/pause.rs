//! `locum plugin pause` and `resume`.

use serde::Deserialize;
use serde_json::Value;

use crate::cli::AddOnsArgs;
use crate::commands::plugin::status;
use crate::config;
use crate::control::client::ask;
use crate::control::protocol::{Pause, Request, Scope};
use crate::exit::CommandError;
use crate::format::print_text;

pub(super) fn pause(args: &AddOnsArgs) -> Result<(), CommandError> {
    let config = config::load(&args.config)?;
    let _: Value = ask(&config, &Request::Pause(scope(args)))?;
    print_text(&format!("paused {}", named(args)));
    Ok(())
}

/// What the server says about ended pauses.
#[derive(Deserialize)]
struct Resumed {
    ended: usize,
    still_paused: Vec<Pause>,
}

pub(super) fn resume(args: &AddOnsArgs) -> Result<(), CommandError> {
    let config = config::load(&args.config)?;
    let Resumed { ended, still_paused } = ask(&config, &Request::Resume(scope(args)))?;
    print_text(&format!("resumed {} (pauses ended: {ended})", named(args)));
    for pause in still_paused {
        print_text(&format!("still paused: {}", status::described(&args.plugin, &pause)));
    }
    Ok(())
}

fn scope(AddOnsArgs { plugin, tenant, api_type, .. }: &AddOnsArgs) -> Scope {
    Scope { plugin: plugin.clone(), tenant: tenant.clone(), api_type: api_type.clone() }
}

fn named(AddOnsArgs { plugin, tenant, api_type, .. }: &AddOnsArgs) -> String {
    status::named(plugin, tenant.as_deref(), api_type.as_deref())
}
