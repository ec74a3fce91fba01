//! `locum plugin new`: writes the crate of a new plugin, as a git repository of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use locum_conformance::scaffold::{self, NewPlugin, ScaffoldError};

use crate::cli::NewPluginArgs;
use crate::exit::CommandError;
use crate::format::print_text;

pub(super) fn run(args: &NewPluginArgs) -> Result<(), CommandError> {
    let new = NewPlugin {
        name: args.name.clone(),
        upstream: args.upstream.clone(),
        revocable: args.revocable,
        rs256: args.rs256,
    };
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let (files, check) = match (&args.workspace, &args.sdk) {
        (Some(workspace), _) => {
            let files = scaffold::write_workspace_member(&new, workspace).map_err(scaffold_error)?;
            (files, "`cargo xtask conformance`".to_owned())
        }
        (None, Some(sdk)) => {
            let files = scaffold::write_crate(&new, &folder, sdk).map_err(scaffold_error)?;
            (files, folder.join("check").display().to_string())
        }
        (None, None) => {
            return Err(CommandError::usage("name the folder of the crate `locum-plugin` with --sdk"));
        }
    };
    for file in files {
        print_text(&format!("wrote {}", file.display()));
    }
    if args.workspace.is_none() {
        print_text(&repository(&folder));
    }
    let what =
        if args.upstream.is_some() || args.revocable { "what is requested" } else { "what a token contains" };
    print_text(&format!(
        "next: write in src/lib.rs {what}, edit the case that fails until then; then run {check}"
    ));
    Ok(())
}

fn scaffold_error(error: ScaffoldError) -> CommandError {
    match error {
        ScaffoldError::File { .. } => CommandError::system(error),
        other => CommandError::usage(other),
    }
}

/// Makes the folder a git repository, unless it is inside one. The crate is of use without, so it is no error if that fails.
fn repository(folder: &Path) -> String {
    if let Some(root) = enclosing_repository(folder) {
        return format!("it belongs to the git repository {}", root.display());
    }
    let mut init = Command::new("git");
    init.args(["init", "--quiet"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A git hook sets these, and they name another repository.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_TEMPLATE_DIR"]
    {
        init.env_remove(variable);
    }
    match init.status() {
        Ok(status) if status.success() => format!("made {} a git repository", folder.display()),
        Ok(status) => format!("it is not a git repository yet: `git init` failed with {status}"),
        Err(error) => format!("it is not a git repository yet: git cannot be started: {error}"),
    }
}

/// The repository or work tree that a folder is in.
fn enclosing_repository(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    folder.ancestors().find(|ancestor| ancestor.join(".git").exists()).map(Path::to_owned)
}
