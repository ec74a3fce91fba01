//! An issuer with the bug that its settings name. The suite must fail it with each of them, and pass it with none.

mod bug;
mod keeping;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use locum_plugin::percent::percent_encoded;
use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};
use locum_plugin::upstream::{failure_for_reply, post_form, token_response};

use crate::bug::{Bug, remembered};
use crate::keeping::Keeping;

locum_plugin::export_plugin! { name: "chosen_bug", vendor: "Locum", issuers: [ChosenBug, Keeping] }

const HOST: &str = "login.example.com";
const PLACE_BYTES_MAX: usize = 64;
const USER_CHARS_MAX: usize = 128;

/// The settings of an operator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Its bug.
    bug: Bug,
    /// The audience of its assertions.
    audience: String,
    /// The key of its assertions, HS256.
    key: Secret,
}

/// What a request says.
#[derive(Deserialize, JsonSchema)]
struct Parameters {
    /// The place that the token is for.
    place: Option<String>,
    /// Not declared.
    #[schemars(skip)]
    audience: Option<String>,
}

struct ChosenBug {
    bug: Bug,
    audience: String,
    signer: JwsSigner,
    first_user: Mutex<Option<String>>,
}

static AUDIENCE: Mutex<String> = Mutex::new(String::new());
static NICKNAMES: OnceLock<Mutex<HashMap<String, String>>> = OnceLock::new();

impl Issuer for ChosenBug {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        vec![
            ApiType::object("chosen_bug")
                .lifetime(Lifetime::up_to_seconds(600))
                .calls(Upstream::host(HOST))
                .reads("nickname")
                .reads("email")
                .reads("email_verified")
                .revoked_upstream("Revoke it through Locum."),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        let Settings { bug, audience, key } = settings;
        let key = SignatureKey::hs256(key.expose().as_bytes())
            .map_err(|error| Failure::setting("key", error.to_string()))?;
        audience.clone_into(&mut AUDIENCE.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Self { bug, audience, signer: JwsSigner::new(key, Map::new()), first_user: Mutex::default() })
    }

    fn issue(&self, grant: &Grant<Parameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let user = self.user(grant)?;
        if let [reply, ..] = replies {
            let mut object = Map::new();
            if self.bug == Bug::OrderOfAHashMap {
                let members: HashMap<u32, u32> = (0..16).map(|n| (n, n)).collect();
                object.insert("order".to_owned(), json!(members.keys().collect::<Vec<_>>()));
            }
            if self.bug == Bug::OwnClock {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                object.insert("at".to_owned(), json!(now.unwrap_or_default().as_secs()));
            }
            let mut response = token_response(reply)?;
            let token = response.remove("access_token").unwrap_or_default();
            object.insert("access_token".to_owned(), token);
            object.insert("user".to_owned(), user.into());
            return Ok(grant.object(object, self.expires_at(grant, &response)?));
        }
        Ok(IssueAnswer::Call { request: self.token_request(grant, &user)? })
    }

    fn revoke(
        &self,
        presented: &PresentedCredential,
        replies: &[UpstreamReply],
    ) -> Result<RevokeAnswer, Failure> {
        match replies {
            [] if !presented.text.starts_with("token-") => Ok(RevokeAnswer::AlreadyGone),
            [] => {
                let request = post_form(format!("https://{HOST}/revoke"), &[("token", &presented.text)]);
                Ok(RevokeAnswer::Call { request })
            }
            [reply, ..] if reply.status == 200 => Ok(RevokeAnswer::Revoked),
            [reply, ..] if reply.status == 429 && self.bug == Bug::BusyIsRevoked => Ok(RevokeAnswer::Revoked),
            [reply, ..] => Err(failure_for_reply(reply, None)),
        }
    }
}

impl ChosenBug {
    fn user(&self, grant: &Grant<Parameters>) -> Result<String, Failure> {
        let own = grant.user_id.as_str();
        Ok(match self.bug {
            Bug::UserInAStatic => remembered(&bug::FIRST_USER, own),
            Bug::UserInAThreadLocal => bug::USER.with(|first| remembered(first, own)),
            Bug::UserInTheIssuer => remembered(&self.first_user, own),
            Bug::UserIsCut => own.chars().take(USER_CHARS_MAX).collect(),
            Bug::PlaceIsTheUser => grant.parameters.place.clone().unwrap_or_else(|| own.to_owned()),
            _ => own.to_owned(),
        })
    }

