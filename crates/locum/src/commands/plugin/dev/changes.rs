//! Notices that files have changed, by their times and sizes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

/// How often files are looked at. Watching by the kernel would be a dependency for what few files need.
const PAUSE: Duration = Duration::from_millis(300);

/// Folders deeper than this are not looked into: a link to a parent would never end.
const DEPTH_MAX: usize = 16;

/// Files, as they were when they were looked at last.
pub(super) struct Changes {
    watched: Vec<PathBuf>,
    known: Stamps,
}

type Stamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Changes {
    /// Of these files, and of those in these folders, from now on.
    pub(super) fn of(watched: Vec<PathBuf>) -> Self {
        let known = stamps(&watched);
        Self { watched, known }
    }

    /// Waits until something has changed and then rested, because an editor may write several files.
    pub(super) async fn seen(&mut self) {
        let mut has_changed = false;
        loop {
            sleep(PAUSE).await;
            let now = stamps(&self.watched);
            let is_same = now == self.known;
            self.known = now;
            match (is_same, has_changed) {
                (true, true) => return,
                (true, false) => {}
                (false, _) => has_changed = true,
            }
        }
    }
}

fn stamps(watched: &[PathBuf]) -> Stamps {
    let mut stamps = Stamps::new();
    watched.iter().for_each(|path| add(path, DEPTH_MAX, &mut stamps));
    stamps
}

fn add(path: &Path, depth: usize, stamps: &mut Stamps) {
    let Ok(metadata) = fs::metadata(path) else { return };
    if !metadata.is_dir() {
        stamps.insert(path.to_owned(), (metadata.modified().ok(), metadata.len()));
        return;
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        add(&entry.path(), depth, stamps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_new_and_a_lost_file_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let watched = vec![folder.path().to_owned(), folder.path().join("absent")];
        let file = folder.path().join("below/a");
        fs::create_dir(folder.path().join("below")).unwrap();
        let mut earlier = stamps(&watched);
        let mut has_changed = || {
            let now = stamps(&watched);
            let changed = now != earlier;
            earlier = now;
            changed
        };
        assert!(!has_changed());
        fs::write(&file, "a").unwrap();
        assert!(has_changed());
        fs::write(&file, "ab").unwrap();
        assert!(has_changed());
        assert!(!has_changed());
        fs::remove_file(&file).unwrap();
        assert!(has_changed());
    }
}
