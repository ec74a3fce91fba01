//! Pages of lists, as Auth0 has them: by number, or from a checkpoint.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use locum_database::directory::Page;
use serde_json::{Value, json};

use crate::body::Members;
use crate::error::ApiError;
use crate::limits::{PAGE_ENTRIES_DEFAULT, PAGE_ENTRIES_MAX};
use crate::parameter::{Parameter, ParameterValue};
use crate::query::Query;

pub(crate) const PAGE: Parameter = Parameter {
    name: "page",
    value: ParameterValue::Number(0, 10_000_000),
    summary: "The number of the page; the first is 0.",
};
pub(crate) const PER_PAGE: Parameter = Parameter {
    name: "per_page",
    value: ParameterValue::Number(1, PAGE_ENTRIES_MAX),
    summary: "At most so many entries; 50 if absent.",
};
pub(crate) const INCLUDE_TOTALS: Parameter = Parameter {
    name: "include_totals",
    value: ParameterValue::Flag,
    summary: "Whether the answer is an object with the entries and their number in all.",
};
pub(crate) const FROM: Parameter = Parameter {
    name: "from",
    value: ParameterValue::Form("^[A-Za-z0-9_-]+$"),
    summary: "The checkpoint `next` of the page before.",
};
pub(crate) const TAKE: Parameter = Parameter {
    name: "take",
    value: ParameterValue::Number(1, PAGE_ENTRIES_MAX),
    summary: "At most so many entries from the checkpoint, or from the beginning.",
};
pub(crate) const FIELDS: Parameter = Parameter {
    name: "fields",
    value: ParameterValue::Text,
    summary: "Names of fields, separated by commas.",
};
pub(crate) const INCLUDE_FIELDS: Parameter = Parameter {
    name: "include_fields",
    value: ParameterValue::Flag,
    summary: "Whether these fields are shown, or all others.",
};

/// Which part of a list is asked for.
pub(crate) enum Paging {
    Number { page: u32, per_page: u32, with_totals: bool },
    Checkpoint { after: String, take: u32 },
}

/// A part of a list.
pub(crate) struct Part {
    /// The entries, with their ids.
    pub(crate) entries: Vec<(String, Members)>,
    pub(crate) total: u64,
}

impl Paging {
    pub(crate) fn read(query: &Query) -> Result<Self, ApiError> {
        let take = query.number("take");
        let (from, page) = (query.text("from"), query.number("page"));
        let with_totals = query.flag("include_totals").unwrap_or_default();
        if from.is_none() && take.is_none() {
            let per_page = query.number("per_page").unwrap_or(PAGE_ENTRIES_DEFAULT);
            return Ok(Self::Number { page: page.unwrap_or_default(), per_page, with_totals });
        }
        // Auth0's SDKs send `include_totals` with `take`, and Auth0 ignores it then.
        if page.is_some() || query.number("per_page").is_some() {
            let message = "from and take do not go with page and per_page";
            return Err(ApiError::invalid_query(message));
        }
        let after = match from {
            None => String::new(),
            Some(checkpoint) => decoded(checkpoint)
                .ok_or_else(|| ApiError::invalid_query("from must be the `next` of a page"))?,
        };
        Ok(Self::Checkpoint { after, take: take.unwrap_or(PAGE_ENTRIES_DEFAULT) })
    }

    pub(crate) fn page(&self) -> Page {
        match self {
            Self::Number { page, per_page, .. } => {
                Page::Offset { start: self.start(*page), count: *per_page }
            }
            Self::Checkpoint { after, take } => Page::After { id: after.clone(), count: *take },
        }
    }

    /// How many entries are before the page, and how many it has at most.
    pub(crate) fn offset(&self) -> (u32, u32) {
        match self {
            Self::Number { page, per_page, .. } => (self.start(*page), *per_page),
            Self::Checkpoint { take, .. } => (0, *take),
        }
    }

    fn start(&self, page: u32) -> u32 {
        match self {
            Self::Number { per_page, .. } => page.saturating_mul(*per_page),
            Self::Checkpoint { .. } => 0,
        }
    }

    /// The answer with these entries under this name.
    pub(crate) fn answer(&self, name: &str, part: Part, query: &Query) -> Value {
        let length = part.entries.len();
        let last = part.entries.last().map(|(id, _)| BASE64_URL_SAFE_NO_PAD.encode(id));
        let entries: Vec<Value> =
            part.entries.into_iter().map(|(_, entry)| Value::Object(selected(entry, query))).collect();
        match self {
            Self::Number { with_totals: false, .. } => Value::Array(entries),
            Self::Number { page, per_page, .. } => json!({
                "start": self.start(*page), "limit": per_page, "length": length, "total": part.total, name: entries,
            }),
            Self::Checkpoint { take, .. } => {
                let mut answer = json!({ name: entries });
                let next = last.filter(|_| length == *take as usize);
                if let (Some(next), Some(answer)) = (next, answer.as_object_mut()) {
                    answer.insert("next".to_owned(), next.into());
                }
                answer
            }
        }
    }
}

/// The members that `fields` and `include_fields` select.
pub(crate) fn selected(mut members: Members, query: &Query) -> Members {
    let Some(fields) = query.text("fields") else { return members };
    let is_included = query.flag("include_fields").unwrap_or(true);
    members.retain(|name, _| fields.split(',').any(|field| field.trim() == name) == is_included);
    members
}

fn decoded(checkpoint: &str) -> Option<String> {
    let id = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(checkpoint).ok()?).ok()?;
    (!id.is_empty() && !id.contains('\0')).then_some(id)
}
