//! Keeps in a database what must survive a restart: refresh tokens, in SQLite.
//!
//! ```text
//! SqliteState ── open: the file, its mode, the schema
//!            ├── refresh_tokens: the engine's port, each call one statement or one transaction
//!            ├── sweep: deletes families that have ended
//!            └── copy_to: a backup while requests are served
//! ```

mod error;
mod open;
mod refresh_tokens;
mod schema;
mod sqlite_state;

pub use error::StateError;
pub use sqlite_state::SqliteState;
