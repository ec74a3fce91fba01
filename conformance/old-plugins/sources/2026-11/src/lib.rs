//! Uses each part of the contract of November 2026 once.

mod pass;
mod visit;

locum_plugin::export_plugin! {
    name: "old-2026-11",
    vendor: "Locum",
    issuers: [crate::pass::Pass, crate::visit::Visit]
}
