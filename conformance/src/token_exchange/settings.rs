//! What is known about the tested token endpoint: the settings file, read and checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use locum_abi::secret::Secret;
use locum_store::tenant_file::References;
use url::Url;

use crate::fixtures::FixtureError;
use crate::fixtures::yaml::parse;
use crate::token_exchange::settings_file::{Authentication, SettingsFile, TokenEntry};
use crate::token_exchange::token_source::{TokenOrigin, TokenSource};

/// The settings of the profile `token-exchange`: clients, tokens and targets of the tested server.
#[derive(Debug, Clone)]
pub struct TokenExchangeSettings {
    pub(crate) issuer: Option<String>,
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) client: ConfidentialClient,
    pub(crate) public_client: Option<PublicClient>,
    pub(crate) subject_token: TokenSource,
    pub(crate) expired_subject_token: Option<TokenSource>,
    pub(crate) subject_token_with_act: Option<TokenSource>,
    pub(crate) subject_token_for_another_actor: Option<TokenSource>,
    pub(crate) actor_token: Option<TokenSource>,
    pub(crate) audience: Option<String>,
    pub(crate) unknown_audience: String,
    pub(crate) resource: Option<String>,
    pub(crate) unknown_resource: String,
    pub(crate) scope: Option<String>,
    pub(crate) refused_scope: Option<String>,
    pub(crate) requested_token_type: Option<String>,
    pub(crate) parameters: BTreeMap<String, Secret>,
}

/// A client that authenticates.
#[derive(Debug, Clone)]
pub(crate) struct ConfidentialClient {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) authentication: Authentication,
}

/// A client that does not authenticate.
#[derive(Debug, Clone)]
pub(crate) struct PublicClient {
    pub(crate) id: String,
    pub(crate) subject_token: TokenSource,
}

impl TokenExchangeSettings {
    /// Reads a settings file. `environment` gives the value of `${env:NAME}`.
    ///
    /// # Errors
    /// The file cannot be read, a field is unknown, missing or of the wrong form, or a reference cannot be resolved. The error
    /// names file and line, and contains no value.
    pub fn read(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, FixtureError> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| FixtureError::of_file(&file, format!("cannot read the settings: {error}")))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
        let entries: SettingsFile = parse(&file, &text)?;
        let reading =
            Reading { file: &file, text: &text, references: References::new(environment, &folder), folder };
        reading.settings(entries)
    }
}

/// A file that is being read.
struct Reading<'a> {
    file: &'a str,
    text: &'a str,
    references: References<'a>,
    folder: PathBuf,
}

