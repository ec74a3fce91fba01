//! Where a pinned plugin runs: its level of isolation, and which calls share a process.

use std::fmt;

use locum_host::{Inspection, Isolation, Pin, ProcessScope};

use crate::cli::{IsolateArg, PinArgs};

/// Where a pinned plugin runs.
#[derive(Clone, Copy)]
pub(super) enum Level {
    InProcess,
    Runner(ProcessScope),
}

impl Level {
    pub(super) fn of_args(args: &PinArgs) -> Self {
        match (args.in_process, &args.isolate) {
            (true, _) => Self::InProcess,
            (false, IsolateArg::Plugin) => Self::Runner(ProcessScope::Plugin),
            (false, IsolateArg::Tenant) => Self::Runner(ProcessScope::Tenant),
        }
    }

    pub(super) fn of(pin: &Pin) -> Self {
        match pin.isolation {
            Isolation::InProcess => Self::InProcess,
            _ => Self::Runner(pin.isolate),
        }
    }

    pub(super) fn pin(self, inspection: &Inspection) -> Pin {
        match self {
            Self::InProcess => inspection.pin().at(Isolation::InProcess),
            Self::Runner(scope) => inspection.pin().isolating(scope),
        }
    }

    /// What it means for whoever pins a file.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::InProcess => {
                "it runs in the server's process. It can read every key and secret of the server, open files and \
                 connections, and end the server. Pin it so only if you trust it as you trust Locum."
            }
            Self::Runner(ProcessScope::Tenant) => {
                "it runs in a process of its own for each tenant, which can compute and nothing else."
            }
            Self::Runner(_) => "it runs in a process of its own, which can compute and nothing else.",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => Isolation::InProcess.fmt(f),
            Self::Runner(ProcessScope::Tenant) => write!(f, "{}, one for each tenant", Isolation::Runner),
            Self::Runner(_) => Isolation::Runner.fmt(f),
        }
    }
}
