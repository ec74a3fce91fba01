//! The texts of a checkout: the files that git lists, tracked or not yet added.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::shell::capture;

/// A file that holds text.
pub struct Text {
    /// Relative to the root, with slashes.
    pub path: String,
    pub content: String,
}

/// The paths of all files, relative to the root.
pub fn paths(root: &Path) -> Result<Vec<String>> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = String::from_utf8(capture(&mut list)?.stdout)?;
    let there = |path: &&str| !path.is_empty() && root.join(path).is_file();
    Ok(listed.split('\0').filter(there).map(str::to_owned).collect())
}

/// The files with one of these endings that hold UTF-8.
pub fn listed(root: &Path, endings: &[&str]) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    for path in paths(root)? {
        let wanted = path.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending));
        if let (true, Ok(content)) = (wanted, fs::read_to_string(root.join(&path))) {
            texts.push(Text { path, content });
        }
    }
    Ok(texts)
}
