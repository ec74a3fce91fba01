//! Records calls of ports, and makes some of them fail.

use std::sync::Mutex;

/// The cause that a failing port states. Only the audit event may contain it.
pub const UNAVAILABLE: &str = "db.internal:5432 refused the connection";

/// The calls of ports, in order, and which of them fail.
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
    /// Makes the n-th call from now on fail, counted from 1, and forgets the calls so far.
    pub fn fail_nth(&self, n: usize) {
        self.made.lock().unwrap().clear();
        self.failing.lock().unwrap().nth = Some(n);
    }

    /// Makes every call of this port fail. Its name is that of the method, such as `client`, or `buckets`.
    pub fn fail_all_of(&self, port: &'static str) {
        self.failing.lock().unwrap().port = Some(port);
    }

    /// The names of the called ports, oldest first.
    pub fn made(&self) -> Vec<&'static str> {
        self.made.lock().unwrap().clone()
    }

    /// Records a call. Returns whether it succeeds.
    pub(crate) fn succeeds(&self, port: &'static str) -> bool {
        let mut made = self.made.lock().unwrap();
        made.push(port);
        let failing = self.failing.lock().unwrap();
        failing.nth != Some(made.len()) && failing.port != Some(port)
    }
}
