//! What the ports need kept: tenant files, rate buckets in memory, the machine's time and randomness.
//!
//! Each module implements one port of `locum-engine`: [`MemoryDirectory`] the directory, of a [`TenantSet`];
//! [`MemoryBuckets`] the buckets; [`SystemClock`] and [`SystemEntropy`] time and randomness. [`tenant_file`] reads what
//! a set is made of.

mod directory;
mod memory_buckets;
mod system;
pub mod tenant_file;
mod tenant_set;

pub use directory::MemoryDirectory;
pub use memory_buckets::MemoryBuckets;
pub use system::{SystemClock, SystemEntropy};
pub use tenant_set::{TenantData, TenantProblem, TenantSet, TenantSetError};
