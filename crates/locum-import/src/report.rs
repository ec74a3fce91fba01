//! What an import tells: what each client needs, what was left out, and what was found in the code of rules.

use serde::Serialize;

/// What an import tells. Its texts come from the export: escape them with [`printable`](crate::printable()) for a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The host that Locum answers on.
    pub domain: String,
    /// The issuers whose tokens count as the tenant's own.
    pub former_issuers: Vec<String>,
    /// The tenant file, relative to the folder that is written.
    pub tenant_file: String,
    /// All files, relative to that folder.
    pub files: Vec<String>,
    /// The id of the key that was made, if one was needed.
    pub signing_key: Option<String>,
    /// What concerns the whole tenant.
    pub tenant: Vec<ToDo>,
    /// The clients that were kept, in the order of the export.
    pub clients: Vec<ClientReport>,
    /// The clients that were left out.
    pub left_out: Vec<LeftOut>,
    /// The fields of clients that no tenant file has.
    pub dropped_fields: Vec<Counted>,
    /// The add-ons for single sign-on, which delegation does not use.
    pub single_sign_on: Vec<Counted>,
    /// The places in rules and actions that delegation may depend on.
    pub scripts: Vec<ScriptFinding>,
}

/// Something that several clients have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// How many clients have it.
    pub clients: usize,
}

/// A client that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClientReport {
    /// Its id.
    pub client_id: String,
    /// Its name, or nothing.
    pub name: String,
    /// Whether it may request credentials.
    pub may_call: bool,
    /// The `api_type`s that can be requested with it as the target, in order: the first is the default.
    pub api_types: Vec<String>,
    /// The most that any of the to-dos asks for.
    pub readiness: Readiness,
    /// What to do or to know.
    pub to_do: Vec<ToDo>,
}

/// How far something works without further work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// As it is.
    WorksNow,
    /// Once another system trusts the new key or issuer.
    NeedsTrust,
    /// Once somebody has decided something that the export does not say.
    NeedsDecision,
}

impl Readiness {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WorksNow => "works now",
            Self::NeedsTrust => "needs trust renewed upstream",
            Self::NeedsDecision => "needs a decision",
        }
    }
}

/// What to do, or to know if it works now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ToDo {
    /// What depends on it.
    pub readiness: Readiness,
    /// A sentence.
    pub text: String,
}

impl ToDo {
    pub(crate) fn note(text: impl Into<String>) -> Self {
        Self { readiness: Readiness::WorksNow, text: text.into() }
    }

    pub(crate) fn trust(text: impl Into<String>) -> Self {
        Self { readiness: Readiness::NeedsTrust, text: text.into() }
    }

    pub(crate) fn decision(text: impl Into<String>) -> Self {
        Self { readiness: Readiness::NeedsDecision, text: text.into() }
    }
}

/// A client that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its id, or nothing.
    pub client_id: String,
    /// Its name, or nothing.
    pub name: String,
    /// Whether it could use delegation or be its target, so that somebody has to decide about it.
    pub needs_decision: bool,
    /// Why.
    pub why: String,
}

/// A place in the code of a rule or an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScriptFinding {
    /// The file in the export.
    pub file: String,
    /// The line, counted from one.
    pub line: usize,
    /// What the code uses or changes there.
    pub what: String,
}
