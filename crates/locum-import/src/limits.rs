//! The sizes up to which an export is read.

/// Longest file of an export, in bytes. A tenant with ten thousand clients exports about 40 MB of YAML.
pub(crate) const FILE_BYTES_MAX: u64 = 256 << 20;

/// Most files that are read of one folder of an export.
pub(crate) const FILES_MAX: usize = 100_000;

/// Longest secret, in bytes: the store reads no longer file for a `${file:…}`.
pub(crate) const SECRET_BYTES_MAX: usize = 64 * 1024;

/// How often the tenant is read again after something was left out of it. Each time at least one value goes.
pub(crate) const ROUNDS_MAX: usize = 1000;

/// Most places that are reported of the scripts of an export.
pub(crate) const SCRIPT_FINDINGS_MAX: usize = 1000;
