//! Names of functions in plugins. Plugins are mapped from memory, not from their files, so valgrind finds no names for them.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use anyhow::Result;

/// The plugins that a process has mapped, with the functions of each.
#[derive(Default)]
pub(super) struct Symbols(Vec<Library>);

struct Library {
    /// Where it is mapped: its first byte, and the one behind its last.
    start: u64,
    end: u64,
    /// Addresses from its first byte, ascending, and names.
    functions: Vec<(u64, String)>,
}

impl Symbols {
    /// Of a process that is alive, with plugins from this folder.
    pub(super) fn of(process: u32, plugins: &Path) -> Result<Self> {
        let mut libraries = Vec::new();
        for (name, start, end) in mapped(&fs::read_to_string(format!("/proc/{process}/maps"))?) {
            let functions = functions(&nm(&plugins.join(name))?);
            libraries.push(Library { start, end, functions });
        }
        Ok(Self(libraries))
    }

    /// The name of the function at an address, which callgrind gives in place of a name.
    pub(super) fn name(&self, address: &str) -> Option<&str> {
        let address = u64::from_str_radix(address.strip_prefix("0x")?, 16).ok()?;
        let library = self.0.iter().find(|library| (library.start..library.end).contains(&address))?;
        let offset = address - library.start;
        let after = library.functions.partition_point(|(start, _)| *start <= offset);
        library.functions.get(after.checked_sub(1)?).map(|(_, name)| name.as_str())
    }
}

/// Name, start and end of what is mapped from memory.
fn mapped(maps: &str) -> Vec<(&str, u64, u64)> {
    let mut libraries: Vec<(&str, u64, u64)> = Vec::new();
    for line in maps.lines() {
        let Some((range, name)) = line.split_once(' ').zip(line.split_once("/memfd:")) else { continue };
        let name = name.1.trim_end_matches(" (deleted)");
        let Some((start, end)) = range.0.split_once('-') else { continue };
        let (Ok(start), Ok(end)) = (u64::from_str_radix(start, 16), u64::from_str_radix(end, 16)) else {
            continue;
        };
        match libraries.iter_mut().find(|library| library.0 == name) {
            Some(library) => (library.1, library.2) = (library.1.min(start), library.2.max(end)),
            None => libraries.push((name, start, end)),
        }
    }
    libraries
}

fn nm(library: &Path) -> io::Result<String> {
    let output = Command::new("nm").args(["--demangle", "--numeric-sort"]).arg(library).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Addresses and names of `nm`'s lines for code.
fn functions(nm: &str) -> Vec<(u64, String)> {
    let function = |line: &str| {
        let mut fields = line.splitn(3, ' ');
        let (address, kind, name) = (fields.next()?, fields.next()?, fields.next()?);
        let is_code = matches!(kind, "t" | "T" | "w" | "W");
        let address = u64::from_str_radix(address, 16).ok().filter(|_| is_code)?;
        Some((address, name.to_owned()))
    };
    nm.lines().filter_map(function).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
00400000-00500000 r-xp 00000000 fe:00 1 /usr/bin/locum
06400000-06420000 r--p 00000000 00:01 7 /memfd:liblocum_plugin_app.so (deleted)
06420000-06500000 r-xp 00020000 00:01 7 /memfd:liblocum_plugin_app.so (deleted)
";
    const NM: &str = "                 U memcpy\n0000000000020000 T first\n0000000000020100 t second<u8> as A\n\
                      00000000000f0000 d data\n";

    fn symbols() -> Symbols {
        let library = |(_, start, end)| Library { start, end, functions: functions(NM) };
        Symbols(mapped(MAPS).into_iter().map(library).collect())
    }

    #[test]
    fn an_address_in_a_plugin_is_in_the_function_that_starts_before_it() {
        assert_eq!(symbols().name("0x0000000006420000"), Some("first"));
        assert_eq!(symbols().name("0x00000000064200ff"), Some("first"));
        assert_eq!(symbols().name("0x0000000006420100"), Some("second<u8> as A"));
    }

    #[test]
    fn an_address_elsewhere_has_no_name() {
        for elsewhere in ["0x0000000000400000", "0x0000000006500000", "0x0000000006400000", "malloc"] {
            assert_eq!(symbols().name(elsewhere), None, "{elsewhere}");
        }
    }
}
