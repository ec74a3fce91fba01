//! An audit log: JSON lines in a hash chain, written by a thread of its own to a file, a socket or standard error.
//!
//! [`AuditLog`] implements the engine's port. A request only appends its event to a buffer in memory, which is bounded
//! in bytes; the thread takes the whole buffer every few milliseconds, numbers the lines, chains them and writes them.
//! What cannot be written never blocks a request: [`WhenUnavailable`](locum_engine::model::WhenUnavailable) decides
//! whether requests are served meanwhile, and lost events are counted, or are answered with 503.
//!
//! Each line has `seq`, its number, and `prev`, the SHA-256 of the line before it. [`verify()`] checks that. The chain shows
//! that a line was changed, removed, added or moved. It does not show that the file's owner wrote the whole file anew
//! or cut off its end: for that, keep the chain's [`Head`] elsewhere from time to time, and compare.
//!
//! ```
//! use std::sync::Arc;
//!
//! use locum_store::audit::{AuditLog, AuditOptions, Destination};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("audit.jsonl");
//! let log = Arc::new(AuditLog::open(AuditOptions::new(Destination::File(path)))?);
//! // Give `log.clone()` to `Ports::new`, and when the server has stopped:
//! let stopped = log.stop(std::time::Duration::from_secs(2));
//! assert_eq!(stopped.lost, 0);
//! # Ok(())
//! # }
//! ```

mod chain;
mod destination;
mod line;
mod line_buffer;
mod log;
mod notice;
mod tail;
mod verify;
mod waiter;
mod writer;

pub use chain::{Head, InvalidHead};
pub use destination::{Destination, OpenError};
pub use line::{AddOnScope, Lifecycle, LoadedPlugin};
pub use line_buffer::{Batch, LineBuffer};
pub use log::{AuditLog, AuditOptions, Stopped};
pub use notice::Notice;
pub use verify::{ChainBreak, FileCheck, VerifyError, verify};
