//! Calls of ports are counted, and any of them can be made to fail.

use std::sync::Mutex;

/// What an unavailable port says of itself: only the audit may show it.
pub const UNAVAILABLE: &str = "db.internal:5432 refused the connection";

/// The calls of ports that can fail, in their order, and which of them do.
#[derive(Default)]
pub struct PortCalls {
    made: Mutex<Vec<&'static str>>,
    failing: Mutex<Failing>,
}

#[derive(Default)]
struct Failing {
    nth: Option<usize>,
    port: Option<&'static str>,
}

impl PortCalls {
    /// Lets the n-th call from now on fail, counted from 1.
    pub fn fail_nth(&self, n: usize) {
        self.made.lock().unwrap().clear();
        self.failing.lock().unwrap().nth = Some(n);
    }

    /// Lets every call of this port fail.
    pub fn fail_all_of(&self, port: &'static str) {
        self.failing.lock().unwrap().port = Some(port);
    }

    /// The ports that were called, in the order of the calls.
    pub fn made(&self) -> Vec<&'static str> {
        self.made.lock().unwrap().clone()
    }

    /// Notes a call. False if it is to fail.
    pub(crate) fn succeeds(&self, port: &'static str) -> bool {
        let mut made = self.made.lock().unwrap();
        made.push(port);
        let failing = self.failing.lock().unwrap();
        failing.nth != Some(made.len()) && failing.port != Some(port)
    }
}
