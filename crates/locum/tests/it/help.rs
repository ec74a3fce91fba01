//! The `--help` texts, so that every change of a command or a flag is reviewed as a snapshot.

use crate::installation::Installation;

#[test]
fn help_texts_match_the_snapshot() {
    let installation = Installation::new();
    let help = |arguments: &[&str]| {
        let output = installation.command().args(arguments).arg("--help").output().unwrap();
        let command =
            ["locum"].iter().chain(arguments).chain(&["--help"]).copied().collect::<Vec<_>>().join(" ");
        format!("$ {command}\n{}", String::from_utf8(output.stdout).unwrap())
    };
    let commands: [&[&str]; 21] = [
        &[],
        &["serve"],
        &["check"],
        &["plugin"],
        &["plugin", "list"],
        &["plugin", "inspect"],
        &["plugin", "pin"],
        &["plugin", "status"],
        &["plugin", "pause"],
        &["plugin", "resume"],
        &["plugin", "upgrade"],
        &["plugin", "dev"],
        &["plugin", "new"],
        &["import"],
        &["import", "auth0"],
        &["token"],
        &["token", "mint"],
        &["token", "inspect"],
        &["audit"],
        &["audit", "verify"],
        &["conformance"],
    ];
    insta::assert_snapshot!(commands.map(help).join("\n"));
}
