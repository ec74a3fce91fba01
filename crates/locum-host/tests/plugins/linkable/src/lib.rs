//! Two issuers that tests both load as a file and link into their program.

mod exchange;
mod stamp;

use crate::exchange::Exchange;
use crate::stamp::Stamp;

locum_plugin::export_plugin! { name: "linkable", vendor: "Tests", issuers: [Stamp, Exchange] }