impl Reading<'_> {
    fn settings(&self, entries: SettingsFile) -> Result<TokenExchangeSettings, FixtureError> {
        let subject_token = self.token("subject_token", entries.subject_token)?;
        let public_client = match entries.public_client {
            Some(client) => Some(PublicClient {
                id: self.plain("client_id", &client.client_id)?,
                subject_token: match client.subject_token {
                    Some(token) => self.token("public_client.subject_token", token)?,
                    None => subject_token.clone(),
                },
            }),
            None => None,
        };
        let parameters = entries.parameters.iter();
        Ok(TokenExchangeSettings {
            issuer: self.optional("issuer", entries.issuer)?,
            token_endpoint: entries.token_endpoint.map(|url| self.endpoint(&url)).transpose()?,
            client: ConfidentialClient {
                id: self.plain("client_id", &entries.client.client_id)?,
                secret: self.secret("client_secret", &entries.client.client_secret)?,
                authentication: entries.client.authentication,
            },
            public_client,
            subject_token,
            expired_subject_token: self
                .optional_token("expired_subject_token", entries.expired_subject_token)?,
            subject_token_with_act: self
                .optional_token("subject_token_with_act", entries.subject_token_with_act)?,
            subject_token_for_another_actor: self
                .optional_token("subject_token_for_another_actor", entries.subject_token_for_another_actor)?,
            actor_token: self.optional_token("actor_token", entries.actor_token)?,
            audience: self.optional("audience", entries.audience)?,
            unknown_audience: self.plain("unknown_audience", &entries.unknown_audience)?,
            resource: self.optional("resource", entries.resource)?,
            unknown_resource: self.plain("unknown_resource", &entries.unknown_resource)?,
            scope: self.optional("scope", entries.scope)?,
            refused_scope: self.optional("refused_scope", entries.refused_scope)?,
            requested_token_type: self.optional("requested_token_type", entries.requested_token_type)?,
            parameters: parameters
                .map(|(name, value)| Ok((name.clone(), self.secret(name, value)?)))
                .collect::<Result<_, FixtureError>>()?,
        })
    }

    /// A text that is not empty, with its references resolved.
    fn secret(&self, field: &str, text: &str) -> Result<Secret, FixtureError> {
        let resolved = self.references.resolve(text).map_err(|why| self.error(text, why))?;
        if resolved.expose().is_empty() {
            return Err(self.error(field, format!("`{field}` is empty; give a value, or remove it")));
        }
        Ok(resolved)
    }

    fn plain(&self, field: &str, text: &str) -> Result<String, FixtureError> {
        Ok(self.secret(field, text)?.expose().to_owned())
    }

    fn optional(&self, field: &str, text: Option<String>) -> Result<Option<String>, FixtureError> {
        text.map(|text| self.plain(field, &text)).transpose()
    }

    fn endpoint(&self, text: &str) -> Result<Url, FixtureError> {
        let url = self.plain("token_endpoint", text)?;
        let url = Url::parse(&url).map_err(|error| {
            self.error("token_endpoint", format!("`token_endpoint` is not a URL: {error}"))
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(self.error("token_endpoint", "`token_endpoint` must begin with https:// or http://"));
        }
        if url.fragment().is_some() {
            return Err(self.error(
                "token_endpoint",
                "`token_endpoint` has a fragment, which RFC 6749 section 3.2 forbids; remove it",
            ));
        }
        Ok(url)
    }

    fn optional_token(
        &self,
        setting: &'static str,
        entry: Option<TokenEntry>,
    ) -> Result<Option<TokenSource>, FixtureError> {
        entry.map(|entry| self.token(setting, entry)).transpose()
    }

    fn token(&self, setting: &'static str, entry: TokenEntry) -> Result<TokenSource, FixtureError> {
        let name = setting.rsplit('.').next().unwrap_or(setting);
        let token_type = self.plain("type", &entry.token_type)?;
        if Url::parse(&token_type).is_err() {
            return Err(self.error(
                &entry.token_type,
                format!(
                    "the type of `{setting}` is not a URI; write one such as urn:ietf:params:oauth:token-type:access_token"
                ),
            ));
        }
        let origin = match (entry.value, entry.command) {
            (Some(value), None) => TokenOrigin::Value(self.secret(name, &value)?),
            (None, Some(words)) => {
                let mut words = words
                    .iter()
                    .map(|word| self.references.resolve(word).map_err(|why| self.error(word, why)));
                let program = words.next().transpose()?.ok_or_else(|| {
                    self.error(
                        name,
                        format!("the command of `{setting}` is empty; write a program and its arguments"),
                    )
                })?;
                TokenOrigin::Command {
                    program: program.expose().to_owned(),
                    arguments: words.collect::<Result<_, FixtureError>>()?,
                    folder: self.folder.clone(),
                }
            }
            _ => {
                return Err(
                    self.error(name, format!("`{setting}` needs either `value` or `command`, and not both"))
                );
            }
        };
        Ok(TokenSource { setting, token_type, origin })
    }

    /// An error at the first line that contains a text of the file.
    fn error(&self, wanted: &str, message: impl Into<String>) -> FixtureError {
        FixtureError::at_text(self.file, self.text, wanted, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "client: { client_id: a, client_secret: \"${env:SECRET}\" }\nsubject_token:\n  \
                        type: urn:ietf:params:oauth:token-type:jwt\n  value: a.b.c\n";

    fn read(text: &str) -> Result<TokenExchangeSettings, String> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("s.yaml");
        fs::write(&path, text).unwrap();
        let environment = |name: &str| (name == "SECRET").then(|| "s3cret".to_owned());
        TokenExchangeSettings::read(&path, &environment)
            .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn a_client_and_a_subject_token_are_enough() {
        let settings = read(GOOD).unwrap();
        assert_eq!(settings.client.secret.expose(), "s3cret");
        assert_eq!(settings.client.authentication, Authentication::ClientSecretBasic);
        assert_eq!(settings.subject_token.obtain().unwrap().text(), "a.b.c");
        assert!(settings.token_endpoint.is_none() && settings.actor_token.is_none());
        assert!(!format!("{settings:?}").contains("s3cret") && !format!("{settings:?}").contains("a.b.c"));
    }

    #[test]
    fn a_public_client_exchanges_its_own_token_or_that_of_the_confidential_one() {
        let text = format!("{GOOD}public_client: {{ client_id: spa }}\n");
        let token = |text: &str| read(text).unwrap().public_client.unwrap().subject_token.obtain().unwrap();
        assert_eq!(token(&text).text(), "a.b.c");
        let own = "public_client: { client_id: spa, subject_token: { type: \"urn:x:y\", value: d } }\n";
        assert_eq!(token(&format!("{GOOD}{own}")).text(), "d");
    }

    #[test]
    fn each_mistake_is_named_with_its_line_and_the_remedy() {
        for (from, to, error) in [
            ("value: a.b.c", "valeu: a.b.c", "s.yaml:4:3: unknown field `valeu`"),
            ("${env:SECRET}", "${env:OTHER}", "s.yaml:1:1: the environment variable OTHER is not set"),
            ("${env:SECRET}", "", "s.yaml:1:1: `client_secret` is empty"),
            (
                "urn:ietf:params:oauth:token-type:jwt",
                "jwt",
                "s.yaml:3:1: the type of `subject_token` is not a URI",
            ),
            ("  value: a.b.c\n", "", "s.yaml:2:1: `subject_token` needs either `value` or `command`"),
            ("value: a.b.c", "command: []", "s.yaml:2:1: the command of `subject_token` is empty"),
            ("client:", "token_endpoint: /token\nclient:", "s.yaml:1:1: `token_endpoint` is not a URL"),
            ("client:", "token_endpoint: ftp://a/\nclient:", "s.yaml:1:1: `token_endpoint` must begin with"),
            (
                "client:",
                "token_endpoint: https://a/#b\nclient:",
                "s.yaml:1:1: `token_endpoint` has a fragment",
            ),
            ("client_id: a", "client_id: a, authentication: basic", "s.yaml:1:"),
        ] {
            let found = read(&GOOD.replace(from, to)).unwrap_err();
            assert!(found.starts_with(error), "{found}\n{error}");
            assert!(!found.contains("a.b.c") && !found.contains("s3cret"), "{found}");
        }
        assert!(read("").unwrap_err().starts_with("s.yaml:"));
    }
}
