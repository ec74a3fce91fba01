//! The files of a new plugin, from templates with placeholders.

use std::path::PathBuf;

use crate::scaffold::name::PluginName;

/// A file to write.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Relative to the folder that the scaffold writes to.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) is_executable: bool,
}

impl File {
    pub(crate) fn text(path: impl Into<PathBuf>, text: String) -> Self {
        Self { path: path.into(), text, is_executable: false }
    }
}

/// The values of the placeholders, such as `@name@`, in the templates.
pub(crate) struct Placeholders {
    folder: String,
    pairs: Vec<(&'static str, String)>,
}

impl Placeholders {
    /// The placeholders of a standalone crate. `sdk` and `locum` are the paths of the SDK and of Locum's workspace,
    /// relative to the crate.
    pub(crate) fn standalone_crate(name: &PluginName, sdk: &str, locum: &str) -> Self {
        let mut placeholders = Self::of(name, "Somebody", "0.1.0");
        placeholders.pairs.push(("@sdk@", sdk.to_owned()));
        placeholders.pairs.push(("@locum@", locum.to_owned()));
        placeholders.pairs.push(("@toolchain@", toolchain().to_owned()));
        let up = if locum.starts_with('/') { "" } else { "../../" };
        placeholders.pairs.push(("@schemas@", format!("{up}{locum}/fixtures")));
        placeholders
    }

    /// The placeholders of a member of Locum's workspace.
    pub(crate) fn workspace_member(name: &PluginName) -> Self {
        let mut placeholders = Self::of(name, "Locum", env!("CARGO_PKG_VERSION"));
        placeholders.pairs.push(("@schemas@", "..".to_owned()));
        placeholders
    }

    fn of(name: &PluginName, vendor: &str, version: &str) -> Self {
        let pairs = vec![
            ("@name@", name.kebab().to_owned()),
            ("@api_type@", name.snake().to_owned()),
            ("@Issuer@", format!("{}Issuer", name.pascal())),
            ("@vendor@", vendor.to_owned()),
            ("@version@", version.to_owned()),
            ("@description@", format!("Issues {} tokens.", name.kebab())),
        ];
        Self { folder: name.snake().to_owned(), pairs }
    }

    fn fill(&self, template: &str) -> String {
        let fill = |text: String, (word, value): &(&str, String)| text.replace(word, value);
        self.pairs.iter().fold(template.to_owned(), fill)
    }
}

/// The files of a standalone crate.
pub(crate) fn standalone_crate(placeholders: &Placeholders) -> Vec<File> {
    let mut files = vec![
        file("Cargo.toml", include_str!("../../templates/standalone-crate/Cargo.toml.in"), placeholders),
        file("README.md", include_str!("../../templates/standalone-crate/README.md"), placeholders),
        file(".gitignore", include_str!("../../templates/standalone-crate/gitignore"), placeholders),
        file(
            ".github/workflows/ci.yml",
            include_str!("../../templates/standalone-crate/ci.yml"),
            placeholders,
        ),
    ];
    let check = file("check", include_str!("../../templates/standalone-crate/check"), placeholders);
    files.push(File { is_executable: true, ..check });
    files.extend(plugin("", &format!("fixtures/{}", placeholders.folder), placeholders));
    files
}

/// The files of a member of Locum's workspace.
pub(crate) fn workspace_member(placeholders: &Placeholders) -> Vec<File> {
    let crate_folder = format!("plugins/{}/", placeholders.folder);
    let mut files = vec![
        file(
            &format!("{crate_folder}Cargo.toml"),
            include_str!("../../templates/workspace-member/Cargo.toml.in"),
            placeholders,
        ),
        file(
            &format!("{crate_folder}README.md"),
            include_str!("../../templates/workspace-member/README.md"),
            placeholders,
        ),
    ];
    files.extend(plugin(&crate_folder, &format!("fixtures/{}", placeholders.folder), placeholders));
    files
}

/// The plugin's sources and its fixtures.
fn plugin(crate_folder: &str, fixtures: &str, placeholders: &Placeholders) -> Vec<File> {
    let of_crate = [
        ("src/lib.rs", include_str!("../../templates/plugin/src/lib.rs")),
        ("src/tests.rs", include_str!("../../templates/plugin/src/tests.rs")),
        ("manifest.json", include_str!("../../templates/plugin/manifest.json")),
    ];
    let of_fixtures = [
        ("plugin.yaml", include_str!("../../templates/plugin/fixtures/plugin.yaml")),
        (
            "a-token-has-the-claims-that-its-reader-needs.yaml",
            include_str!("../../templates/plugin/fixtures/a-token-has-the-claims-that-its-reader-needs.yaml"),
        ),
        (
            "an-empty-key-is-refused.yaml",
            include_str!("../../templates/plugin/fixtures/an-empty-key-is-refused.yaml"),
        ),
    ];
    let of_crate =
        of_crate.into_iter().map(|(path, text)| file(&format!("{crate_folder}{path}"), text, placeholders));
    let of_fixtures =
        of_fixtures.into_iter().map(|(path, text)| file(&format!("{fixtures}/{path}"), text, placeholders));
    of_crate.chain(of_fixtures).collect()
}

fn file(path: &str, template: &str, placeholders: &Placeholders) -> File {
    File::text(path, placeholders.fill(template))
}

/// The toolchain of this workspace.
fn toolchain() -> &'static str {
    let lines = include_str!("../../../rust-toolchain.toml").lines();
    let mut channels =
        lines.filter_map(|line| line.strip_prefix("channel = ")).map(|word| word.trim_matches('"'));
    channels.next().unwrap_or("stable")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = include_str!("../../../Cargo.toml");

    fn placeholders() -> Placeholders {
        Placeholders::standalone_crate(
            &PluginName::parse("car-park").unwrap(),
            "../locum/crates/locum-plugin",
            "../locum",
        )
    }

    #[test]
    fn every_placeholder_is_replaced() {
        let standalone = standalone_crate(&placeholders());
        let member =
            workspace_member(&Placeholders::workspace_member(&PluginName::parse("car-park").unwrap()));
        for file in standalone.iter().chain(&member) {
            let left = file.text.split('@').skip(1).step_by(2).find(|word| {
                !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '_')
            });
            assert_eq!(left, None, "{}", file.path.display());
        }
    }

    #[test]
    fn a_standalone_crate_has_the_versions_of_the_workspace() {
        let files = standalone_crate(&placeholders());
        let manifest = files.iter().find(|file| file.path.ends_with("Cargo.toml")).unwrap();
        for name in ["edition", "rust-version", "schemars", "serde"] {
            let stated = |text: &str| {
                text.lines().find(|line| line.starts_with(&format!("{name} ="))).map(str::to_owned)
            };
            assert_eq!(stated(&manifest.text), stated(WORKSPACE), "{name}");
        }
    }

    #[test]
    fn actions_are_pinned_by_their_full_hash() {
        let files = standalone_crate(&placeholders());
        let workflow = files.iter().find(|file| file.path.ends_with("ci.yml")).unwrap();
        let used: Vec<&str> = workflow.text.lines().filter_map(|line| line.split("uses: ").nth(1)).collect();
        assert!(!used.is_empty());
        for action in used {
            let hash = action.split(['@', ' ']).nth(1).unwrap_or_default();
            assert!(hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}");
        }
        assert_eq!(workflow.text.matches("persist-credentials: false").count(), 2);
    }
}
