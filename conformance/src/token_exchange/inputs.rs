//! What a case sends: the tokens and names of the settings, and the request that should succeed.

use locum_abi::secret::Secret;
use url::Url;

use crate::token_exchange::jwt;
use crate::token_exchange::need::Need;
use crate::token_exchange::request::{BasicWriting, ClientCredentials, TokenRequest};
use crate::token_exchange::settings::TokenExchangeSettings;
use crate::token_exchange::settings_file::Authentication;
use crate::token_exchange::token_source::{Token, TokenSource};

/// The grant type of a token exchange (RFC 8693 section 2.1).
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The tokens of one case, obtained for it.
pub(crate) struct Inputs<'a> {
    pub(crate) settings: &'a TokenExchangeSettings,
    pub(crate) subject: Token,
    tokens: Vec<(Need, Token)>,
}

impl<'a> Inputs<'a> {
    /// Obtains the subject token, and those that a case needs besides.
    ///
    /// # Errors
    /// A command did not give a token.
    pub(crate) fn obtain(settings: &'a TokenExchangeSettings, needs: &[Need]) -> Result<Self, String> {
        let mut tokens = Vec::new();
        for need in needs {
            if let Some(source) = source_of(*need, settings) {
                tokens.push((*need, source.obtain()?));
            }
        }
        Ok(Self { settings, subject: settings.subject_token.obtain()?, tokens })
    }

    /// Which token a case needs as a JWT and is something else.
    pub(crate) fn not_a_jwt(&self, needs: &[Need]) -> Option<String> {
        let needed =
            [(Need::JwtSubjectToken, &self.subject), (Need::JwtActorToken, self.token(Need::ActorToken))];
        let is_other =
            |(need, token): &(Need, &Token)| needs.contains(need) && jwt::claims(token.text()).is_none();
        needed.into_iter().find(is_other).map(|(need, _)| format!("needs {}", need.name()))
    }

    /// The token that the case needs; the subject token if it did not say so.
    pub(crate) fn token(&self, need: Need) -> &Token {
        self.tokens.iter().find(|(own, _)| *own == need).map_or(&self.subject, |(_, token)| token)
    }

    /// The request that should succeed.
    pub(crate) fn request(&self) -> TokenRequest {
        let mut parameters: Vec<(&str, &str)> = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", self.subject.text()),
            ("subject_token_type", &self.subject.token_type),
        ];
        match (&self.settings.audience, &self.settings.resource) {
            (Some(audience), _) => parameters.push(("audience", audience)),
            (None, Some(resource)) => parameters.push(("resource", resource)),
            (None, None) => {}
        }
        let further = self.settings.parameters.iter();
        parameters.extend(further.map(|(name, value)| (name.as_str(), value.expose())));
        let owned = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let client = match self.settings.client.authentication {
            Authentication::ClientSecretBasic => self.basic(),
            Authentication::ClientSecretPost => self.post(),
        };
        TokenRequest::new(client, owned.collect())
    }

    /// The client by the header `Authorization`.
    pub(crate) fn basic(&self) -> ClientCredentials {
        self.basic_written(BasicWriting::Usual)
    }

    pub(crate) fn basic_written(&self, writing: BasicWriting) -> ClientCredentials {
        let (id, secret) = self.client();
        ClientCredentials::Basic { id, secret, writing }
    }

    /// The client by parameters in the body.
    pub(crate) fn post(&self) -> ClientCredentials {
        let (id, secret) = self.client();
        ClientCredentials::Post { id, secret }
    }

    /// Id and secret of the client.
    pub(crate) fn client(&self) -> (String, String) {
        let client = &self.settings.client;
        (client.id.clone(), client.secret.expose().to_owned())
    }

    /// The secrets of the settings and the tokens of this case, which no report may show.
    pub(crate) fn secrets(&self) -> Vec<(String, String)> {
        let named = |name: &str, secret: &Secret| (name.to_owned(), secret.expose().to_owned());
        let mut secrets = vec![
            named("client secret", &self.settings.client.secret),
            named("subject token", &self.subject.value),
        ];
        let further = self.settings.parameters.iter();
        secrets.extend(further.map(|(name, value)| named(&format!("parameter {name}"), value)));
        secrets.extend(self.tokens.iter().map(|(_, token)| named("token", &token.value)));
        secrets
    }
}

/// The token of the settings that is needed.
fn source_of(need: Need, settings: &TokenExchangeSettings) -> Option<&TokenSource> {
    match need {
        Need::PublicClient => settings.public_client.as_ref().map(|client| &client.subject_token),
        Need::ExpiredSubjectToken => settings.expired_subject_token.as_ref(),
        Need::SubjectTokenWithAct => settings.subject_token_with_act.as_ref(),
        Need::SubjectTokenForAnotherActor => settings.subject_token_for_another_actor.as_ref(),
        Need::ActorToken => settings.actor_token.as_ref(),
        _ => None,
    }
}

/// Why the settings do not meet a need. Whether a token is a JWT, and what an answer shows, is seen later.
pub(crate) fn unmet(need: Need, settings: &TokenExchangeSettings, endpoint: &Url) -> Option<String> {
    let is_met = match need {
        Need::Metadata | Need::JwtSubjectToken | Need::JwtActorToken | Need::JwtAnswer => true,
        Need::AnotherHost => {
            if is_this_machine(endpoint) {
                return Some(
                    "needs a server on another machine; requests to this one need no TLS".to_owned(),
                );
            }
            true
        }
        Need::BasicAuthentication => {
            if settings.client.authentication == Authentication::ClientSecretPost {
                return Some("needs a client whose authentication is client_secret_basic".to_owned());
            }
            true
        }
        Need::Audience => settings.audience.is_some(),
        Need::Resource => settings.resource.is_some(),
        Need::Scope => settings.scope.is_some(),
        Need::RefusedScope => settings.refused_scope.is_some(),
        Need::RequestedTokenType => settings.requested_token_type.is_some(),
        Need::PublicClient
        | Need::ExpiredSubjectToken
        | Need::SubjectTokenWithAct
        | Need::SubjectTokenForAnotherActor
        | Need::ActorToken => source_of(need, settings).is_some(),
    };
    (!is_met).then(|| format!("needs {}; add it to the settings", need.name()))
}

/// Whether the host is a loopback address.
fn is_this_machine(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
