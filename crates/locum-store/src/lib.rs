//! Implements the engine's ports: tenant files, rate buckets in memory, the system's clock and random generator.
//!
//! [`FileDirectory`] serves a [`TenantSet`] read from tenant files, [`MemoryBuckets`] keeps rate buckets, [`SystemClock`]
//! tells the time and [`SystemEntropy`] draws random bytes.

mod directory;
mod memory_buckets;
mod system;
pub mod tenant_file;

pub use directory::{FileDirectory, TenantSet, TenantSetError};
pub use memory_buckets::MemoryBuckets;
pub use system::{SystemClock, SystemEntropy};
