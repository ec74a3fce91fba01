//! Issuers of two sources as one: plugins, say, beside issuers in code.

use std::sync::Arc;

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::IssuerManifest;

use crate::issuers::{Issuer, Issuers};

/// The issuers of both. An api_type that both serve is served by `first`; `second` is never asked about it, not even
/// if `first` refuses the settings.
///
/// Either may be borrowed, shared by an [`Arc`], or a chain itself.
pub fn chain<A: Issuers, B: Issuers>(first: A, second: B) -> IssuerChain<A, B> {
    IssuerChain { first, second }
}

/// What [`chain`] makes.
#[derive(Debug, Clone)]
pub struct IssuerChain<A, B> {
    first: A,
    second: B,
}

impl<A: Issuers, B: Issuers> Issuers for IssuerChain<A, B> {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.first.manifest(api_type).or_else(|| self.second.manifest(api_type))
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        if self.first.manifest(&configuration.api_type).is_some() {
            self.first.configure(configuration)
        } else {
            self.second.configure(configuration)
        }
    }
}

impl<T: Issuers + ?Sized> Issuers for &T {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        (**self).manifest(api_type)
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        (**self).configure(configuration)
    }
}

impl<T: Issuers + ?Sized> Issuers for Arc<T> {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        (**self).manifest(api_type)
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        (**self).configure(configuration)
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::configuration::Tenant;
    use locum_abi::manifest::CredentialForm;
    use serde_json::Map;

    use super::*;

    /// Serves some api_types, and refuses all settings under its name.
    struct Named(&'static str, &'static [&'static str]);

    impl Issuers for Named {
        fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
            let manifest = || IssuerManifest {
                revocation_advice: self.0.to_owned(),
                ..IssuerManifest::new(api_type, CredentialForm::Object)
            };
            self.1.contains(&api_type).then(|| Arc::new(manifest()))
        }

        fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
            Err(Failure::setting(&configuration.api_type, self.0))
        }
    }

    const FIRST: Named = Named("first", &["both", "one"]);
    const SECOND: Named = Named("second", &["both", "two"]);

    /// Whose manifest it is, and who was asked to configure.
    fn served_by(issuers: &dyn Issuers, api_type: &str) -> (Option<String>, String) {
        let manifest = issuers.manifest(api_type).map(|manifest| manifest.revocation_advice.clone());
        let configuration = Configuration::new(api_type, Map::new(), Tenant::new("acme.example.com"));
        (manifest, issuers.configure(configuration).err().unwrap().message)
    }

    #[test]
    fn the_first_that_serves_an_api_type_is_asked_for_all_of_it() {
        let chain = chain(FIRST, SECOND);
        for (api_type, name) in [("one", "first"), ("both", "first"), ("two", "second")] {
            assert_eq!(served_by(&chain, api_type), (Some(name.to_owned()), name.to_owned()), "{api_type}");
        }
        assert!(chain.manifest("neither").is_none());
    }

    #[test]
    fn borrowed_shared_and_chained_issuers_can_be_chained() {
        let shared: Arc<dyn Issuers> = Arc::new(SECOND);
        let third = Named("third", &["both", "three"]);
        let chain = chain(&FIRST, chain(shared, third));
        for (api_type, name) in [("both", "first"), ("two", "second"), ("three", "third")] {
            assert_eq!(served_by(&chain, api_type), (Some(name.to_owned()), name.to_owned()), "{api_type}");
        }
    }
}
