//! `locum audit`: checks audit files.

use locum_store::audit::{FileCheck, Head, VerifyError, verify};

use crate::cli::AuditCommand;
use crate::exit::CommandError;
use crate::format::print_text;

pub(crate) fn run(command: &AuditCommand) -> Result<(), CommandError> {
    let AuditCommand::Verify { files, heads } = command;
    match verify(files, heads) {
        Ok(checks) => {
            checks.iter().for_each(|check| print_text(&summary(check)));
            Ok(())
        }
        Err(error @ VerifyError::Unreadable { .. }) => Err(CommandError::input_file(error)),
        Err(error) => {
            print_text(&error.to_string());
            Err(CommandError::check_failed())
        }
    }
}

fn summary(FileCheck { path, after, head, torn_lines, unfinished_bytes }: &FileCheck) -> String {
    let mut text = match head.seq - after.seq {
        0 => format!("{}: no lines", path.display()),
        lines => {
            format!("{}: {lines} lines, unbroken, seq {} to {}", path.display(), after.seq + 1, head.seq)
        }
    };
    if after.seq > 0 && head.seq > after.seq {
        text.push_str("; continues an older file");
    }
    if *torn_lines > 0 {
        text.push_str(&format!("; incomplete lines: {torn_lines}, each reported by the next line"));
    }
    if *unfinished_bytes > 0 {
        text.push_str(&format!("; {unfinished_bytes} bytes of an incomplete line at the end"));
    }
    if *head != Head::START {
        text.push_str(&format!("; head {head}"));
    }
    text
}
