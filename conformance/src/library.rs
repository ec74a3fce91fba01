//! The library: every fixture and sheet there is for a run, read and checked as a whole.

mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::built_in;
use crate::fixture::Fixture;
use crate::reading::{Mistake, read, take_in_files, take_in_files_of};
use crate::sheet::{CredentialReading, PluginSheet, VerifyingKey};
use crate::standing::SECRET_BYTES_MIN;

/// The file that says who a folder's fixtures are for.
const SHEET: &str = "plugin.yaml";

/// The file that counts the fixtures of a folder without a sheet.
const COUNT: &str = "count.yaml";

/// The tenant that cases run against.
const TENANT: &str = "tenant.yaml";

/// One case with its id and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) shelf: Shelf,
    pub(crate) file: String,
    pub(crate) fixture: Fixture,
}

/// Whose cases stand on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Every plugin's.
    Core,
    /// What only HTTP shows; asked of whoever serves api_type `app`.
    Server,
    /// One plugin's own.
    Plugin(String),
}

/// All fixtures and sheets.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) cases: Vec<Case>,
    pub(crate) sheets: Vec<PluginSheet>,
    /// The tenant file as a document, its keys taken in.
    pub(crate) tenant: Value,
}

impl Library {
    /// The suite's own fixtures, and those of these folders: each a plugin's folder or a folder of such folders.
    pub(crate) fn open(folders: &[PathBuf]) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader::default();
        reader.built_in("core", Shelf::Core);
        reader.built_in("server", Shelf::Server);
        reader.tenant();
        for folder in folders {
            reader.folder(folder);
        }
        reader.built_in_plugins();
        reader.check_ids();
        reader.check_neighbours();
        if reader.mistakes.is_empty() { Ok(reader.library) } else { Err(reader.mistakes) }
    }

    /// The sheet of a plugin.
    pub(crate) fn sheet(&self, plugin: &str) -> Option<&PluginSheet> {
        self.sheets.iter().find(|sheet| sheet.plugin == plugin)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    cases: usize,
}

