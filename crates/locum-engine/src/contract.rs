//! The contract between the engine and issuers: the types of `locum-abi` that a program with its own issuers or tenants
//! names.

pub use locum_abi::answer::{Credential, Failure, FailureCode, Issued, LogLine, RevokeAnswer};
pub use locum_abi::configuration::{Configuration, SigningKey, Tenant};
pub use locum_abi::grant::Grant;
pub use locum_abi::manifest::{
    CredentialForm, IssuerManifest, KeySource, Lifetime, LifetimeSetting, Need, Override, Read, Revocation,
    Signs, Upstream,
};
pub use locum_abi::operation::ENTROPY_BYTES;
pub use locum_abi::secret::Secret;
pub use locum_abi::upstream::UpstreamRequest;
