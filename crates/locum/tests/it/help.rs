//! The command surface, as `--help` shows it: a change of it is a change of a snapshot under review.

use crate::house::House;

#[test]
fn the_command_surface_is_what_was_reviewed() {
    let house = House::new();
    let help = |arguments: &[&str]| {
        let output = house.command().args(arguments).arg("--help").output().unwrap();
        format!("$ locum {} --help\n{}", arguments.join(" "), String::from_utf8(output.stdout).unwrap())
    };
    let commands: [&[&str]; 10] = [
        &["serve"],
        &["check"],
        &["plugin"],
        &["plugin", "list"],
        &["plugin", "inspect"],
        &["plugin", "pin"],
        &["plugin", "new"],
        &["token", "mint"],
        &["token", "inspect"],
        &["conformance"],
    ];
    insta::assert_snapshot!(commands.map(help).join("\n"));
}
