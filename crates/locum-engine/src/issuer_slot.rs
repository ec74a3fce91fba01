//! Where an add-on keeps its issuer: made ready once, dropped with the tenant it belongs to.

use std::fmt;
use std::sync::{Arc, OnceLock};

use locum_abi::answer::Failure;

use crate::ports::Issuer;

/// Empty until the first request, or until a tenant is prepared.
#[derive(Default)]
pub(crate) struct IssuerSlot(OnceLock<Result<Arc<dyn Issuer>, Failure>>);

impl IssuerSlot {
    /// The issuer, made ready now if it never was. A refusal is kept as well: settings do not mend themselves.
    pub(crate) fn ready(
        &self,
        configure: impl FnOnce() -> Result<Arc<dyn Issuer>, Failure>,
    ) -> Result<Arc<dyn Issuer>, Failure> {
        self.0.get_or_init(configure).clone()
    }
}

impl fmt::Debug for IssuerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.get() {
            None => "Empty",
            Some(Ok(_)) => "Ready",
            Some(Err(_)) => "Refused",
        })
    }
}
