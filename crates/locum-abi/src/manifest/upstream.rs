//! The upstreams that an issuer may call, and how.

use serde::{Deserialize, Serialize};

/// An upstream that an issuer may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Upstream {
    /// Where it is.
    #[serde(flatten)]
    pub origin: UpstreamOrigin,
    /// The methods of its requests, of `GET`, `POST`, `PUT`, `PATCH` and `DELETE`; `GET` and `POST` if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The headers that its requests may have besides `accept`, `authorization` and `content-type`: names in lower case, or
    /// all that a vendor's prefix begins, such as `x-amz-*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Whether bodies of its requests and replies may be other bytes than UTF-8. They cross the border in base64.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub binary_bodies: bool,
    /// The setting that contains the certificate, and its private key, by which the host authenticates in TLS. The plugin is
    /// not given the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// The setting that contains the certificates of the authorities that the host trusts here, in place of those of its
    /// system. The plugin is not given the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Where an upstream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UpstreamOrigin {
    /// An HTTPS host on port 443.
    Host {
        /// The host's name. A `*` matches exactly one label, as in `sts.*.amazonaws.com`.
        host: String,
    },
    /// The origin of the URL in a stored setting. No request can change it.
    Setting {
        /// The setting's name.
        setting: String,
    },
    /// A kind that this host does not know. It allows no call.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl Upstream {
    /// An HTTPS host on port 443. A `*` matches exactly one label, as in `sts.*.amazonaws.com`.
    pub fn host(host: impl Into<String>) -> Self {
        Self::at(UpstreamOrigin::Host { host: host.into() })
    }

    /// The origin of the URL in the stored setting of this name. No request can change it.
    pub fn setting(name: impl Into<String>) -> Self {
        Self::at(UpstreamOrigin::Setting { setting: name.into() })
    }

    fn at(origin: UpstreamOrigin) -> Self {
        Self {
            origin,
            methods: Vec::new(),
            headers: Vec::new(),
            binary_bodies: false,
            client_certificate: None,
            ca: None,
        }
    }

    /// Requests have these methods, of `GET`, `POST`, `PUT`, `PATCH` and `DELETE`. Without this call: `GET` and `POST`.
    ///
    /// ```
    /// use locum_abi::manifest::Upstream;
    ///
    /// let github = Upstream::host("api.github.com").methods(["POST", "DELETE"]).header("x-github-api-version");
    /// assert_eq!((github.methods.len(), github.headers.len()), (2, 1));
    /// ```
    #[must_use]
    pub fn methods<'a>(mut self, methods: impl IntoIterator<Item = &'a str>) -> Self {
        self.methods = methods.into_iter().map(str::to_owned).collect();
        self
    }

    /// Bodies of requests and replies may be other bytes than UTF-8: see
    /// [`UpstreamRequest::with_bytes`](crate::upstream::UpstreamRequest::with_bytes) and
    /// [`UpstreamReply::bytes`](crate::upstream::UpstreamReply::bytes). Without this call, such a reply fails.
    #[must_use]
    pub fn binary_bodies(mut self) -> Self {
        self.binary_bodies = true;
        self
    }

    /// Requests may have this header besides `accept`, `authorization` and `content-type`: a name in lower case, or all
    /// that a vendor's prefix begins, such as `x-amz-*`. Hosts refuse headers that decide where and how a request is sent.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.headers.push(name.to_owned());
        self
    }

    /// The host authenticates in TLS (RFC 8446 section 4.4.2) by the certificate in this setting: PEM of the certificate, of
    /// those that lead to its authority, and of its private key. The host takes the setting out: in the plugin's settings it
    /// is a `Withheld`. If the setting is absent, the host sends no certificate.
    ///
    /// ```
    /// use locum_abi::manifest::Upstream;
    ///
    /// let bank = Upstream::setting("url").client_certificate("client_certificate").ca("ca");
    /// assert_eq!(bank.withheld_settings().collect::<Vec<_>>(), ["client_certificate", "ca"]);
    /// ```
    #[must_use]
    pub fn client_certificate(mut self, setting: &str) -> Self {
        self.client_certificate = Some(setting.to_owned());
        self
    }

    /// The host trusts the authorities whose certificates this setting contains, PEM, and no others. As with
    /// [`client_certificate`](Self::client_certificate), the host takes the setting out; if it is absent, the host trusts the
    /// authorities that its system does.
    #[must_use]
    pub fn ca(mut self, setting: &str) -> Self {
        self.ca = Some(setting.to_owned());
        self
    }

    /// The settings for TLS, which the plugin is not given.
    pub fn withheld_settings(&self) -> impl Iterator<Item = &str> {
        [&self.client_certificate, &self.ca].into_iter().flatten().map(String::as_str)
    }
}
