//! What issuers have answered in this run, by a clock that goes on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::exchange::parts::Parts;

/// The first answer of each api_type, decoded, with the second in which it was given, by this machine's clock.
#[derive(Debug, Default)]
pub(crate) struct EarlierAnswers(Mutex<BTreeMap<String, (u64, Parts)>>);

impl EarlierAnswers {
    /// Keeps an answer, unless there is an earlier one.
    pub(crate) fn keep(&self, api_type: &str, unix_seconds: u64, answer: Parts) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(api_type.to_owned()).or_insert((unix_seconds, answer));
    }

    pub(crate) fn of(&self, api_type: &str) -> Option<(u64, Parts)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(api_type).cloned()
    }
}
