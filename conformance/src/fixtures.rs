//! Fixtures: the cases as their files state them, read and checked as a whole.

pub(crate) mod built_in;
pub(crate) mod case;
mod consistency;
pub(crate) mod credential_reading;
pub(crate) mod fixture;
mod fixture_diff;
pub(crate) mod load;
pub(crate) mod merge_patch;
pub(crate) mod plugin_spec;
pub(crate) mod tenant_document;
pub(crate) mod tested_tenant;
pub(crate) mod variables;
mod variants;
pub(crate) mod yaml;

pub use self::credential_reading::{
    CredentialReading, JwtReading, ObjectReading, QueryReading, VerifyingKey,
};
pub use self::fixture::{
    BaseExchange, BodyFault, ElementTexts, Encoding, ExpectedBody, ExpectedCredential, ExpectedJwt,
    ExpectedRefusal, ExpectedRequest, ExpectedResponse, ExpectedXml, Fixture, FixtureRequest, Given,
    HeaderValue, Method, OnlyNames, Place, PresentedToken, RateLimiterState, ServerChanges, Signer, Step,
    Tampering, TenantChanges, UpstreamExchange, UpstreamFault, UpstreamOutcome, XmlEncoding,
};
pub use self::plugin_spec::{Exemption, IssuerSpec, PluginSpec};
pub use self::yaml::FixtureError;
