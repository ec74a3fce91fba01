//! An issuer of tickets with which a browser opens the WebSocket of a chat server, where it cannot send headers:
//! `{"chat_ticket":"…"}`.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use locum_abi::answer::{Credential, Failure, Issued};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Lifetime};
use locum_engine::ports::{CallContext, Issuer, IssuerFailure, Issuers, PortFuture, TenantAudiences};

/// Whom each ticket is for, and when it expires. A chat server in the same process would look here.
type Tickets = Arc<Mutex<HashMap<String, (String, i64)>>>;

/// Issuers of one api_type, `chat`, which has no settings.
#[derive(Default)]
pub(crate) struct ChatTickets(Tickets);

impl Issuers for ChatTickets {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        (api_type == "chat").then(|| Arc::new(manifest()))
    }

    fn configure(&self, _: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        Ok(Arc::new(ChatTicketIssuer(Arc::clone(&self.0))))
    }
}

fn manifest() -> IssuerManifest {
    let form = CredentialForm::Text { member: "chat_ticket".to_owned() };
    IssuerManifest {
        lifetime: Lifetime::up_to_seconds(60),
        revocation_advice: "a ticket expires after a minute; restart the chat server to drop all".to_owned(),
        ..IssuerManifest::new("chat", form)
    }
}

struct ChatTicketIssuer(Tickets);

impl Issuer for ChatTicketIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
        _: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        let issued_at = (context.now_unix_ms / 1000) as i64;
        let expires_at = issued_at + grant.lifetime_seconds as i64;
        let ticket = BASE64_URL_SAFE_NO_PAD.encode(context.entropy);
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, (_, expires_at)| *expires_at > issued_at);
        tickets.insert(ticket.clone(), (grant.user_id.clone(), expires_at));
        let credential = Credential::Text(ticket);
        Box::pin(ready(Ok(Issued { credential, issued_at, expires_at: Some(expires_at) })))
    }
}
