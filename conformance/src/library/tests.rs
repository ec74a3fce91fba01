//! Folders of fixtures, right and wrong.

use locum_engine::RefusalKind;

use super::*;

const GOOD: &str = "description: It is granted.\nprofile: errors\nsteps:\n  - expect: { status: 200 }\n";
const REFUSED: &str = "description: It is refused.\nprofile: errors\nneighbour_of: it-is-granted\nsteps:\n  - request: { ip: 192.0.2.1 }\n    expect: { status: 400 }\n";

/// A folder with a sheet that counts two cases, and these files.
fn opened(files: &[(&str, &str)]) -> Result<Library, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(SHEET), "plugin: mine\ncases: 2\nissuers: {}\n").unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Library::open(&[folder.path().to_owned()]).map_err(|mistakes| {
        let prefix = format!("{}/", folder.path().display());
        mistakes.iter().map(|mistake| mistake.to_string().replace(&prefix, "")).collect()
    })
}

#[test]
fn a_folder_of_two_neighbours_is_read() {
    let library = opened(&[("it-is-granted.yaml", GOOD), ("it-is-refused.yaml", REFUSED)]).unwrap();
    let own = library.cases.iter().filter(|case| case.shelf == Shelf::Plugin("mine".to_owned()));
    assert_eq!(own.count(), 2);
}

#[test]
fn a_case_that_got_lost_is_missed() {
    let mistakes = opened(&[("it-is-refused.yaml", &REFUSED.replace("neighbour_of: it-is-granted\n", ""))]);
    assert_eq!(mistakes.unwrap_err(), ["plugin.yaml:1:1: `cases` says 2, but the files beside it have 1"]);
}

#[test]
fn an_id_that_a_core_case_has_is_refused() {
    let id = "an-unknown-target-is-refused.yaml";
    let mistakes = opened(&[("it-is-granted.yaml", GOOD), (id, REFUSED)]).unwrap_err();
    assert!(
        mistakes[0].starts_with(&format!("{id}:1:1: a case of this id stands in fixtures/core/")),
        "{mistakes:?}"
    );
}

#[test]
fn an_accepted_case_without_a_refused_neighbour_is_refused() {
    let lonely = REFUSED.replace("neighbour_of: it-is-granted\n", "");
    let mistakes = opened(&[("it-is-granted.yaml", GOOD), ("it-is-refused.yaml", &lonely)]).unwrap_err();
    assert_eq!(
        mistakes,
        [
            "it-is-granted.yaml:1:1: no refused case names it in `neighbour_of`; add one that differs in one field"
        ]
    );
}

#[test]
fn neighbours_that_differ_in_two_fields_are_refused() {
    let far = REFUSED.replace("ip: 192.0.2.1", "ip: 192.0.2.1, host: other");
    let mistakes = opened(&[("it-is-granted.yaml", GOOD), ("it-is-refused.yaml", &far)]).unwrap_err();
    assert_eq!(
        mistakes,
        ["it-is-refused.yaml:1:1: it differs from its neighbour in more than one field: \
          /steps/0/request/host, /steps/0/request/ip"]
    );
}

#[test]
fn a_neighbour_that_there_is_not_is_refused() {
    let lost = REFUSED.replace("it-is-granted", "it-was-granted");
    let mistakes = opened(&[("it-is-granted.yaml", GOOD), ("it-is-refused.yaml", &lost)]).unwrap_err();
    assert!(mistakes[0].contains("`neighbour_of` names `it-was-granted`"), "{mistakes:?}");
}

#[test]
fn a_name_that_is_no_sentence_is_refused() {
    let mistakes = opened(&[("it-is-granted.yaml", GOOD), ("Refused.yaml", REFUSED)]).unwrap_err();
    assert!(mistakes[0].starts_with("Refused.yaml:1:1: the file's name"), "{mistakes:?}");
}

#[test]
fn a_description_that_is_no_sentence_is_refused_with_its_line() {
    let note = GOOD.replace("It is granted.", "granted");
    let mistakes = opened(&[("it-is-granted.yaml", &note), ("it-is-refused.yaml", REFUSED)]).unwrap_err();
    assert_eq!(mistakes[0], "it-is-granted.yaml:1:1: the description must be a whole sentence");
}

