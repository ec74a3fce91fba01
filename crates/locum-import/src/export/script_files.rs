//! The code of a rule or an action: in its metadata, or in a file that they name.

use crate::export::Script;
use crate::{Folder, ImportError};

/// Longest text that is taken for a path, in bytes.
const PATH_BYTES_MAX: usize = 4096;

/// Reads what the metadata say. Code that is in the metadata themselves has its lines in that file.
pub(super) fn read(
    folder: &Folder,
    base: &str,
    code: &str,
    (file, lines): (&str, &[String]),
) -> Result<Script, ImportError> {
    let is_path = !code.contains('\n') && code.ends_with(".js") && code.len() <= PATH_BYTES_MAX;
    if !is_path {
        let lines_before = lines_before(code, lines);
        return Ok(Script { file: file.to_owned(), lines_before, code: code.to_owned() });
    }
    // Joined only if it stays in the folder: an absolute path must not become a relative one.
    let path = if code.starts_with(['/', '\\']) { code.to_owned() } else { format!("{base}{code}") };
    match folder.text(&path)? {
        Some(code) => {
            let file = path.replace('\\', "/").replace("/./", "/");
            Ok(Script { file: file.trim_start_matches("./").to_owned(), lines_before: 0, code })
        }
        None => Err(ImportError::file(
            file,
            format!("it names the file {path}, which is not in the export; export it again"),
        )),
    }
}

/// How many lines of the file are before the code, found by its first line that is not blank; 0 if it is not found.
fn lines_before(code: &str, lines: &[String]) -> usize {
    let Some((within, first)) = code.lines().enumerate().find(|(_, line)| !line.trim().is_empty()) else {
        return 0;
    };
    let found = lines.iter().position(|line| line.trim() == first.trim());
    found.map_or(0, |at| at.saturating_sub(within))
}
