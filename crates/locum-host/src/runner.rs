//! The runner: a process of its own for each plugin, which can compute and nothing else.
//!
//! ```text
//! host                                                       runner
//! keeper thread    start, watch, reap ◄──── control ────►    main thread: restricts itself, maps the plugin, configures
//! a request        lane ◄── length, bytes ──────────────►    a thread for each lane: calls the plugin
//! ```
//!
//! `trial` finds out whether a runner works on this system, `process` starts one and `keeper` keeps one running. `generation` is one running process as calls see it, `exchange`
//! one request and its answer on a lane, `backend` what a configured issuer does with both; `tenants` keeps one for each. `child` is the other side.
//! `messages` and `frames` are what they say to each other, on the `control_socket`, the lanes and the `blocking_lane`.

mod backend;
mod blocking_lane;
mod child;
mod command;
mod control_socket;
mod discarded_output;
mod exchange;
mod faults;
mod frames;
mod generation;
mod in_flight;
mod keeper;
mod messages;
mod pause;
mod process;
mod shared;
mod tenants;
mod timed_lock;
mod trial;
mod trial_library;

pub(crate) use backend::RunnerBackend;
pub use command::{RunnerCommand, run_if_asked, run_plugin};
pub(crate) use keeper::Plan;
pub use locum_sandbox::SUPPORTED;
pub(crate) use tenants::TenantRunners;
