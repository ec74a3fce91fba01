//! The files of a new plugin, from templates with placeholders.

use std::path::PathBuf;

use crate::scaffold::conditions;
use crate::scaffold::new_plugin::{NewUpstream, Plan};
use crate::schema::{fixture_schema, plugin_spec_schema};

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

/// The values of the placeholders, such as `@name@`, in the templates, and which of their lines are left out.
pub(crate) struct Placeholders<'a> {
    plan: &'a Plan,
    pairs: Vec<(&'static str, String)>,
}

/// The folder of a standalone crate with copies of Locum's schemas, so that editors need no file of another folder.
const SCHEMAS: &str = "schemas";

impl<'a> Placeholders<'a> {
    /// The placeholders of a standalone crate. `sdk` and `locum` are the paths of the SDK and of Locum's workspace,
    /// relative to the crate.
    pub(crate) fn standalone_crate(plan: &'a Plan, sdk: &str, locum: &str) -> Self {
        let mut placeholders = Self::of(plan, "Somebody", "0.1.0");
        placeholders.pairs.extend([
            ("@sdk@", sdk.to_owned()),
            ("@locum@", locum.to_owned()),
            ("@toolchain@", toolchain().to_owned()),
            ("@schemas@", format!("../../{SCHEMAS}")),
            ("@key_file@", "test-key".to_owned()),
        ]);
        placeholders
    }

    /// The placeholders of a member of Locum's workspace.
    pub(crate) fn workspace_member(plan: &'a Plan) -> Self {
        let mut placeholders = Self::of(plan, "Locum", env!("CARGO_PKG_VERSION"));
        placeholders
            .pairs
            .extend([("@schemas@", "..".to_owned()), ("@key_file@", "../keys/firebase".to_owned())]);
        placeholders
    }

    fn of(plan: &'a Plan, vendor: &str, version: &str) -> Self {
        let name = &plan.name;
        let upstream = plan.upstream.as_ref();
        let is_url = matches!(upstream, Some(NewUpstream::Setting(_)));
        let host = match upstream {
            Some(NewUpstream::Host(host)) => host.clone(),
            _ => String::new(),
        };
        let pairs = vec![
            ("@name@", name.kebab().to_owned()),
            ("@api_type@", name.snake().to_owned()),
            ("@Issuer@", format!("{}Issuer", name.pascal())),
            ("@vendor@", vendor.to_owned()),
            ("@version@", version.to_owned()),
            ("@description@", format!("Issues {} tokens.", name.kebab())),
            ("@key@", if plan.rs256 { "private_key" } else { "key" }.to_owned()),
            ("@signed@", if upstream.is_some() { "assertions" } else { "tokens" }.to_owned()),
            ("@checked_endpoint@", if is_url { "checked_endpoint, " } else { "" }.to_owned()),
            ("@comma@", if plan.rs256 { "," } else { "" }.to_owned()),
            ("@host@", host),
            ("@token_url@", upstream.map(NewUpstream::token_url).unwrap_or_default()),
            ("@revocation_url@", upstream.map(NewUpstream::revocation_url).unwrap_or_default()),
            ("@edit_me@", edit_me(plan).0.to_owned()),
            ("@cases@", cases(plan).len().to_string()),
        ];
        Self { plan, pairs }
    }

    fn fill(&self, template: &str) -> String {
        let fill = |text: String, (word, value): &(&str, String)| text.replace(word, value);
        self.pairs.iter().fold(conditions::selected(template, |name| self.is_met(name)), fill)
    }

    fn is_met(&self, condition: &str) -> bool {
        match condition {
            "hs256" => !self.plan.rs256,
            "rs256" => self.plan.rs256,
            "upstream" => self.plan.upstream.is_some(),
            "host" => matches!(self.plan.upstream, Some(NewUpstream::Host(_))),
            "url" => matches!(self.plan.upstream, Some(NewUpstream::Setting(_))),
            "revocable" => self.plan.revocable,
            _ => false,
        }
    }
}

