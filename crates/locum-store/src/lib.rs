//! Implements the engine's ports: tenant files, rate buckets in memory, the audit log, the system's clock and random generator.
//!
//! [`MemoryDirectory`] serves a [`TenantSet`], [`MemoryBuckets`] keeps rate buckets, [`MemoryRefreshTokens`] refresh tokens
//! and [`MemoryUsedAssertions`] used assertions, [`audit`] the audit log, [`SystemClock`] tells the time and [`SystemEntropy`] draws random bytes. [`tenant_file`] reads what a set is made of, and
//! [`documents`] reads and writes its parts alone.

pub mod audit;
mod directory;
pub mod documents;
mod memory_buckets;
mod memory_refresh_tokens;
mod memory_used_assertions;
mod new_signing_key;
mod parallel;
mod system;
pub mod tenant_file;
mod tenant_set;
pub mod text_file;
pub mod yaml_writer;

pub use directory::MemoryDirectory;
pub use memory_buckets::MemoryBuckets;
pub use memory_refresh_tokens::MemoryRefreshTokens;
pub use memory_used_assertions::MemoryUsedAssertions;
pub use new_signing_key::NewSigningKey;
pub use system::{SystemClock, SystemEntropy};
pub use tenant_set::{TenantData, TenantProblem, TenantSet, TenantSetError};
