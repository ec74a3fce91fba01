//! Fields of Management API exports that delegation does not need: accepted and ignored.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Defines a struct with the given fields, and further ones that are accepted and ignored.
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
            $(#[serde(default)] #[expect(dead_code, reason = "accepted and ignored")] $ignored: $crate::tenant_file::ignored::Ignored,)*
        }

        #[allow(dead_code, reason = "not all are asked for")]
        impl $name {
            /// The names of all fields in the code, used or not.
            pub(super) const FIELDS: &[&str] = &[$(stringify!($field),)* $(stringify!($ignored),)*];
        }
    };
}
pub(super) use with_ignored;

/// A value that is ignored.
#[derive(Deserialize, Default)]
#[serde(from = "IgnoredAny")]
pub(super) struct Ignored;

impl From<IgnoredAny> for Ignored {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}
