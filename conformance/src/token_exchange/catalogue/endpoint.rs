//! The endpoint itself: its URL, the method and the content type.

use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::{Changed, Endpoint};
use crate::token_exchange::case::Strength::{Must, Should};
use crate::token_exchange::catalogue::{is_granted, is_refused};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::need::Need;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.endpoint.tls",
        title: "The URL of the endpoint begins with https.",
        requirement: "RFC 6749 §3.2",
        strength: Must,
        otherwise: "",
        needs: &[Need::AnotherHost],
        check: Endpoint(|url| Finding::of(url.scheme() == "https", "scheme", "https", url.scheme())),
    },
    Case {
        id: "tx.endpoint.get",
        title: "A GET with the parameters of an exchange in its URL is refused.",
        requirement: "RFC 6749 §3.2, RFC 8693 §2.1",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(|request, inputs| request.by(inputs.basic()).in_a_get(), is_refused),
    },
    Case {
        id: "tx.endpoint.parameter-in-the-url",
        title: "A parameter in the URL does not count: subject_token_type is missing there.",
        requirement: "RFC 8693 §2.1",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(|request, _| request.in_the_url("subject_token_type"), is_refused),
    },
    Case {
        id: "tx.endpoint.content-type",
        title: "A body whose Content-Type is text/plain is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(|request, _| request.with_content_type("text/plain"), is_refused),
    },
    Case {
        id: "tx.endpoint.charset",
        title: "A Content-Type with charset=UTF-8 is accepted.",
        requirement: "RFC 8693 §2.1, RFC 9110 §8.3.1",
        strength: Should,
        otherwise: "",
        needs: &[],
        check: Changed(
            |request, _| request.with_content_type("application/x-www-form-urlencoded; charset=UTF-8"),
            is_granted,
        ),
    },
];
