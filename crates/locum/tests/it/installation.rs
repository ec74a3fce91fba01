//! A temporary installation of Locum: a folder with a config, a tenant and one pinned plugin.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The tenant of these tests: one client whose only add-on is the app target that every client has.
const TENANT: &str = "domain: acme.example.com\ndefault: true\nclients:\n  - client_id: spa\n    client_secret: spa-secret-0123456789-0123456789\n";

pub(crate) struct Installation(TempDir);

/// Exit code and output of a finished command.
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Installation {
    /// A valid installation; tests change its files to make it invalid.
    pub(crate) fn new() -> Self {
        let installation = Self(TempDir::new().unwrap());
        installation.write("tenant.yaml", TENANT);
        installation.write(
            "locum.toml",
            "listen = \"127.0.0.1:0\"\nplugins_dir = \"plugins\"\ntenants = [\"tenant.yaml\"]\n",
        );
        fs::create_dir(installation.path("plugins")).unwrap();
        installation.install("app");
        installation
    }

    /// Installs one of the shipped plugins, and pins it as they are pinned: to run in the server's process.
    pub(crate) fn install(&self, plugin: &str) {
        let file = self.copy_plugin(plugin);
        assert_eq!(
            self.locum(["plugin", "pin", "--yes", "--in-process", "--allow-signing-bytes", &file]).code,
            0
        );
    }

    /// Installs a plugin and pins it to run in a process of its own.
    pub(crate) fn install_in_runner(&self, plugin: &str) {
        let file = self.copy_plugin(plugin);
        assert_eq!(self.locum(["plugin", "pin", "--yes", &file]).code, 0);
    }

    fn copy_plugin(&self, plugin: &str) -> String {
        let built = plugin_file(plugin);
        let file = format!("plugins/{}", built.file_name().unwrap().to_str().unwrap());
        fs::copy(built, self.path(&file)).unwrap();
        file
    }

    /// Writes a version of a plugin in which every occurrence of a text is replaced by another one of the same length.
    /// Returns its path, which is not in the plugins directory.
    pub(crate) fn version_of(&self, plugin: &str, name: &str, replacements: &[(&str, &str)]) -> String {
        let mut bytes = fs::read(plugin_file(plugin)).unwrap();
        for (from, to) in replacements {
            assert_eq!(from.len(), to.len());
            let places: Vec<usize> = bytes
                .windows(from.len())
                .enumerate()
                .filter(|(_, window)| *window == from.as_bytes())
                .map(|(at, _)| at)
                .collect();
            assert!(!places.is_empty(), "{from}");
            for at in places {
                bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            }
        }
        fs::write(self.path(name), bytes).unwrap();
        name.to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn plugin(&self) -> PathBuf {
        self.path("plugins/liblocum_plugin_app.so")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs `locum` in the folder and waits for it.
    pub(crate) fn locum<const N: usize>(&self, arguments: [&str; N]) -> CommandOutput {
        command_output(self.command().args(arguments).output().unwrap())
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
        command.current_dir(self.0.path()).env_remove("LOCUM_LOG");
        command
    }
}

pub(crate) fn command_output(output: Output) -> CommandOutput {
    CommandOutput {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A plugin of the workspace, built once into the same target directory, because `cargo test` does not build it.
fn plugin_file(plugin: &str) -> PathBuf {
    static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--message-format=json", "--package", "locum-plugin-app"]);
        for plugin in ["aws", "azure-blob", "firebase", "wams"] {
            cargo.args(["--package", &format!("locum-plugin-{plugin}")]);
        }
        for package in ["locum-test-hostile", "locum-test-misbehaving", "locum-test-linkable"] {
            cargo.args(["--package", package]);
        }
        cargo.arg("--target-dir").arg(target);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let output = cargo.current_dir(ROOT).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages =
            output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        let files = messages.filter_map(|message: Value| message["filenames"].as_array().cloned()).flatten();
        files.filter_map(|file| file.as_str().map(PathBuf::from)).collect()
    });
    let wanted = format!("_{plugin}.so");
    built.iter().find(|file| file.to_str().unwrap().ends_with(&wanted)).unwrap().clone()
}

/// Says what a test leaves out on this machine, past the capture of the test runner, which shows nothing of a passed test.
pub(crate) fn not_run(what: &str) {
    std::io::stderr().write_all(format!("NOT RUN: {what}\n").as_bytes()).unwrap();
}
