//! What the ports need kept: tenant files, rate buckets in memory, the machine's time and randomness.
//!
//! Each module implements one port of `locum-engine` and nothing else: [`TenantSet`] and [`FileDirectory`] the
//! directory, [`MemoryBuckets`] the buckets, [`SystemClock`] and [`SystemEntropy`] time and randomness.

mod directory;
mod memory_buckets;
mod system;
pub mod tenant_file;

pub use directory::{FileDirectory, TenantSet, TenantSetError};
pub use memory_buckets::MemoryBuckets;
pub use system::{SystemClock, SystemEntropy};
