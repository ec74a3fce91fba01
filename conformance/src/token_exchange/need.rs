//! What a case needs to run.

/// What a case needs besides a client and a subject token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Metadata,
    AnotherHost,
    BasicAuthentication,
    PublicClient,
    ExpiredSubjectToken,
    SubjectTokenWithAct,
    SubjectTokenForAnotherActor,
    ActorToken,
    Audience,
    Resource,
    Scope,
    RefusedScope,
    RequestedTokenType,
    JwtSubjectToken,
    JwtActorToken,
    JwtAnswer,
}

impl Need {
    /// What the documentation calls it: the setting, if it is one.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata of the server",
            Self::AnotherHost => "a server on another machine",
            Self::BasicAuthentication => "`client.authentication: client_secret_basic`",
            Self::PublicClient => "`public_client`",
            Self::ExpiredSubjectToken => "`expired_subject_token`",
            Self::SubjectTokenWithAct => "`subject_token_with_act`",
            Self::SubjectTokenForAnotherActor => "`subject_token_for_another_actor`",
            Self::ActorToken => "`actor_token`",
            Self::Audience => "`audience`",
            Self::Resource => "`resource`",
            Self::Scope => "`scope`",
            Self::RefusedScope => "`refused_scope`",
            Self::RequestedTokenType => "`requested_token_type`",
            Self::JwtSubjectToken => "a subject token that is a JWT",
            Self::JwtActorToken => "an actor token that is a JWT",
            Self::JwtAnswer => "an issued token that is a JWT",
        }
    }
}
