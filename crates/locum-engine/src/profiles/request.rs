//! Parse: turns parameters into a [`ProfileRequest`].

use std::fmt;

use locum_abi::secret::Secret;

use crate::observer::Endpoint;
use crate::parameters::Parameters;
use crate::prepared::PreparedTenant;
use crate::refusal::{Refusal, RefusalKind};
use crate::strict_json::Members;

/// A request for the profile of a user.
#[derive(Debug)]
pub struct ProfileRequest {
    /// The token that names the user.
    pub token: ProfileToken,
}

/// The token by which a profile is read.
pub enum ProfileToken {
    /// An id_token of a client, at `/tokeninfo`.
    IdToken(Secret),
    /// An app token, at `/userinfo`.
    AccessToken(Secret),
}

// Shows the kind of token but not the token.
impl fmt::Debug for ProfileToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdToken(_) => "IdToken(…)",
            Self::AccessToken(_) => "AccessToken(…)",
        })
    }
}

impl ProfileRequest {
    /// Whether this tenant allows such requests. Ask before one is parsed: where they are not allowed, every request is refused alike.
    ///
    /// # Errors
    /// It does not, or there is no tenant.
    pub fn allowed_by(tenant: Option<&PreparedTenant>) -> Result<(), Refusal> {
        if tenant.is_some_and(|tenant| tenant.delegation().enabled && tenant.delegation().profile_endpoints) {
            return Ok(());
        }
        Err(Refusal::new(RefusalKind::NotFound, "the tenant does not allow this endpoint"))
    }

    /// Parses the parameters of `/tokeninfo`. Others than `id_token` are ignored.
    ///
    /// # Errors
    /// There is no `id_token`, or it is not a text.
    pub fn by_id_token(parameters: Members<'_>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters, &["id_token"], &[])?;
        let token = parameters.required("id_token")?.into_owned().into();
        Ok(Self { token: ProfileToken::IdToken(token) })
    }

    /// Parses the parameters of `/userinfo`, and what the header `Authorization` contained (RFC 6750 section 2). Others than
    /// `access_token` are ignored.
    ///
    /// # Errors
    /// There is no access token, there are two, or it is not a text.
    pub fn by_access_token(parameters: Members<'_>, bearer: Option<&str>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters, &["access_token"], &[])?;
        let parameter = parameters.take("access_token").map(|token| Secret::from(token.into_owned()));
        match (bearer.map(Secret::from), parameter) {
            (Some(token), None) | (None, Some(token)) => Ok(Self { token: ProfileToken::AccessToken(token) }),
            (Some(_), Some(_)) => {
                Err(Refusal::invalid_request("send the access token once: in the Authorization header"))
            }
            (None, None) => Err(Refusal::new(
                RefusalKind::InvalidToken,
                "send an access token in the header Authorization: Bearer",
            )),
        }
    }

    /// The token itself.
    pub(crate) fn token(&self) -> &Secret {
        let (ProfileToken::IdToken(token) | ProfileToken::AccessToken(token)) = &self.token;
        token
    }

    /// Where it was sent to.
    pub fn endpoint(&self) -> Endpoint {
        match self.token {
            ProfileToken::IdToken(_) => Endpoint::TokenInfo,
            ProfileToken::AccessToken(_) => Endpoint::UserInfo,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(request: Result<ProfileRequest, Refusal>) -> Result<(Endpoint, String), String> {
        let request = request.map_err(|refusal| format!("{} {}", refusal.code(), refusal.description()))?;
        let token = request.token().expose().to_owned();
        assert!(!format!("{request:?}").contains(&token));
        Ok((request.endpoint(), token))
    }

    #[test]
    fn an_id_token_is_a_parameter() {
        let read =
            |parameters: Value| of(ProfileRequest::by_id_token(parameters.as_object().unwrap().into()));
        assert_eq!(
            read(json!({"id_token": "a.b.c", "other": 7})),
            Ok((Endpoint::TokenInfo, "a.b.c".to_owned()))
        );
        assert_eq!(read(json!({})).unwrap_err(), "invalid_request missing id_token parameter");
        assert_eq!(
            read(json!({"id_token": 7})).unwrap_err(),
            "invalid_request id_token parameter must be a string"
        );
    }

    #[test]
    fn an_access_token_is_in_the_header_or_a_parameter_and_not_in_both() {
        let read = |parameters: Value, bearer: Option<&str>| {
            of(ProfileRequest::by_access_token(parameters.as_object().unwrap().into(), bearer))
        };
        let access_token = Ok((Endpoint::UserInfo, "a.b.c".to_owned()));
        assert_eq!(read(json!({}), Some("a.b.c")), access_token);
        assert_eq!(read(json!({"access_token": "a.b.c"}), None), access_token);
        let twice = read(json!({"access_token": "a.b.c"}), Some("a.b.c")).unwrap_err();
        assert_eq!(twice, "invalid_request send the access token once: in the Authorization header");
        assert!(read(json!({}), None).unwrap_err().starts_with("invalid_token send an access token"));
    }
}
