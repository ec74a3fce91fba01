//! How plugins are loaded and called.

use std::sync::Arc;
use std::time::Duration;

use crate::egress::upstreams::Upstreams;
use crate::limits::{CONFIGURE_DEADLINE, REQUEST_DEADLINE};
use crate::observer::CallObservers;
use crate::runner::RunnerCommand;

/// How plugins are loaded and called.
#[derive(Clone)]
#[non_exhaustive]
pub struct LoadOptions {
    /// What starts the processes of plugins that are pinned to run in one; without it those are refused.
    pub runner: Option<RunnerCommand>,
    /// Whether such plugins are refused where the kernel lacks one of the [`Protections`](crate::Protections).
    pub strict_sandbox: bool,
    /// How long all steps of one request together may take.
    pub deadline: Duration,
    /// How long a plugin may take to configure one issuer.
    pub configure_deadline: Duration,
    /// What performs the upstream calls that plugins ask for.
    pub upstreams: Arc<dyn Upstreams>,
    /// Who measures the calls of plugins and upstreams, if anybody does.
    pub observers: Option<Arc<dyn CallObservers>>,
}

impl LoadOptions {
    /// Without a runner, with [`REQUEST_DEADLINE`] and [`CONFIGURE_DEADLINE`].
    pub fn new(upstreams: Arc<dyn Upstreams>) -> Self {
        Self {
            runner: None,
            strict_sandbox: false,
            deadline: REQUEST_DEADLINE,
            configure_deadline: CONFIGURE_DEADLINE,
            upstreams,
            observers: None,
        }
    }
}