/// The files of a standalone crate.
pub(crate) fn standalone_crate(placeholders: &Placeholders<'_>) -> Vec<File> {
    let mut files = vec![
        file("Cargo.toml", include_str!("../../templates/standalone-crate/Cargo.toml.in"), placeholders),
        file("README.md", include_str!("../../templates/standalone-crate/README.md"), placeholders),
        file(".gitignore", include_str!("../../templates/standalone-crate/gitignore"), placeholders),
        file(
            ".github/workflows/ci.yml",
            include_str!("../../templates/standalone-crate/ci.yml"),
            placeholders,
        ),
        File::text("rustfmt.toml", include_str!("../../../rustfmt.toml").to_owned()),
    ];
    let check = file("check", include_str!("../../templates/standalone-crate/check"), placeholders);
    files.push(File { is_executable: true, ..check });
    let fixtures = format!("fixtures/{}", placeholders.plan.name.snake());
    files.extend(plugin("", &fixtures, placeholders));
    if placeholders.plan.rs256 {
        files.extend(TEST_KEY.map(|(name, text)| File::text(format!("{fixtures}/{name}"), text.to_owned())));
    }
    files.extend([
        File::text(format!("{SCHEMAS}/fixture.schema.json"), schema_text(&fixture_schema())),
        File::text(format!("{SCHEMAS}/plugin.schema.json"), schema_text(&plugin_spec_schema())),
    ]);
    files
}

/// A key pair that protects nothing, as Locum's own fixtures have it.
const TEST_KEY: [(&str, &str); 2] = [
    ("test-key.pem", include_str!("../../../fixtures/keys/firebase.pem")),
    ("test-key.pub.pem", include_str!("../../../fixtures/keys/firebase.pub.pem")),
];

fn schema_text(schema: &serde_json::Value) -> String {
    format!("{schema:#}\n")
}

/// The files of a member of Locum's workspace.
pub(crate) fn workspace_member(placeholders: &Placeholders<'_>) -> Vec<File> {
    let crate_folder = format!("plugins/{}/", placeholders.plan.name.snake());
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
    files.extend(plugin(
        &crate_folder,
        &format!("fixtures/{}", placeholders.plan.name.snake()),
        placeholders,
    ));
    files
}

/// The plugin's sources and its fixtures.
fn plugin(crate_folder: &str, fixtures: &str, placeholders: &Placeholders<'_>) -> Vec<File> {
    let of_crate = [
        ("src/lib.rs", include_str!("../../templates/plugin/src/lib.rs")),
        ("src/tests.rs", include_str!("../../templates/plugin/src/tests.rs")),
        ("manifest.json", include_str!("../../templates/plugin/manifest.json")),
    ];
    let spec = ("plugin", include_str!("../../templates/plugin/fixtures/plugin.yaml"));
    let of_crate =
        of_crate.into_iter().map(|(path, text)| file(&format!("{crate_folder}{path}"), text, placeholders));
    let of_fixtures = std::iter::once(spec)
        .chain(cases(placeholders.plan))
        .map(|(id, text)| file(&format!("{fixtures}/{id}.yaml"), text, placeholders));
    of_crate.chain(of_fixtures).collect()
}

/// Id and text of a case.
type CaseTemplate = (&'static str, &'static str);

macro_rules! case {
    ($id:literal) => {
        ($id, include_str!(concat!("../../templates/plugin/fixtures/", $id, ".yaml")))
    };
}

/// The case that fails until its author edits it.
fn edit_me(plan: &Plan) -> CaseTemplate {
    if plan.upstream.is_some() {
        case!("a-token-is-requested-as-its-upstream-needs-it")
    } else {
        case!("a-token-has-the-claims-that-its-reader-needs")
    }
}

/// The cases of a plugin.
fn cases(plan: &Plan) -> Vec<CaseTemplate> {
    let mut cases = vec![edit_me(plan)];
    cases.push(if plan.rs256 {
        case!("a-private-key-that-is-not-pem-is-refused")
    } else {
        case!("an-empty-key-is-refused")
    });
    if plan.upstream.is_some() {
        cases.push(case!("a-token-of-the-upstream-is-passed-on"));
        cases.push(case!("a-refusal-of-the-upstream-is-passed-on-by-its-code"));
    }
    if plan.revocable {
        cases.push(case!("a-failed-revocation-is-not-reported-as-successful"));
    }
    cases
}

