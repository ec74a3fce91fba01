//! The bugs, and the places where some of them keep what they must not.

use std::sync::{Mutex, PoisonError};

use locum_plugin::prelude::*;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bug {
    None,
    UserInAStatic,
    UserInAThreadLocal,
    UserInTheIssuer,
    AttributesByUser,
    SettingsInAStatic,
    KeepsWhatIsTheUsers,
    UndeclaredParameter,
    PlaceIsTheUser,
    PlaceInThePath,
    PlaceInTheBody,
    ParameterIsAFault,
    AbsentAttributeIsAFault,
    AttributeOfAnotherTypePanics,
    UnescapedXml,
    BusyIsRevoked,
    OwnClock,
    OrderOfAHashMap,
    PlaceIsTrimmed,
    PlaceIsIgnored,
    NicknameIsTrimmed,
    UnverifiedAddress,
    ExpiryIsIgnored,
    UserIsCut,
}

pub(crate) static FIRST_USER: Mutex<Option<String>> = Mutex::new(None);

thread_local! {
    pub(crate) static USER: Mutex<Option<String>> = const { Mutex::new(None) };
}

/// What was first put here.
pub(crate) fn remembered(first: &Mutex<Option<String>>, text: &str) -> String {
    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
    first.get_or_insert_with(|| text.to_owned()).clone()
}
