//! Fields that exports of the Management API have and delegation does not need: accepted, not looked at.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Writes a struct whose listed fields stand beside others that are accepted and ignored.
///
/// serde cannot both refuse unknown fields and flatten a struct of ignored ones, so they are fields of the struct.
macro_rules! with_ignored {
    (
        $(#[$struct_attribute:meta])*
        struct $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }
        ignores { $($ignored:ident)* }
    ) => {
        $(#[$struct_attribute])*
        #[derive(serde::Deserialize)]
        #[allow(non_snake_case, reason = "the names are the Management API's")]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$attribute])* pub(super) $field: $type,)*
            $(#[serde(default)] #[expect(dead_code, reason = "accepted, not looked at")] $ignored: $crate::tenant_file::ignored::Ignored,)*
        }
    };
}
pub(super) use with_ignored;

/// A value that is not looked at.
#[derive(Deserialize, Default)]
#[serde(from = "IgnoredAny")]
pub(super) struct Ignored;

impl From<IgnoredAny> for Ignored {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}
