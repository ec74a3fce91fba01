//! `locum plugin pin`: shows plugin files, asks, and records their SHA-256 with what they are allowed.

use std::path::Path;

use locum_host::{Inspection, Pin, Pins, inspect, runner};

use crate::cli::PinArgs;
use crate::commands::plugin::inspect::description;
use crate::commands::plugin::level::Level;
use crate::commands::plugin::{absolute, ask, refuse_without_terminal};
use crate::exit::CommandError;
use crate::format::print_text;

pub(super) fn run(args: &PinArgs) -> Result<(), CommandError> {
    let level = Level::of_args(args);
    if matches!(level, Level::Runner(_)) && !runner::SUPPORTED {
        return Err(CommandError::plugin(
            "this system cannot run a plugin in a process of its own: that needs Linux on x86_64 with glibc; \
             pin with --in-process if you trust the plugin as you trust Locum",
        ));
    }
    for file in &args.files {
        let file = absolute(file)?;
        let inspection = inspect(&file).map_err(CommandError::plugin)?;
        let lock = match &args.lock {
            Some(lock) => lock.clone(),
            None => Pins::lock_path(file.parent().unwrap_or(Path::new("/"))),
        };
        let pin = allowing(level.pin(&inspection), args, &inspection);
        if !args.yes && !confirmed(&inspection, level, &pin)? {
            return Err(CommandError::check_failed());
        }
        let mut pins = Pins::from_lock(&lock).map_err(CommandError::plugin)?;
        let text = format!("pinned {} {} in {}, isolation {level}", pin.file, pin.sha256, lock.display());
        pins.pin(pin);
        pins.write_lock(&lock).map_err(CommandError::system)?;
        print_text(&text);
    }
    Ok(())
}

/// The pin with those permissions of the command that the manifest has a use for.
fn allowing(mut pin: Pin, args: &PinArgs, inspection: &Inspection) -> Pin {
    let signs_bytes = inspection.manifest.issuers.iter().any(|issuer| issuer.signs.bytes);
    pin.allow_signing_bytes = args.allow_signing_bytes && signs_bytes;
    pin.give_tenant_key = args.give_tenant_key && inspection.manifest.needs_tenant_key();
    pin
}

/// Shows the plugin and asks whether to pin it.
fn confirmed(inspection: &Inspection, level: Level, pin: &Pin) -> Result<bool, CommandError> {
    refuse_without_terminal("pin")?;
    print_text(&description(inspection));
    print_text(&format!("isolation {level}: {}\n", level.meaning()));
    if pin.allow_signing_bytes {
        print_text(
            "it may have any XML signed with the tenants' keys: whatever trusts a tenant's certificate believes it.\n",
        );
    }
    if pin.give_tenant_key {
        print_text("it is given the tenants' private keys: whoever has one can sign as that tenant.\n");
    }
    ask("Pin this file?")
}
