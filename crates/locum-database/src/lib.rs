//! Keeps tenants, refresh tokens and used assertions in a database: SQLite, or PostgreSQL for several machines.
//!
//! ```text
//! Database ── sqlite: the file, its mode, its copies
//!          ├── postgres: the URL, TLS, time limits
//!          ├── schema: the tables, as changes in order
//!          ├── directory: tenants, clients and users, with those in memory that are used most
//!          ├── sealing: the secrets of these, which no copy of the database shows
//!          ├── refresh_tokens, used_assertions: the engine's ports, each call one statement or one transaction
//!          ├── status: version and size
//!          ├── device_credentials: the refresh tokens of a user, for whoever administrates
//!          └── sweep: deletes what has ended
//! ```
//!
//! Statements are the same for both servers but where `Server` says otherwise. They name their columns, so that a server with
//! a column more does not disturb a program that knows it not yet.

mod database;
mod device_credentials;
pub mod directory;
mod error;
mod limits;
mod postgres;
mod refresh_tokens;
mod restored;
mod schema;
pub mod sealing;
mod server;
mod sqlite;
mod status;
mod sweep;
mod used_assertions;

pub use database::{Database, SchemaChanges};
pub use device_credentials::{DeviceCredential, DeviceQuery};
pub use error::DatabaseError;
pub use postgres::PostgresUrl;
pub use restored::{Continuity, RestoredTokens};
pub use status::DatabaseStatus;
