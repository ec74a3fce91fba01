//! Pauses by an operator, beside those that a runner begins by itself after three deaths.

use std::time::Duration;

use arc_swap::ArcSwap;

use crate::limits::OPERATOR_PAUSES_MAX;

/// Add-ons of a plugin: all of them, or those of one tenant, of one api_type, or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseScope {
    /// The plugin's name.
    pub plugin: String,
    /// The tenant's domain; `None` for all tenants.
    pub tenant: Option<String>,
    /// `None` for all api_types of the plugin.
    pub api_type: Option<String>,
}

impl PauseScope {
    /// All add-ons of a plugin.
    pub fn of_plugin(plugin: impl Into<String>) -> Self {
        Self { plugin: plugin.into(), tenant: None, api_type: None }
    }

    /// Whether every add-on of the other scope is one of this.
    pub fn contains(&self, other: &Self) -> bool {
        self.plugin == other.plugin
            && (self.tenant.is_none() || self.tenant == other.tenant)
            && (self.api_type.is_none() || self.api_type == other.api_type)
    }

    pub(crate) fn has(&self, plugin: &str, tenant: &str, api_type: &str) -> bool {
        self.plugin == plugin
            && self.tenant.as_ref().is_none_or(|paused| paused == tenant)
            && self.api_type.as_ref().is_none_or(|paused| paused == api_type)
    }
}

/// Add-ons that are not called now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginPause {
    /// Which add-ons.
    pub scope: PauseScope,
    /// How much longer, if a runner has begun the pause because the add-on's calls ended its process. `None` if an operator
    /// has: such a pause lasts until it is resumed.
    pub remaining: Option<Duration>,
}

/// There are so many pauses of operators that no more is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are {OPERATOR_PAUSES_MAX} pauses already; resume some of them, or pause whole plugins instead of tenants"
)]
pub struct TooManyPauses;

/// The pauses of operators. Calls read them without a lock.
#[derive(Debug, Default)]
pub(crate) struct OperatorPauses(ArcSwap<Vec<PauseScope>>);

impl OperatorPauses {
    /// Whether the add-ons of a tenant and an api_type are paused.
    pub(crate) fn cover(&self, plugin: &str, tenant: &str, api_type: &str) -> bool {
        self.0.load().iter().any(|paused| paused.has(plugin, tenant, api_type))
    }

    /// Adds a pause. Returns whether anything changed.
    pub(crate) fn add(&self, scope: &PauseScope) -> Result<bool, TooManyPauses> {
        let before = self.0.rcu(|pauses| {
            let mut pauses = Vec::clone(pauses);
            if !pauses.contains(scope) && pauses.len() < OPERATOR_PAUSES_MAX {
                pauses.push(scope.clone());
            }
            pauses
        });
        match before.contains(scope) {
            true => Ok(false),
            false if before.len() >= OPERATOR_PAUSES_MAX => Err(TooManyPauses),
            false => Ok(true),
        }
    }

    /// Ends the pauses within this scope. Returns how many.
    pub(crate) fn end(&self, scope: &PauseScope) -> usize {
        let before = self.0.rcu(|pauses| {
            let stay = pauses.iter().filter(|pause| !scope.contains(pause));
            stay.cloned().collect::<Vec<_>>()
        });
        before.iter().filter(|pause| scope.contains(pause)).count()
    }

    /// All pauses, oldest first.
    pub(crate) fn all(&self) -> Vec<PauseScope> {
        Vec::clone(&self.0.load())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(tenant: Option<&str>, api_type: Option<&str>) -> PauseScope {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        PauseScope { plugin: "aws".to_owned(), tenant: owned(tenant), api_type: owned(api_type) }
    }

    #[test]
    fn a_pause_is_as_narrow_as_it_says() {
        for (tenant, api_type, paused) in [
            (None, None, [true, true, true, true]),
            (Some("a"), None, [true, true, false, false]),
            (None, Some("x"), [true, false, true, false]),
            (Some("a"), Some("x"), [true, false, false, false]),
        ] {
            let pauses = OperatorPauses::default();
            assert_eq!(pauses.add(&scope(tenant, api_type)), Ok(true));
            let found = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
                .map(|(tenant, api_type)| pauses.cover("aws", tenant, api_type));
            assert_eq!(found, paused, "{tenant:?} {api_type:?}");
            assert!(!pauses.cover("app", "a", "x"));
        }
    }

    #[test]
    fn a_scope_contains_those_that_are_as_narrow() {
        let scopes = [(None, None), (Some("a"), None), (None, Some("x")), (Some("a"), Some("x"))];
        for (tenant, api_type, contained) in [
            (None, None, [true, true, true, true]),
            (Some("a"), None, [false, true, false, true]),
            (None, Some("x"), [false, false, true, true]),
            (Some("a"), Some("x"), [false, false, false, true]),
            (Some("b"), Some("y"), [false; 4]),
        ] {
            let found = scopes.map(|(t, a)| scope(tenant, api_type).contains(&scope(t, a)));
            assert_eq!(found, contained, "{tenant:?} {api_type:?}");
        }
        assert!(!scope(None, None).contains(&PauseScope::of_plugin("app")));
    }

    #[test]
    fn resuming_ends_the_pauses_within_and_leaves_wider_ones() {
        let pauses = OperatorPauses::default();
        for (tenant, api_type) in [(None, None), (Some("a"), None), (Some("a"), Some("x")), (Some("b"), None)]
        {
            pauses.add(&scope(tenant, api_type)).unwrap();
        }
        assert_eq!(pauses.add(&scope(Some("a"), None)), Ok(false));
        assert_eq!(pauses.end(&scope(Some("a"), None)), 2);
        assert_eq!(pauses.all(), [scope(None, None), scope(Some("b"), None)]);
        assert_eq!(pauses.end(&scope(Some("c"), None)), 0);
        assert_eq!(pauses.end(&PauseScope::of_plugin("app")), 0);
        assert_eq!(pauses.end(&PauseScope::of_plugin("aws")), 2);
        assert!(!pauses.cover("aws", "a", "x"));
    }

    #[test]
    fn there_is_a_limit() {
        let pauses = OperatorPauses::default();
        for tenant in 0..OPERATOR_PAUSES_MAX {
            assert_eq!(pauses.add(&scope(Some(&tenant.to_string()), None)), Ok(true));
        }
        assert_eq!(pauses.add(&scope(None, None)), Err(TooManyPauses));
        assert_eq!(pauses.add(&scope(Some("1"), None)), Ok(false));
        assert_eq!(pauses.end(&scope(Some("1"), None)), 1);
        assert_eq!(pauses.add(&scope(None, None)), Ok(true));
    }
}
