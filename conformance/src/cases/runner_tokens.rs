//! The tokens of the runner whose signature is not that of the token that was issued in process, because it is random: they
//! are verified beside those.

use std::sync::{Mutex, PoisonError};

/// The tokens of one step.
#[derive(Debug, Default)]
pub(crate) struct RunnerTokens(Mutex<Vec<String>>);

impl RunnerTokens {
    pub(crate) fn push(&self, jwt: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(jwt.to_owned());
    }

    /// The tokens since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
