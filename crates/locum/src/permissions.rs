//! Finds files that users other than root and this process's own can change: whoever can, decides about keys and code.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use locum_host::{Pins, plugin_files};

use crate::config::Config;

/// Write permission of the group, and of everybody.
const GROUP_WRITE: u32 = 0o020;
const OTHER_WRITE: u32 = 0o002;

/// A file or directory that others can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignWriter {
    path: PathBuf,
    who: Who,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Everybody,
    Group(u32),
    Owner(u32),
}

impl fmt::Display for ForeignWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.who {
            Who::Everybody => write!(f, "{path}: every user can change it; run `chmod go-w {path}`"),
            Who::Group(gid) => {
                write!(f, "{path}: every user of the group {gid} can change it; run `chmod go-w {path}`")
            }
            Who::Owner(uid) => write!(
                f,
                "{path}: it belongs to the user {uid}, who is neither root nor the user of this process; change its owner"
            ),
        }
    }
}

/// What is used before any plugin is loaded: the config, the plugins with their directory, the lock file, the database, the
/// files with keys and URLs, and the directory of the control socket.
pub(crate) fn of_installation(config: &Config) -> Vec<ForeignWriter> {
    let mut paths =
        vec![config.file.clone(), config.plugins_dir.clone(), Pins::lock_path(&config.plugins_dir)];
    paths.extend(plugin_files(&config.plugins_dir).unwrap_or_default());
    paths.extend(config.state.clone());
    paths.extend(config.postgres_file.clone());
    paths.extend(config.master_keys_file.clone());
    paths.extend(config.redis_file.clone());
    // Whoever can write it can put a socket of his own in the place of the server's.
    paths.extend(config.control.as_deref().and_then(Path::parent).map(Path::to_owned));
    of_files(&paths)
}

/// Those of these files that others can change. A file that cannot be looked at is left to whoever reads it.
pub(crate) fn of_files(paths: &[PathBuf]) -> Vec<ForeignWriter> {
    let own = rustix::process::geteuid().as_raw();
    let who = |path: &Path| -> Option<Who> {
        let metadata = std::fs::metadata(path).ok()?;
        foreign_writer(metadata.mode(), metadata.uid(), metadata.gid(), own)
    };
    paths.iter().filter_map(|path| Some(ForeignWriter { path: path.clone(), who: who(path)? })).collect()
}

/// Logs files that others can change, or returns them as an error where the config is strict.
pub(crate) fn refuse_or_warn(config: &Config, found: &[ForeignWriter]) -> Result<(), String> {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    if config.strict_permissions && !lines.is_empty() {
        return Err(lines.join("\n"));
    }
    for line in lines {
        tracing::warn!("{line}");
    }
    Ok(())
}

fn foreign_writer(mode: u32, owner: u32, group: u32, own: u32) -> Option<Who> {
    if mode & OTHER_WRITE != 0 {
        Some(Who::Everybody)
    } else if mode & GROUP_WRITE != 0 {
        Some(Who::Group(group))
    } else if owner != 0 && owner != own {
        Some(Who::Owner(owner))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_the_own_user_may_write() {
        for mode in [0o100_644, 0o100_600, 0o040_755] {
            assert_eq!(foreign_writer(mode, 0, 5, 7), None);
            assert_eq!(foreign_writer(mode, 7, 5, 7), None);
            assert_eq!(foreign_writer(mode, 8, 5, 7), Some(Who::Owner(8)));
        }
        assert_eq!(foreign_writer(0o100_664, 0, 5, 7), Some(Who::Group(5)));
        assert_eq!(foreign_writer(0o100_666, 7, 5, 7), Some(Who::Everybody));
        assert_eq!(foreign_writer(0o040_777, 0, 5, 7), Some(Who::Everybody));
    }
}
