//! The files of a new plugin, and the words that are filled into them.

use std::path::PathBuf;

use crate::scaffold::name::PluginName;

/// A file to write.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Relative to the folder that is written into.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) is_program: bool,
}

impl File {
    pub(crate) fn plain(path: impl Into<PathBuf>, text: String) -> Self {
        Self { path: path.into(), text, is_program: false }
    }
}

/// What stands for the words between `@` in the templates.
pub(crate) struct Placeholders {
    folder: String,
    pairs: Vec<(&'static str, String)>,
}

impl Placeholders {
    /// Those of a crate of its own. `sdk` and `locum` are paths from it, to the SDK and to the workspace of that.
    pub(crate) fn outside(name: &PluginName, sdk: &str, locum: &str) -> Self {
        let mut words = Self::of(name, "Somebody", "0.1.0");
        words.pairs.push(("@sdk@", sdk.to_owned()));
        words.pairs.push(("@locum@", locum.to_owned()));
        words.pairs.push(("@toolchain@", toolchain().to_owned()));
        let up = if locum.starts_with('/') { "" } else { "../../" };
        words.pairs.push(("@schemas@", format!("{up}{locum}/fixtures")));
        words
    }

    /// Those of a member of Locum's workspace.
    pub(crate) fn inside(name: &PluginName) -> Self {
        let mut words = Self::of(name, "Locum", env!("CARGO_PKG_VERSION"));
        words.pairs.push(("@schemas@", "..".to_owned()));
        words
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

/// The files of a crate of its own.
pub(crate) fn outside(words: &Placeholders) -> Vec<File> {
    let mut files = vec![
        file("Cargo.toml", include_str!("../../templates/outside/Cargo.toml.in"), words),
        file("README.md", include_str!("../../templates/outside/README.md"), words),
        file(".gitignore", include_str!("../../templates/outside/gitignore"), words),
        file(".github/workflows/ci.yml", include_str!("../../templates/outside/ci.yml"), words),
    ];
    let check = file("check", include_str!("../../templates/outside/check"), words);
    files.push(File { is_program: true, ..check });
    files.extend(plugin("", &format!("fixtures/{}", words.folder), words));
    files
}

/// The files of a member of Locum's workspace.
pub(crate) fn inside(words: &Placeholders) -> Vec<File> {
    let crate_folder = format!("plugins/{}/", words.folder);
    let mut files = vec![
        file(
            &format!("{crate_folder}Cargo.toml"),
            include_str!("../../templates/inside/Cargo.toml.in"),
            words,
        ),
        file(&format!("{crate_folder}README.md"), include_str!("../../templates/inside/README.md"), words),
    ];
    files.extend(plugin(&crate_folder, &format!("fixtures/{}", words.folder), words));
    files
}

/// The plugin itself and its fixtures.
fn plugin(crate_folder: &str, fixtures: &str, words: &Placeholders) -> Vec<File> {
    let of_crate = [
        ("src/lib.rs", include_str!("../../templates/plugin/src/lib.rs")),
        ("src/tests.rs", include_str!("../../templates/plugin/src/tests.rs")),
        ("manifest.json", include_str!("../../templates/plugin/manifest.json")),
    ];
    let of_fixtures = [
        ("plugin.yaml", include_str!("../../templates/plugin/fixtures/plugin.yaml")),
        (
            "a-token-says-what-its-reader-needs.yaml",
            include_str!("../../templates/plugin/fixtures/a-token-says-what-its-reader-needs.yaml"),
        ),
        (
            "an-empty-key-is-refused.yaml",
            include_str!("../../templates/plugin/fixtures/an-empty-key-is-refused.yaml"),
        ),
    ];
    let of_crate =
        of_crate.into_iter().map(|(path, text)| file(&format!("{crate_folder}{path}"), text, words));
    let of_fixtures =
        of_fixtures.into_iter().map(|(path, text)| file(&format!("{fixtures}/{path}"), text, words));
    of_crate.chain(of_fixtures).collect()
}

fn file(path: &str, template: &str, words: &Placeholders) -> File {
    File::plain(path, words.fill(template))
}

/// The toolchain that this workspace is built with.
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

    fn words() -> Placeholders {
        Placeholders::outside(
            &PluginName::parse("car-park").unwrap(),
            "../locum/crates/locum-plugin",
            "../locum",
        )
    }

    #[test]
    fn no_word_is_left_unfilled() {
        let outside = outside(&words());
        let inside = inside(&Placeholders::inside(&PluginName::parse("car-park").unwrap()));
        for file in outside.iter().chain(&inside) {
            let left = file.text.split('@').skip(1).step_by(2).find(|word| {
                !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '_')
            });
            assert_eq!(left, None, "{}", file.path.display());
        }
    }

    #[test]
    fn a_crate_of_its_own_has_the_versions_of_the_workspace() {
        let files = outside(&words());
        let manifest = files.iter().find(|file| file.path.ends_with("Cargo.toml")).unwrap();
        for name in ["edition", "rust-version", "schemars", "serde"] {
            let stated = |text: &str| {
                text.lines().find(|line| line.starts_with(&format!("{name} ="))).map(str::to_owned)
            };
            assert_eq!(stated(&manifest.text), stated(WORKSPACE), "{name}");
        }
    }

    #[test]
    fn actions_are_named_by_their_full_hash() {
        let files = outside(&words());
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