#[test]
fn a_text_too_short_to_be_looked_for_is_refused_with_its_line() {
    let never_seen = |text: &str| {
        let refused = REFUSED.replace("{ status: 400 }", &format!("{{ status: 400, never_seen: [{text}] }}"));
        opened(&[("it-is-granted.yaml", GOOD), ("it-is-refused.yaml", &refused)])
    };
    assert!(never_seen("12345678").is_ok());
    let mistakes = never_seen("1234567").unwrap_err();
    assert!(mistakes[0].starts_with("it-is-refused.yaml:6:"), "{mistakes:?}");
    assert!(mistakes[0].contains("fewer than 8 bytes is not looked for"), "{mistakes:?}");
}

#[test]
fn a_typo_is_refused_with_its_line() {
    let typo = GOOD.replace("expect:", "expcet:");
    let mistakes = opened(&[("it-is-granted.yaml", &typo), ("it-is-refused.yaml", REFUSED)]).unwrap_err();
    assert!(mistakes[0].starts_with("it-is-granted.yaml:4:5: unknown field `expcet`"), "{mistakes:?}");
}

#[test]
fn every_refusal_has_a_case() {
    let library = Library::open(&[]).unwrap();
    let expected: BTreeSet<(u16, &str)> = library
        .cases
        .iter()
        .flat_map(|case| &case.fixture.steps)
        .filter_map(|step| Some((step.expect.status, step.expect.refusal.as_ref()?.error.as_str())))
        .collect();
    // A plugin that hangs cannot be asked for by a fixture: the misbehaving one shows what becomes of it.
    for kind in RefusalKind::ALL.iter().filter(|kind| **kind != RefusalKind::IssuerHung) {
        let (status, error, _) = kind.row();
        assert!(expected.contains(&(status, error)), "no case expects {status} {error}");
    }
}

#[test]
fn each_variant_of_a_file_is_a_case_and_counts() {
    let refused = REFUSED
        .replace("ip: 192.0.2.1", "ip: \"${variant}\"")
        .replace("steps:", "variants: { one: 192.0.2.1, two: 192.0.2.2 }\nsteps:");
    let mistakes = opened(&[("it-is-granted.yaml", GOOD), ("it-is-refused.yaml", &refused)]).unwrap_err();
    assert_eq!(mistakes, ["plugin.yaml:1:1: `cases` says 2, but the files beside it have 3"]);
    let library = opened(&[("it-is-refused.yaml", &refused.replace("neighbour_of: it-is-granted\n", ""))]);
    let ids: Vec<String> = library.unwrap().cases.into_iter().map(|case| case.id).collect();
    assert!(ids.contains(&"it-is-refused/one".to_owned()) && ids.contains(&"it-is-refused/two".to_owned()));
}

#[test]
fn a_mistake_in_a_variant_is_named_with_its_line() {
    let mistake = |refused: &str| {
        opened(&[("it-is-granted.yaml", GOOD), ("it-is-refused.yaml", refused)]).unwrap_err()[0].clone()
    };
    let refused = REFUSED.replace("status: 400", "status: \"${variant}\"");
    assert_eq!(
        mistake(&refused),
        "it-is-refused.yaml:6:1: a placeholder for a variant, and the file has no `variants`"
    );
    let refused = format!("{refused}variants: {{ one: 400, two: four }}\n");
    assert!(mistake(&refused).contains("in the variant `two`"), "{}", mistake(&refused));
    let typo = refused.replace("two: four", "two: 403").replace("ip:", "pi:");
    assert!(mistake(&typo).starts_with("it-is-refused.yaml:5:1: unknown field `pi`"), "{}", mistake(&typo));
}

#[test]
fn one_refused_neighbour_is_enough_for_the_variants_of_an_accepted_file() {
    let granted = GOOD.replace(
        "steps:\n  -",
        "variants: { one: 192.0.2.2, two: 192.0.2.3 }\nsteps:\n  - request: { ip: \"${variant}\" }\n   ",
    );
    let opened_with = |neighbour: &str| {
        let refused = REFUSED.replace("it-is-granted", neighbour);
        opened(&[("it-is-granted.yaml", &granted), ("it-is-refused.yaml", &refused)]).unwrap_err()
    };
    assert_eq!(
        opened_with("it-is-granted/two"),
        ["plugin.yaml:1:1: `cases` says 2, but the files beside it have 3"]
    );
    assert!(opened_with("it-is-granted")[1].contains("no case beside it has that id"));
}
