//! The database on either server: what every store must do, and what can be wrong with a file or a server.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failure of the test")]

mod backups;
mod directory;
mod faults;
mod full_disk;
mod places;
mod postgres_connections;
mod postgres_faults;
mod postgres_schema;
mod postgres_tls;
mod postgres_urls;
mod refresh_tokens;
mod restored;
mod sealing;
mod status;
mod sweeping;
mod used_assertions;
mod wire;
