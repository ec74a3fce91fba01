//! The signatures of one request: those that the host has made, and the next one that the issuer asks for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use locum_abi::answer::Failure;
use locum_abi::signing::SigningRequest;

/// Shared by the clones of a grant, so that all of them ask for signatures in one order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signatures(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// In the order in which they were asked for.
    made: std::vec::IntoIter<String>,
    missing: Option<SigningRequest>,
}

impl Signatures {
    /// Those that the host has made so far, oldest first.
    pub(crate) fn new(made: Vec<String>) -> Self {
        Self(Arc::new(Mutex::new(State { made: made.into_iter(), missing: None })))
    }

    /// The signature that was made for this request in an earlier call of the issuer. If it is missing, the failure ends
    /// this call, and the next one has it.
    ///
    /// # Errors
    /// The signature is missing, or there is no request. One is made only for a signature that is missing.
    pub(crate) fn next(
        &self,
        request: impl FnOnce() -> Result<SigningRequest, Failure>,
    ) -> Result<String, Failure> {
        let mut state = self.lock();
        if state.missing.is_none() {
            if let Some(signature) = state.made.next() {
                return Ok(signature);
            }
            // It may serialize a type of the plugin.
            drop(state);
            let request = request()?;
            self.lock().missing.get_or_insert(request);
        }
        Err(Failure::internal("the host has not signed yet; return this failure, and do not replace it"))
    }

    /// The request of the first signature that was missing. Whatever the issuer answered without it does not count.
    pub(crate) fn missing(&self) -> Option<SigningRequest> {
        self.lock().missing.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::signing::BytesToSign;

    use super::*;

    fn request(text: &str) -> SigningRequest {
        SigningRequest::bytes("tenant", BytesToSign { alg: "RS256".to_owned(), text: text.to_owned() })
    }

    #[test]
    fn signatures_are_given_in_the_order_in_which_they_were_asked_for() {
        let signatures = Signatures::new(vec!["one".to_owned(), "two".to_owned()]);
        let of_a_clone = signatures.clone();
        let none = || panic!("no request for a signature that was made");
        assert_eq!(signatures.next(none).unwrap(), "one");
        assert_eq!(of_a_clone.next(none).unwrap(), "two");
        assert!(signatures.missing().is_none());
    }

    #[test]
    fn the_first_missing_signature_is_asked_for_and_later_ones_wait() {
        let signatures = Signatures::new(vec!["one".to_owned()]);
        signatures.next(|| Ok(request("<1"))).unwrap();
        for text in ["<2", "<3"] {
            signatures.clone().next(|| Ok(request(text))).unwrap_err();
        }
        assert_eq!(signatures.missing(), Some(request("<2")));
    }

    #[test]
    fn a_request_that_fails_is_not_asked_for() {
        let signatures = Signatures::default();
        let failed = Failure::internal("the claims of a JWT are an object");
        assert_eq!(signatures.next(|| Err(failed.clone())), Err(failed));
        assert!(signatures.missing().is_none());
    }
}