#[derive(Default)]
struct Reader {
    library: Library,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn built_in(&mut self, folder: &str, shelf: Shelf) {
        let files = built_in::FILES.iter().filter_map(|(path, text)| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((format!("fixtures/{path}"), name.to_owned(), (*text).to_owned()))
        });
        self.shelve(files.collect(), shelf);
    }

    /// The plugins that ship here, but for those that the run brings fixtures of its own for.
    fn built_in_plugins(&mut self) {
        let brought: Vec<String> = self.library.sheets.iter().map(|sheet| sheet.plugin.clone()).collect();
        for (path, text) in built_in::FILES {
            let Some(folder) = path.strip_suffix(SHEET).and_then(|path| path.strip_suffix('/')) else {
                continue;
            };
            let take_in = |taken: &str| {
                let path = taken.strip_prefix("../").unwrap_or(taken);
                built_in::text(path).map(str::to_owned).ok_or_else(|| format!("no file {taken}"))
            };
            match read_sheet(&format!("fixtures/{path}"), text, &take_in) {
                Err(mistake) => self.mistakes.push(mistake),
                Ok(sheet) if brought.contains(&sheet.plugin) => {}
                Ok(sheet) => {
                    let shelf = Shelf::Plugin(sheet.plugin.clone());
                    self.library.sheets.push(sheet);
                    self.built_in(folder, shelf);
                }
            }
        }
    }

    fn tenant(&mut self) {
        let file = format!("fixtures/{TENANT}");
        let outcome =
            read(&file, built_in::text(TENANT).unwrap_or_default()).and_then(|mut tenant: Value| {
                let take_in = |path: &str| {
                    built_in::text(path).map(str::to_owned).ok_or_else(|| format!("no file {path}"))
                };
                take_in_files(&mut tenant, &take_in).map_err(|message| Mistake::of_file(&file, message))?;
                Ok(tenant)
            });
        match outcome {
            Ok(tenant) => self.library.tenant = tenant,
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    fn folder(&mut self, folder: &Path) {
        if folder.join(SHEET).is_file() {
            return self.plugin(folder);
        }
        let mut found = false;
        for inner in listed(folder).unwrap_or_default() {
            if inner.join(SHEET).is_file() {
                found = true;
                self.plugin(&inner);
            }
        }
        if !found {
            let message = format!("no {SHEET} stands in it, nor in a folder of it");
            self.mistakes.push(Mistake::of_file(&folder.display().to_string(), message));
        }
    }

    fn plugin(&mut self, folder: &Path) {
        match read_sheet_file(folder) {
            Ok(sheet) => {
                let shelf = Shelf::Plugin(sheet.plugin.clone());
                if self.library.sheet(&sheet.plugin).is_some() {
                    let file = folder.join(SHEET).display().to_string();
                    let message = format!("a second sheet for the plugin `{}`", sheet.plugin);
                    self.mistakes.push(Mistake::of_file(&file, message));
                }
                self.library.sheets.push(sheet);
                match texts_of(folder) {
                    Ok(files) => self.shelve(files, shelf),
                    Err(mistake) => self.mistakes.push(mistake),
                }
            }
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    /// Takes the fixtures among these files, and holds their number against the count.
    fn shelve(&mut self, files: Vec<(String, String, String)>, shelf: Shelf) {
        let mut found = 0;
        let mut unread = false;
        let mut counted = None;
        let mut counting_file = String::new();
        for (file, name, text) in files {
            match name.as_str() {
                SHEET => {
                    counting_file = file;
                    let of = |sheet: &&PluginSheet| shelf == Shelf::Plugin(sheet.plugin.clone());
                    counted = self.library.sheets.iter().find(of).map(|sheet| sheet.cases);
                }
                COUNT => match read::<Count>(&file, &text) {
                    Ok(count) => (counting_file, counted) = (file, Some(count.cases)),
                    Err(mistake) => self.mistakes.push(mistake),
                },
                _ => {
                    let Some(id) = name.strip_suffix(".yaml") else { continue };
                    match read_cases(&file, id, &text, &shelf) {
                        Ok(cases) => {
                            found += cases.len();
                            self.library.cases.extend(cases);
                        }
                        Err(mistake) => {
                            unread = true;
                            self.mistakes.push(mistake);
                        }
                    }
                }
            }
        }
        // A file that cannot be read is a mistake already; nobody knows how many cases it has.
        if counted != Some(found) && !unread {
            let message = match counted {
                Some(counted) => format!("`cases` says {counted}, but the files beside it have {found}"),
                None => format!("no {COUNT} counts the cases of the files beside it"),
            };
            self.mistakes.push(Mistake::of_file(&counting_file, message));
        }
    }

    fn check_ids(&mut self) {
        let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for case in &self.library.cases {
            // Two plugins may have a case of one name; each is run alone.
            let of = match &case.shelf {
                Shelf::Plugin(name) => name.as_str(),
                Shelf::Core | Shelf::Server => "",
            };
            let own = seen.insert((of, &case.id), &case.file);
            let shared = if of.is_empty() { None } else { seen.get(&("", case.id.as_str())).copied() };
            if let Some(other) = own.or(shared) {
                let message = format!("a case of this id stands in {other} too; give it a name of its own");
                self.mistakes.push(Mistake::of_file(&case.file, message));
            }
        }
    }

    /// Every accepted case of a plugin has a neighbour that is refused for one changed field. Of the variants of one file,
    /// which differ in little, one needs a neighbour.
    fn check_neighbours(&mut self) {
        let mut accompanied: BTreeSet<&str> = BTreeSet::new();
        for case in &self.library.cases {
            let Some(name) = &case.fixture.neighbour_of else { continue };
            let accepted =
                self.library.cases.iter().find(|other| other.shelf == case.shelf && other.id == *name);
            match accepted {
                None => self.mistakes.push(Mistake::of_file(
                    &case.file,
                    format!("`neighbour_of` names `{name}`, and no case beside it has that id"),
                )),
                Some(accepted) => {
                    accompanied.insert(&accepted.file);
                    if let Some(message) = not_neighbours(&accepted.fixture, &case.fixture) {
                        self.mistakes.push(Mistake::of_file(&case.file, message));
                    }
                }
            }
        }
        for case in &self.library.cases {
            let own = matches!(case.shelf, Shelf::Plugin(_));
            if own && case.fixture.accepts() && !accompanied.contains(case.file.as_str()) {
                let message = "no refused case names it in `neighbour_of`; add one that differs in one field";
                self.mistakes.push(Mistake::of_file(&case.file, message));
            }
        }
    }
}

/// Why two cases are not neighbours, if they are not.
fn not_neighbours(accepted: &Fixture, refused: &Fixture) -> Option<String> {
    if !accepted.accepts() || refused.accepts() {
        return Some("neighbours are an accepted case and a refused one".to_owned());
    }
    let differing = crate::neighbour::differing_fields(accepted, refused);
    match differing.as_slice() {
        [_] => None,
        [] => Some("it asks the same as its neighbour and expects another answer".to_owned()),
        several => {
            Some(format!("it differs from its neighbour in more than one field: {}", several.join(", ")))
        }
    }
}

/// The cases of a file: one, or one for each of its variants, whose ids are `file-name/variant-name`.
fn read_cases(file: &str, id: &str, text: &str, shelf: &Shelf) -> Result<Vec<Case>, Mistake> {
    if !variants::is_kebab_case(id) || !id.contains('-') {
        return Err(Mistake::of_file(file, "the file's name must be a sentence in kebab case"));
    }
    let case = |id: String, fixture: Fixture| {
        check_fixture(file, text, &fixture)?;
        Ok(Case { id, shelf: shelf.clone(), file: file.to_owned(), fixture })
    };
    let document: Map<String, Value> = read(file, text)?;
    if !document.contains_key(variants::FIELD) {
        if variants::has_placeholder(text) {
            let message = "a placeholder for a variant, and the file has no `variants`";
            return Err(Mistake::at_text(file, text, "${variant", message));
        }
        return Ok(vec![case(id.to_owned(), read(file, text)?)?]);
    }
    let expanded =
        variants::expanded(document).map_err(|message| Mistake::at_text(file, text, "variants:", message))?;
    let cases = expanded.into_iter().map(|(name, document)| {
        let fixture = serde_json::from_value(document).map_err(|error| {
            let message = error.to_string();
            // Most messages name the field that is wrong first, in backquotes.
            let field = message.split('`').nth(1).unwrap_or(variants::FIELD);
            Mistake::at_text(file, text, &format!("{field}:"), format!("{message}, in the variant `{name}`"))
        })?;
        case(format!("{id}/{name}"), fixture)
    });
    cases.collect()
}

fn check_fixture(file: &str, text: &str, fixture: &Fixture) -> Result<(), Mistake> {
    let sentence = fixture.description.ends_with('.') && !fixture.description.starts_with(char::is_lowercase);
    if !sentence {
        return Err(Mistake::at_text(file, text, "description:", "the description must be a whole sentence"));
    }
    if fixture.steps.is_empty() != fixture.refused_setting.is_some() {
        return Err(Mistake::of_file(file, "a case has either steps or a refused_setting"));
    }
    if fixture.steps.iter().any(|step| step.times == 0) {
        return Err(Mistake::at_text(file, text, "times:", "`times` must be at least 1"));
    }
    let mut unseen = fixture.steps.iter().flat_map(|step| &step.expect.never_seen);
    if unseen.any(|text| text.trim().len() < SECRET_BYTES_MIN) {
        let message =
            format!("a text of fewer than {SECRET_BYTES_MIN} bytes is not looked for; name a longer one");
        return Err(Mistake::at_text(file, text, "never_seen:", message));
    }
    if let Some(mistake) =
        fixture.steps.iter().flat_map(|step| &step.upstream).flatten().find_map(|exchange| exchange.mistake())
    {
        return Err(Mistake::at_text(file, text, "upstream:", mistake));
    }
    Ok(())
}

fn read_sheet_file(folder: &Path) -> Result<PluginSheet, Mistake> {
    let path = folder.join(SHEET);
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Mistake::of_file(&file, error.to_string()))?;
    let take_in = |taken: &str| {
        fs::read_to_string(folder.join(taken))
            .map_err(|error| format!("the file {taken} cannot be taken in: {error}"))
    };
    read_sheet(&file, &text, &take_in)
}

fn read_sheet(
    file: &str,
    text: &str,
    take_in: &dyn Fn(&str) -> Result<String, String>,
) -> Result<PluginSheet, Mistake> {
    let mut sheet: PluginSheet = read(file, text)?;
    for issuer in sheet.issuers.values_mut() {
        let filled = take_in_files_of(&mut issuer.settings, take_in).and_then(|()| {
            if let CredentialReading::Jwt(reading) = &mut issuer.credential
                && let VerifyingKey::PublicKey { pem, .. } = &mut reading.verifies_with
                && let Some(taken) = pem.strip_prefix("${file:").and_then(|rest| rest.strip_suffix('}'))
            {
                *pem = take_in(taken)?;
            }
            Ok(())
        });
        filled.map_err(|message| Mistake::at_text(file, text, "${file:", message))?;
        let mut exchanges = issuer.upstream.iter().chain(&issuer.revocation);
        if exchanges.any(|exchange| exchange.from.is_some() || exchange.outcome.is_none()) {
            let message = "an upstream exchange of a `plugin.yaml` needs an `outcome` and no `from`";
            return Err(Mistake::of_file(file, message));
        }
        if let Some(feature) = issuer.features.iter().find(|feature| !feature.is_declared()) {
            let message = format!("`{feature}` is not declared here: it follows from the manifest");
            return Err(Mistake::at_text(file, text, feature.name(), message));
        }
    }
    Ok(sheet)
}

/// Path, name and text of the YAML files of a folder, sorted.
fn texts_of(folder: &Path) -> Result<Vec<(String, String, String)>, Mistake> {
    let failed =
        |path: &Path, error: std::io::Error| Mistake::of_file(&path.display().to_string(), error.to_string());
    let mut texts = Vec::new();
    for path in listed(folder).map_err(|error| failed(folder, error))? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".yaml") {
            let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
            texts.push((path.display().to_string(), name.to_owned(), text));
        }
    }
    Ok(texts)
}

fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
