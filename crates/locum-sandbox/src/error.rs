//! Why a process could not be restricted.

/// Why a step of the sandbox failed. The process must end then, before it runs a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// This system has no sandbox.
    #[error("a plugin can run in a process of its own only on Linux with x86_64 and glibc")]
    Unsupported,
    /// The process that started this one has ended already.
    #[error("the process that started this one has ended")]
    Orphaned,
    /// The system refused a step.
    #[error("{step}: {cause}")]
    Refused {
        /// What was tried.
        step: &'static str,
        /// What the system answered.
        cause: String,
    },
}

impl SandboxError {
    #[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
    pub(crate) fn refused(step: &'static str, cause: impl ToString) -> Self {
        Self::Refused { step, cause: cause.to_string() }
    }
}
