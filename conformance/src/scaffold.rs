//! The scaffold of a new plugin: a crate that builds and passes the core cases, with one case that fails until its
//! author edits it.

mod conditions;
mod error;
mod name;
mod new_plugin;
mod template;
mod writing;

pub use self::error::ScaffoldError;
pub use self::new_plugin::NewPlugin;
pub use self::writing::{write_crate, write_workspace_member};
