//! The keys of trusted issuers from a table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use locum_engine::KeySet;
use locum_engine::ports::{IssuerKeys, PortReply, StoreUnavailable};
use locum_engine::prepared::RemoteIssuer;

use crate::faults::{PortCalls, UNAVAILABLE};

/// Gives the keys of a table, and records what was asked for.
pub struct ScriptedKeys {
    sets: HashMap<String, Arc<KeySet>>,
    calls: Arc<PortCalls>,
    asked: Mutex<Vec<(String, Option<String>)>>,
}

impl ScriptedKeys {
    pub(crate) fn new(sets: &HashMap<String, String>, calls: Arc<PortCalls>) -> Self {
        let read =
            |(issuer, json): (&String, &String)| (issuer.clone(), Arc::new(KeySet::from_json(json).unwrap()));
        Self { sets: sets.iter().map(read).collect(), calls, asked: Mutex::default() }
    }

    /// The issuers whose keys were asked for, and the `kid`s that tokens named.
    pub fn asked(&self) -> Vec<(String, Option<String>)> {
        self.asked.lock().unwrap().clone()
    }
}

impl IssuerKeys for ScriptedKeys {
    fn keys<'a>(
        &'a self,
        issuer: &'a RemoteIssuer,
        kid: Option<&'a str>,
    ) -> PortReply<'a, Result<Arc<KeySet>, StoreUnavailable>> {
        let issuer = issuer.issuer().to_owned();
        let set = self.sets.get(&issuer).filter(|_| self.calls.succeeds("issuer_keys")).cloned();
        self.asked.lock().unwrap().push((issuer, kid.map(str::to_owned)));
        PortReply::Now(set.ok_or_else(|| StoreUnavailable(UNAVAILABLE.to_owned())))
    }
}
