//! The steps cannot be skipped or swapped: programs that try do not compile, and the one that keeps the order does.

#[test]
fn a_step_cannot_be_skipped() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/order/every_step_in_order.rs");
    cases.compile_fail("tests/order/issue_what_was_only_admitted.rs");
    cases.compile_fail("tests/order/authorize_what_was_not_admitted.rs");
    cases.compile_fail("tests/order/make_an_admitted_by_hand.rs");
    cases.compile_fail("tests/order/issue_twice.rs");
    cases.compile_fail("tests/order/revoke_what_was_not_admitted.rs");
    cases.compile_fail("tests/order/make_an_admitted_revocation_by_hand.rs");
}