fn file(path: &str, template: &str, placeholders: &Placeholders<'_>) -> File {
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
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::fixtures::load::Fixtures;
    use crate::scaffold::new_plugin::NewPlugin;

    const WORKSPACE: &str = include_str!("../../../Cargo.toml");

    /// Plans of every combination of options.
    fn plans() -> Vec<Plan> {
        let mut plans = Vec::new();
        for upstream in [None, Some("login.example.com"), Some("https://idp.example.com/token")] {
            for (revocable, rs256) in [(false, false), (false, true), (true, false), (true, true)] {
                let upstream = upstream.map(str::to_owned);
                let new = NewPlugin { upstream, revocable, rs256, ..NewPlugin::named("car-park") };
                plans.push(Plan::parse(&new).unwrap());
            }
        }
        plans
    }

    fn standalone(plan: &Plan) -> Vec<File> {
        standalone_crate(&Placeholders::standalone_crate(plan, "../locum/crates/locum-plugin", "../locum"))
    }

    #[test]
    fn every_placeholder_is_replaced_and_every_condition_is_closed() {
        for plan in plans() {
            let member = workspace_member(&Placeholders::workspace_member(&plan));
            for file in standalone(&plan).iter().chain(&member) {
                let is_word = |word: &&str| {
                    !word.is_empty()
                        && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                };
                let left = file.text.split('@').skip(1).step_by(2).find(is_word);
                assert_eq!(left, None, "{} of {plan:?}", file.path.display());
                assert!(
                    !file.text.contains("@if ") && !file.text.contains("\n\n\n"),
                    "{}",
                    file.path.display()
                );
            }
        }
        let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let counted = |path: &Path| {
            let text = fs::read_to_string(path).unwrap();
            (text.matches("@if ").count(), text.matches("@end@").count())
        };
        for file in [
            "plugin/src/lib.rs",
            "plugin/src/tests.rs",
            "plugin/manifest.json",
            "plugin/fixtures/plugin.yaml",
        ] {
            let (opened, closed) = counted(&Path::new(templates).join(file));
            assert_eq!(opened, closed, "{file}");
        }
    }

    #[test]
    fn the_fixtures_can_be_read_and_the_manifest_is_json() {
        for plan in plans() {
            let folder = tempfile::TempDir::new().unwrap();
            for file in standalone(&plan) {
                let path = folder.path().join(&file.path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &file.text).unwrap();
            }
            let fixtures = Fixtures::load(&[folder.path().join("fixtures")]).unwrap();
            assert!(fixtures.spec("car_park").is_some(), "{plan:?}");
            let manifest = fs::read(folder.path().join("manifest.json")).unwrap();
            let manifest: locum_abi::manifest::Manifest = serde_json::from_slice(&manifest).unwrap();
            let [issuer] = manifest.issuers.as_slice() else { panic!("{manifest:?}") };
            assert_eq!(issuer.upstreams.is_empty(), plan.upstream.is_none());
        }
    }

    #[test]
    fn no_file_of_a_standalone_crate_leads_out_of_it_but_to_locum() {
        for file in plans().iter().flat_map(standalone) {
            for (at, _) in file.text.match_indices("../") {
                let rest = &file.text[at..];
                let leads_to = rest.trim_start_matches("../");
                // From `fixtures/car_park/`, two levels up are the crate's root.
                let is_own = leads_to.starts_with("schemas/") && !rest.starts_with("../../../");
                assert!(is_own || leads_to.starts_with("locum"), "{}: {rest:.60}", file.path.display());
            }
        }
    }

    #[test]
    fn a_standalone_crate_has_the_versions_of_the_workspace() {
        let files = standalone(&plans()[0]);
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
        let files = standalone(&plans()[0]);
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
