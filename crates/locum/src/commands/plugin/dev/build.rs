//! The plugin to serve: a file, or a crate that is built by cargo.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::exit::CommandError;

pub(super) struct Plugin {
    source: Source,
    /// The folders of fixtures; none if only the suite's own are used.
    pub(super) fixtures: Vec<PathBuf>,
}

enum Source {
    File(PathBuf),
    Crate(PathBuf),
}

impl Plugin {
    /// A plugin file, or the folder of a crate. Without named fixtures, those in the folder `fixtures` of the crate, or of the
    /// working directory.
    ///
    /// # Errors
    /// Neither a file nor the folder of a crate.
    pub(super) fn at(path: &Path, fixtures: &[PathBuf]) -> Result<Self, CommandError> {
        let (source, beside) = if path.join("Cargo.toml").is_file() {
            (Source::Crate(path.to_owned()), path.join("fixtures"))
        } else if path.is_file() {
            (Source::File(path.to_owned()), PathBuf::from("fixtures"))
        } else {
            return Err(CommandError::usage(format!(
                "{} is neither a plugin file nor a folder with a Cargo.toml",
                path.display()
            )));
        };
        let default = if beside.is_dir() { vec![beside] } else { Vec::new() };
        let fixtures = if fixtures.is_empty() { default } else { fixtures.to_vec() };
        Ok(Self { source, fixtures })
    }

    /// What may change the plugin or its cases.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let sources = match &self.source {
            Source::File(file) => vec![file.clone()],
            Source::Crate(folder) => ["Cargo.toml", "build.rs", "src"].map(|part| folder.join(part)).into(),
        };
        sources.into_iter().chain(self.fixtures.iter().cloned()).collect()
    }

    /// The plugin file, built anew if it is a crate.
    ///
    /// # Errors
    /// The build fails, or makes no library.
    pub(super) fn build(&self) -> Result<PathBuf, CommandError> {
        match &self.source {
            Source::File(file) => Ok(file.clone()),
            Source::Crate(folder) => built(folder),
        }
    }
}

fn built(folder: &Path) -> Result<PathBuf, CommandError> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--message-format=json-render-diagnostics"]).current_dir(folder);
    let output = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| CommandError::system(format!("cannot start cargo: {error}")))?;
    if !output.status.success() {
        return Err(CommandError::input_file(format!("{}: the build failed", folder.display())));
    }
    let manifest = folder.join("Cargo.toml").canonicalize();
    let manifest =
        manifest.map_err(|error| CommandError::system(format!("{}: {error}", folder.display())))?;
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let mut libraries = messages.filter_map(|line| library(line, &manifest));
    libraries.next_back().ok_or_else(|| {
        CommandError::input_file(format!(
            "{}: the build made no library; a plugin has `crate-type = [\"cdylib\"]`",
            folder.display()
        ))
    })
}

/// The library that one of cargo's messages says was built for this manifest.
fn library(message: &[u8], manifest: &Path) -> Option<PathBuf> {
    let message: Value = serde_json::from_slice(message).ok()?;
    let of = message.get("manifest_path")?.as_str()?;
    if Path::new(of) != manifest {
        return None;
    }
    let files = message.get("filenames")?.as_array()?;
    files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".so")).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_of_the_crate_itself_is_taken() {
        let message = |manifest: &str, file: &str| {
            format!(r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","filenames":["{file}"]}}"#)
        };
        let taken = |text: String| library(text.as_bytes(), Path::new("/a/Cargo.toml"));
        assert_eq!(taken(message("/a/Cargo.toml", "/t/liba.so")), Some(PathBuf::from("/t/liba.so")));
        assert_eq!(taken(message("/b/Cargo.toml", "/t/libb.so")), None);
        assert_eq!(taken(message("/a/Cargo.toml", "/t/liba.rlib")), None);
        assert_eq!(taken("not JSON".to_owned()), None);
    }

    #[test]
    fn what_is_neither_a_file_nor_a_crate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Plugin::at(folder.path(), &[]).is_err());
        assert!(Plugin::at(&folder.path().join("none.so"), &[]).is_err());
    }
}
