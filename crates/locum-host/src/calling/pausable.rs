//! An issuer that an operator can pause. The check of each call is one load of a pointer: no lock.

use std::future::ready;
use std::sync::Arc;

use locum_abi::answer::{Issued, RevokeAnswer};
use locum_abi::grant::Grant;
use locum_engine::ports::{
    CallContext, Issuer, IssuerFailure, PortFuture, PresentedCredential, TenantAudiences,
};

use crate::calling::backend::IssuerLabel;
use crate::pauses::OperatorPauses;

/// A configured issuer with what decides whether it is paused.
pub(crate) struct PausableIssuer<I> {
    pub(crate) issuer: I,
    pub(crate) plugin: Arc<str>,
    pub(crate) label: IssuerLabel,
    pub(crate) pauses: Arc<OperatorPauses>,
}

impl<I: Issuer> Issuer for PausableIssuer<I> {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
        audiences: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        if self.is_paused() {
            return Box::pin(ready(Err(IssuerFailure::Paused)));
        }
        self.issuer.issue(grant, context, audiences)
    }

    fn revoke<'a>(
        &'a self,
        presented: PresentedCredential<'a>,
        context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        if self.is_paused() {
            return Box::pin(ready(Err(IssuerFailure::Paused)));
        }
        self.issuer.revoke(presented, context)
    }

    fn is_paused(&self) -> bool {
        self.pauses.cover(&self.plugin, &self.label.tenant, &self.label.api_type)
    }
}
