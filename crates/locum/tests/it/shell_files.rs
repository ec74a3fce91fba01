//! Shell completions and manual pages.

use std::fs;

use crate::installation::Installation;

#[test]
fn each_shell_completes_the_commands() {
    let installation = Installation::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = installation.locum(["completions", shell]);
        assert_eq!(script.code, 0, "{}", script.stderr);
        for word in ["who-can", "mint-refresh", "allow-signing-bytes"] {
            assert!(script.stdout.contains(word), "{shell} does not complete {word}");
        }
    }
    assert_eq!(installation.locum(["completions", "cmd"]).code, 2);
}

#[test]
fn each_command_has_a_manual_page() {
    let installation = Installation::new();
    assert_eq!(installation.locum(["man", "share/man"]).code, 0);
    for page in ["locum", "locum-serve", "locum-plugin-pin", "locum-import-auth0", "locum-token-mint-refresh"]
    {
        let text = fs::read_to_string(installation.path(&format!("share/man/{page}.1"))).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert_eq!(installation.locum(["man", "locum.toml"]).code, 5);
}
