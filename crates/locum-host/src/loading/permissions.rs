//! Finds files that others than this user and root can change: whoever can write a plugin and its pin can run code here.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::loading::pins::Pins;
use crate::loading::plugin_file::plugin_files;

/// The permission bits by which a group and by which everybody may write.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// A file or directory that others can change, with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoosePermissions {
    /// The file or directory.
    pub path: PathBuf,
    /// Who can change it.
    pub writers: Writers,
}

/// Who can change a file, besides this user and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Writers {
    /// Its owner, who is neither this user nor root.
    Owner,
    /// The users of its group.
    Group,
    /// Everybody.
    Everybody,
}

impl LoosePermissions {
    /// Checks one file or directory; of a symbolic link, what it points to. A path at which nothing is has no permissions.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        let user = rustix::process::geteuid().as_raw();
        writers(metadata.mode(), metadata.uid(), user).map(|writers| Self { path: path.to_owned(), writers })
    }

    /// Checks a plugins directory, the plugin files in it, its lock file, and the directory of the lock file.
    pub fn of_plugins(directory: &Path) -> Vec<Self> {
        let lock = Pins::lock_path(directory);
        let mut paths = vec![directory.to_owned()];
        // A directory that cannot be listed is reported by loading.
        paths.extend(plugin_files(directory).unwrap_or_default());
        paths.extend(lock.parent().map(Path::to_owned));
        paths.push(lock);
        paths.iter().filter_map(|path| Self::of(path)).collect()
    }
}

/// The widest circle of users who can change a file with these permission bits and this owner.
fn writers(mode: u32, owner: u32, user: u32) -> Option<Writers> {
    if mode & OTHERS_WRITE != 0 {
        Some(Writers::Everybody)
    } else if mode & GROUP_WRITES != 0 {
        Some(Writers::Group)
    } else if owner != user && owner != 0 {
        Some(Writers::Owner)
    } else {
        None
    }
}

impl fmt::Display for LoosePermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.writers {
            Writers::Owner => {
                write!(f, "{path}: it belongs to another user; change its owner to this user or root")
            }
            Writers::Group => write!(f, "{path}: its group can write it; run `chmod g-w {path}`"),
            Writers::Everybody => write!(f, "{path}: everybody can write it; run `chmod go-w {path}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: u32 = 0;
    const SELF: u32 = 1000;
    const OTHER: u32 = 1001;

    #[test]
    fn files_that_only_this_user_and_root_can_write_are_tight() {
        for (mode, owner) in [(0o600, SELF), (0o644, ROOT), (0o755, SELF), (0o444, ROOT), (0o100_640, SELF)] {
            assert_eq!(writers(mode, owner, SELF), None, "{mode:o} {owner}");
        }
    }

    #[test]
    fn files_that_others_can_write_are_loose() {
        for (mode, owner, expected) in [
            (0o620, SELF, Writers::Group),
            (0o664, ROOT, Writers::Group),
            (0o602, SELF, Writers::Everybody),
            (0o666, SELF, Writers::Everybody),
            (0o40_777, ROOT, Writers::Everybody),
            // The sticky bit keeps others from deleting files, but not from adding a plugin.
            (0o41_777, ROOT, Writers::Everybody),
            (0o600, OTHER, Writers::Owner),
            (0o444, OTHER, Writers::Owner),
        ] {
            assert_eq!(writers(mode, owner, SELF), Some(expected), "{mode:o} {owner}");
        }
    }
}
