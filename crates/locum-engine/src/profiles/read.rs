//! Read: verifies the token of the request, and answers what is known of its user.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app_tokens::{AppToken, ClaimedAppToken};
use crate::bucket::BucketRule;
use crate::client_authentication::{delegating_tenant, known_client};
use crate::delegation::{Caller, Count, KnownUser, PresentedKind, PresentedToken, count, subject_of};
use crate::failure_limit::FailureLimit;
use crate::model::User;
use crate::ports::{BucketKey, BucketSubject, Found, Ports};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::profiles::members;
use crate::profiles::request::{ProfileRequest, ProfileToken};
use crate::rate_limited_address::rate_limited_address;
use crate::recorder::Recorder;
use crate::refusal::{Refusal, RefusalKind};
use crate::subject_token::Token;
use crate::unknown_names::find_client;

/// Auth0's limit of `/tokeninfo`, for each address.
const TOKEN_INFO_RATE: BucketRule =
    BucketRule { size: NonZeroU32::new(800).unwrap(), per_minute: NonZeroU32::new(800).unwrap() };

/// Auth0's limit of `/userinfo`, for each user at an address.
const USER_INFO_RATE: BucketRule =
    BucketRule { size: NonZeroU32::new(10).unwrap(), per_minute: NonZeroU32::new(5).unwrap() };

/// The profile of the user whom the token of the request names.
///
/// # Errors
/// The tenant does not allow it, the token is invalid, its user is blocked, a rate limit is exceeded, or a store is unavailable.
pub(crate) async fn read(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    request: &ProfileRequest,
    caller: &Caller,
    recorder: &mut Recorder,
) -> Result<Map<String, Value>, Refusal> {
    let tenant = delegating_tenant(tenant)?;
    ProfileRequest::allowed_by(Some(&tenant))?;
    let now_unix_ms = recorder.now_unix_ms;
    let invalid_tokens = BucketSubject::InvalidTokens;
    let limit = FailureLimit::new(&*ports.buckets, &tenant, caller.ip, invalid_tokens, now_unix_ms);
    limit.check("too many invalid tokens from this address; wait before the next request").await?;
    let reader = Reader { ports, tenant: &tenant, caller, now_unix_ms };
    let profile = match &request.token {
        ProfileToken::IdToken(token) => reader.by_id_token(token.expose(), recorder).await,
        ProfileToken::AccessToken(token) => reader.by_app_token(token.expose(), recorder).await,
    };
    if profile.as_ref().is_err_and(|refusal| refusal.kind() == RefusalKind::InvalidToken) {
        limit.count().await;
    }
    profile
}

struct Reader<'a> {
    ports: &'a Ports,
    tenant: &'a PreparedTenant,
    caller: &'a Caller,
    now_unix_ms: u64,
}

impl Reader<'_> {
    async fn by_id_token(&self, token: &str, recorder: &mut Recorder) -> Result<Map<String, Value>, Refusal> {
        self.count(BucketSubject::TokenInfo, TOKEN_INFO_RATE, recorder).await?;
        let mut decoded = Vec::new();
        let client = self.client_of(token, &mut decoded).await?;
        recorder.client(client.id());
        if client.client().oidc_conformant {
            let description = "an OIDC-conformant client cannot use /tokeninfo";
            return Err(Refusal::new(RefusalKind::UnauthorizedClient, description));
        }
        let presented = PresentedToken::new(PresentedKind::IdToken, token);
        let keys = &*self.ports.issuer_keys;
        let subject =
            subject_of(keys, self.tenant, &client, &presented, self.now_unix_ms, &mut decoded).await;
        let subject = subject.map_err(|refusal| match refusal.kind() {
            RefusalKind::InvalidGrant => invalid(refusal.description()),
            _ => refusal,
        })?;
        let user = self.user(&subject.user_id, recorder).await?;
        // As at `/delegation`, a token that another client asked for says no more than it says itself.
        let is_chain = subject.authorized_party.as_deref().is_some_and(|party| party != client.id());
        let known = KnownUser::of(&subject, user.as_deref(), is_chain);
        Ok(members::of_id_token(&known, client.id(), &self.tenant.delegation().private_attributes))
    }

    async fn by_app_token(
        &self,
        token: &str,
        recorder: &mut Recorder,
    ) -> Result<Map<String, Value>, Refusal> {
        let now = i64::try_from(self.now_unix_ms / 1000).unwrap_or(i64::MAX);
        let mut decoded = Vec::new();
        let no_app_token = || invalid("the access token is not a valid app token of this tenant");
        let claimed = ClaimedAppToken::read(token, &mut decoded).ok_or_else(no_app_token)?;
        let audience =
            find_client(self.ports, self.tenant, claimed.audience(), self.caller.ip).wait().await?;
        let verified = audience.and_then(|audience| claimed.verify(self.tenant, audience, now));
        let AppToken { audience, subject } = verified.ok_or_else(no_app_token)?;
        recorder.client(audience.id());
        self.count(BucketSubject::UserInfo(&subject.user_id), USER_INFO_RATE, recorder).await?;
        let user = self.user(&subject.user_id, recorder).await?;
        let known = KnownUser::of(&subject, user.as_deref(), true);
        Ok(members::of_app_token(&known, &subject, &audience, &self.tenant.delegation().private_attributes))
    }

    /// The client that an id_token claims to be for.
    async fn client_of(&self, token: &str, decoded: &mut Vec<u8>) -> Result<Arc<PreparedClient>, Refusal> {
        let token = Token::read(token, decoded).map_err(|why| invalid(format!("id_token {why}")))?;
        let client_id = token.claimed_audience().ok_or_else(|| invalid("id_token is not for one client"))?;
        known_client(self.ports, self.tenant, client_id, self.caller.ip).await.map_err(
            |refusal| match refusal.kind() {
                RefusalKind::UnknownClient => invalid("id_token was issued to an unknown client"),
                _ => refusal,
            },
        )
    }

    /// Takes a token from a bucket of this address.
    async fn count(
        &self,
        subject: BucketSubject<'_>,
        rule: BucketRule,
        recorder: &mut Recorder,
    ) -> Result<(), Refusal> {
        let Self { ports, tenant, caller, now_unix_ms } = *self;
        let key = BucketKey { tenant: tenant.domain(), ip: rate_limited_address(caller.ip), subject };
        let exceeded = "rate limit of this endpoint exceeded";
        let Count { rate, outcome } =
            count(&*ports.buckets, key, rule, tenant.delegation(), exceeded, now_unix_ms).await;
        recorder.counted(rate, &outcome);
        outcome
    }

    /// The stored user, who must not be blocked.
    async fn user(&self, user_id: &str, recorder: &mut Recorder) -> Result<Option<Arc<User>>, Refusal> {
        recorder.user(user_id);
        let found = self.ports.directory.user(self.tenant, user_id).wait().await;
        let user = found.map_err(Refusal::unavailable)?;
        match user {
            Some(user) if user.blocked => Err(Refusal::new(RefusalKind::UserBlocked, "user is blocked")),
            user => Ok(user),
        }
    }
}

fn invalid(description: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::InvalidToken, description)
}
