//! The steps cannot be skipped or swapped: such programs do not compile, and one with all steps in order does.

#[test]
fn a_step_cannot_be_skipped() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/order/all_steps_in_order.rs");
    cases.compile_fail("tests/order/issue_without_authorization.rs");
    cases.compile_fail("tests/order/authorize_without_admission.rs");
    cases.compile_fail("tests/order/construct_an_admitted.rs");
    cases.compile_fail("tests/order/issue_twice.rs");
    cases.compile_fail("tests/order/revoke_without_admission.rs");
    cases.compile_fail("tests/order/construct_an_admitted_revocation.rs");
}