    fn token_request(&self, grant: &Grant<Parameters>, user: &str) -> Result<UpstreamRequest, Failure> {
        let place = self.place(grant)?;
        let nickname = self.nickname(grant)?;
        let audience = match &grant.parameters.audience {
            Some(audience) if self.bug == Bug::UndeclaredParameter => audience.clone(),
            _ if self.bug == Bug::SettingsInAStatic => {
                AUDIENCE.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            _ => self.audience.clone(),
        };
        let claims =
            json!({ "sub": user, "aud": audience, "iat": grant.now, "exp": grant.expires_within(60) });
        let assertion = self.signer.sign(grant, &claims)?;
        let escape = |text: &str| if self.bug == Bug::UnescapedXml { text.to_owned() } else { escaped(text) };
        let (name, email) = (escape(&nickname), escape(&self.email(grant)?));
        let profile = format!("<user><name>{name}</name><email>{email}</email></user>");
        let segment =
            if self.bug == Bug::PlaceInThePath { place.clone() } else { percent_encoded(&place).to_string() };
        let url = format!("https://{HOST}/places/{segment}/token");
        let mut request =
            post_form(url, &[("assertion", &assertion), ("profile", &profile), ("place", &place)]);
        if self.bug == Bug::PlaceInTheBody {
            request.body = format!("assertion={assertion}&profile=&place={place}");
        }
        Ok(request)
    }

    fn expires_at(
        &self,
        grant: &Grant<Parameters>,
        response: &Map<String, Value>,
    ) -> Result<Option<UnixTime>, Failure> {
        match response.get("expires_in") {
            _ if self.bug == Bug::ExpiryIsIgnored => Ok(Some(grant.expires_at())),
            None => Ok(None),
            Some(seconds) => match seconds.as_i64() {
                Some(seconds) if seconds <= grant.lifetime_seconds => Ok(Some(grant.now + seconds)),
                _ => Err(Failure::upstream_nonsense("the token is valid for longer than granted")),
            },
        }
    }

    fn place(&self, grant: &Grant<Parameters>) -> Result<String, Failure> {
        let place = match grant.parameters.place.as_deref() {
            Some(place) if self.bug == Bug::PlaceIsTrimmed => place.trim(),
            Some(place) if self.bug != Bug::PlaceIsIgnored => place,
            _ => "main",
        };
        // The last two are no segments of a path, and are not encoded.
        let is_usable = (1..=PLACE_BYTES_MAX).contains(&place.len())
            && !place.chars().any(char::is_control)
            && ![".", ".."].contains(&place);
        if is_usable || self.bug == Bug::PlaceIsTheUser {
            return Ok(place.to_owned());
        }
        if self.bug == Bug::ParameterIsAFault {
            return Err(Failure::internal("the place cannot be used"));
        }
        Err(Failure::parameter(
            "place",
            "a place has 1 to 64 bytes, no control characters, and is not . or ..",
        ))
    }

    #[expect(clippy::panic, reason = "it is one of the bugs")]
    fn nickname(&self, grant: &Grant<Parameters>) -> Result<String, Failure> {
        let nickname = match grant.profile.get("nickname") {
            None if self.bug == Bug::AbsentAttributeIsAFault => {
                return Err(Failure::internal("the user has no nickname"));
            }
            None => String::new(),
            Some(Value::String(text)) if !text.chars().any(char::is_control) => text.clone(),
            Some(_) if self.bug == Bug::AttributeOfAnotherTypePanics => panic!("a nickname is a text"),
            Some(_) => return Err(Failure::attribute_unusable("nickname", "it is not a text of one line")),
        };
        if self.bug == Bug::NicknameIsTrimmed {
            return Ok(nickname.trim().to_owned());
        }
        if self.bug != Bug::AttributesByUser {
            return Ok(nickname);
        }
        let known = NICKNAMES.get_or_init(Mutex::default);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.entry(grant.user_id.clone()).or_insert(nickname).clone())
    }

    fn email(&self, grant: &Grant<Parameters>) -> Result<String, Failure> {
        let is_verified = grant.profile.get("email_verified") == Some(&json!(true));
        match grant.profile.get("email") {
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                Err(Failure::attribute_unusable("email", "it is not a text of one line"))
            }
            Some(Value::String(text)) if is_verified || self.bug == Bug::UnverifiedAddress => {
                Ok(text.clone())
            }
            _ => Ok(String::new()),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
