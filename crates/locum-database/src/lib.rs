//! Keeps in a database what must survive a restart: refresh tokens and used assertions, in SQLite.
//!
//! ```text
//! SqliteState ── open: the file, its mode, the schema
//!            ├── refresh_tokens, used_assertions: the engine's ports, each call one statement or one transaction
//!            ├── sweep: deletes what has ended
//!            └── copy_to: a backup while requests are served
//! ```

mod error;
mod open;
mod refresh_tokens;
mod schema;
pub mod sealing;
mod sqlite_state;
mod used_assertions;

pub use error::StateError;
pub use sqlite_state::SqliteState;
