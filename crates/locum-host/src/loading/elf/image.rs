//! The segments of a plugin file as the system's loader maps them. The loader believes the program headers, so each is
//! checked here for everything that the loader does with it.

use object::LittleEndian;
use object::elf::{
    PF_R, PF_W, PF_X, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_GNU_PROPERTY, PT_GNU_RELRO, PT_GNU_SFRAME,
    PT_GNU_STACK, PT_LOAD, PT_NOTE, PT_NULL, PT_PHDR, PT_TLS, ProgramType,
};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use super::{Elf, damaged};
use crate::limits::{IMAGE_BYTES_MAX, TLS_BYTES_MAX};
use crate::loading::load_error::{LoadErrorCode, LoadFault};

/// The largest alignment that linkers give a segment: a huge page.
const ALIGNMENT_MAX: u64 = 2 << 20;
/// The loader rounds the end of the read-only part of a segment to pages.
const PAGE_BYTES: u64 = 4096;

/// A plugin as it will be in memory, with addresses relative to where it is mapped.
pub(super) struct Image<'a> {
    bytes: &'a [u8],
    /// The mapped segments, by ascending address.
    segments: Vec<Segment>,
    /// Address and size of the dynamic section.
    pub(super) dynamic: AddressRange,
    /// The size of the thread-local data, and where its initial part is.
    pub(super) thread_local: Option<ThreadLocal>,
    /// Whether a part of the writable memory becomes read-only after relocation.
    pub(super) has_relro: bool,
}

/// A program header, read.
#[derive(Clone, Copy)]
struct Segment {
    kind: ProgramType,
    flags: u32,
    file_offset: u64,
    file_bytes: u64,
    address: u64,
    memory_bytes: u64,
    alignment: u64,
}

/// Some bytes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressRange {
    pub(super) address: u64,
    pub(super) bytes: u64,
}

pub(super) struct ThreadLocal {
    pub(super) address: u64,
    pub(super) memory_bytes: u64,
}

impl AddressRange {
    /// Whether it contains these bytes completely.
    pub(super) fn contains(self, inner: Self) -> bool {
        inner
            .address
            .checked_sub(self.address)
            .is_some_and(|start| start <= self.bytes && inner.bytes <= self.bytes - start)
    }

    /// Whether the two have a byte in common.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.address < other.address.saturating_add(other.bytes)
            && other.address < self.address.saturating_add(self.bytes)
    }
}

impl Segment {
    fn has(&self, flag: u32) -> bool {
        self.flags & flag == flag
    }

    fn memory(&self) -> AddressRange {
        AddressRange { address: self.address, bytes: self.memory_bytes }
    }

    fn file_backed(&self) -> AddressRange {
        AddressRange { address: self.address, bytes: self.file_bytes }
    }
}

impl<'a> Image<'a> {
    /// Checks all program headers.
    pub(super) fn parse(file: &Elf<'a>, bytes: &'a [u8]) -> Result<Self, LoadFault> {
        let headers: Vec<Segment> = file.elf_program_headers().iter().map(read).collect();
        check_complete(&headers, bytes.len() as u64)?;
        let segments: Vec<Segment> =
            headers.iter().filter(|segment| segment.kind == PT_LOAD).copied().collect();
        check_mapped(&segments)?;
        let only = |kind: ProgramType, name: &str| {
            let mut found = headers.iter().filter(move |segment| segment.kind == kind);
            match (found.next(), found.next()) {
                (segment, None) => Ok(segment),
                _ => Err(damaged(format!("the file has two program headers for {name}"))),
            }
        };
        let Some(dynamic) = only(PT_DYNAMIC, "the dynamic section")?.map(Segment::file_backed) else {
            return Err(damaged("the file has no dynamic section"));
        };
        let thread_local = only(PT_TLS, "thread-local data")?;
        let relro = only(PT_GNU_RELRO, "read-only data")?;
        let image = Self {
            bytes,
            segments,
            dynamic,
            thread_local: thread_local
                .map(|tls| ThreadLocal { address: tls.address, memory_bytes: tls.memory_bytes }),
            has_relro: relro.is_some(),
        };
        let headers_offset = file.elf_header().e_phoff(LittleEndian);
        for segment in &headers {
            image.check_other(segment, &headers, headers_offset)?;
        }
        check_stack(&headers)?;
        Ok(image)
    }

    /// Checks a program header that describes a part of the mapped segments. The headers are at this offset of the file.
    fn check_other(
        &self,
        segment: &Segment,
        headers: &[Segment],
        headers_offset: u64,
    ) -> Result<(), LoadFault> {
        let kind = segment.kind;
        if matches!(kind, PT_LOAD | PT_NULL | PT_GNU_STACK) {
            return Ok(());
        }
        let known = [
            PT_DYNAMIC,
            PT_NOTE,
            PT_PHDR,
            PT_TLS,
            PT_GNU_EH_FRAME,
            PT_GNU_PROPERTY,
            PT_GNU_RELRO,
            PT_GNU_SFRAME,
        ];
        if !known.contains(&kind) {
            return Err(damaged(format!("a program header has the unknown type {:#x}", kind.0)));
        }
        let loaded = self.offset_of(segment.file_backed()) == Some(segment.file_offset);
        let empty = segment.file_bytes == 0 && self.contains(segment.memory());
        if !loaded && !empty {
            return Err(damaged(format!(
                "the program header of type {:#x} describes other bytes than the mapped ones",
                kind.0
            )));
        }
        match kind {
            PT_TLS => check_thread_local(segment),
            PT_GNU_RELRO => self.check_relro(segment),
            PT_DYNAMIC if !segment.has(PF_W.0) || !self.is_writable(segment.file_backed()) => {
                Err(damaged("the dynamic section is not writable"))
            }
            PT_PHDR if segment.file_offset != headers_offset => {
                Err(damaged("the program headers are not where the file says"))
            }
            // The loader parses it without bounds; as a note it is parsed with bounds before.
            PT_GNU_PROPERTY
                if !headers
                    .iter()
                    .any(|note| note.kind == PT_NOTE && note.file_backed().contains(segment.memory())) =>
            {
                Err(damaged("the file's properties are not among its notes"))
            }
            _ if segment.memory_bytes > segment.file_bytes => {
                Err(damaged(format!("the program header of type {:#x} reaches past its bytes", kind.0)))
            }
            _ => Ok(()),
        }
    }

    fn check_relro(&self, relro: &Segment) -> Result<(), LoadFault> {
        let inside = self.segments.iter().any(|segment| {
            let memory = segment.memory();
            let end = memory.address.saturating_add(memory.bytes).next_multiple_of(PAGE_BYTES);
            let pages = AddressRange { address: memory.address, bytes: end - memory.address };
            segment.has(PF_W.0) && pages.contains(relro.memory())
        });
        if inside { Ok(()) } else { Err(damaged("the read-only data is not in one writable segment")) }
    }

    /// The bytes of the file that will be at this address, if all of them come from the file.
    pub(super) fn at(&self, range: AddressRange) -> Option<&'a [u8]> {
        let offset = usize::try_from(self.offset_of(range)?).ok()?;
        let bytes = usize::try_from(range.bytes).ok()?;
        self.bytes.get(offset..offset.checked_add(bytes)?)
    }

    fn offset_of(&self, range: AddressRange) -> Option<u64> {
        let segment = self.segments.iter().find(|segment| segment.file_backed().contains(range))?;
        segment.file_offset.checked_add(range.address - segment.address)
    }

    /// Whether these bytes will be at this offset of the file and at this address in memory.
    pub(super) fn maps(&self, file_offset: u64, range: AddressRange) -> bool {
        self.offset_of(range) == Some(file_offset)
    }

    /// The number of 32-bit words that fit the file.
    pub(super) fn words(&self) -> u64 {
        self.bytes.len() as u64 / 4
    }

    pub(super) fn u16_at(&self, address: u64) -> Option<u16> {
        self.array_at(address).map(u16::from_le_bytes)
    }

    pub(super) fn u32_at(&self, address: u64) -> Option<u32> {
        self.array_at(address).map(u32::from_le_bytes)
    }

    pub(super) fn u64_at(&self, address: u64) -> Option<u64> {
        self.array_at(address).map(u64::from_le_bytes)
    }

    fn array_at<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        self.at(AddressRange { address, bytes: N as u64 })?.try_into().ok()
    }

    /// Whether these bytes will be in one segment.
    pub(super) fn contains(&self, range: AddressRange) -> bool {
        self.segments.iter().any(|segment| segment.memory().contains(range))
    }

    pub(super) fn is_writable(&self, range: AddressRange) -> bool {
        self.segments.iter().any(|segment| segment.has(PF_W.0) && segment.memory().contains(range))
    }

    /// Whether this address is one of code.
    pub(super) fn is_executable(&self, address: u64) -> bool {
        let instruction = AddressRange { address, bytes: 1 };
        self.segments.iter().any(|segment| segment.has(PF_X.0) && segment.file_backed().contains(instruction))
    }
}

fn read(header: &object::elf::ProgramHeader64<LittleEndian>) -> Segment {
    Segment {
        kind: header.p_type(LittleEndian),
        flags: header.p_flags(LittleEndian).0,
        file_offset: header.p_offset(LittleEndian),
        file_bytes: header.p_filesz(LittleEndian),
        address: header.p_vaddr(LittleEndian),
        memory_bytes: header.p_memsz(LittleEndian),
        alignment: header.p_align(LittleEndian),
    }
}

/// Checks that everything the headers describe is in a file of this size.
fn check_complete(headers: &[Segment], file_bytes: u64) -> Result<(), LoadFault> {
    let is_complete = |segment: &Segment| {
        segment.file_offset.checked_add(segment.file_bytes).is_some_and(|end| end <= file_bytes)
    };
    if headers.iter().all(is_complete) {
        return Ok(());
    }
    Err(damaged("the file ends before its last segment"))
}

/// Checks the segments that the loader maps.
fn check_mapped(segments: &[Segment]) -> Result<(), LoadFault> {
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        return Err(damaged("the file has no loadable segment"));
    };
    let mut end = first.address;
    for segment in segments {
        if segment.memory_bytes < segment.file_bytes {
            return Err(damaged("a segment is larger in the file than in memory"));
        }
        if segment.has(PF_W.0 | PF_X.0) {
            let cause = "a segment is both writable and executable";
            return Err(LoadFault::new(LoadErrorCode::WritableAndExecutable, cause));
        }
        if !segment.has(PF_R.0) {
            return Err(damaged("a segment is not readable"));
        }
        if segment.memory_bytes > segment.file_bytes && !segment.has(PF_W.0) {
            return Err(damaged("a segment that is not writable is larger in memory than in the file"));
        }
        let aligned = segment.alignment.is_power_of_two()
            && (PAGE_BYTES..=ALIGNMENT_MAX).contains(&segment.alignment)
            && segment.address % segment.alignment == segment.file_offset % segment.alignment;
        if !aligned {
            return Err(damaged("a segment is not aligned"));
        }
        // The loader computes the size of the image from the first and the last segment.
        if segment.address < end {
            return Err(damaged("the segments overlap or are not in ascending order"));
        }
        end = segment
            .address
            .checked_add(segment.memory_bytes)
            .ok_or_else(|| damaged("a segment reaches past the end of the address space"))?;
    }
    if last.address.saturating_add(last.memory_bytes) - first.address > IMAGE_BYTES_MAX {
        return Err(damaged(format!("the file needs more than {} MiB of memory", IMAGE_BYTES_MAX >> 20)));
    }
    Ok(())
}

/// Without this header the loader makes every stack of the process executable, also those of other threads.
fn check_stack(headers: &[Segment]) -> Result<(), LoadFault> {
    let mut stacks = headers.iter().filter(|segment| segment.kind == PT_GNU_STACK).peekable();
    let cause = if stacks.peek().is_none() {
        "it does not say that its stack is not executable (no PT_GNU_STACK)"
    } else if stacks.any(|stack| stack.has(PF_X.0)) {
        "it asks for an executable stack"
    } else {
        return Ok(());
    };
    Err(LoadFault::new(LoadErrorCode::WritableAndExecutable, cause))
}

fn check_thread_local(segment: &Segment) -> Result<(), LoadFault> {
    let valid = segment.file_bytes <= segment.memory_bytes
        && segment.memory_bytes <= TLS_BYTES_MAX
        && (segment.alignment.is_power_of_two() && segment.alignment <= PAGE_BYTES);
    if valid { Ok(()) } else { Err(damaged("the thread-local data is too large or not aligned")) }
}

#[cfg(test)]
pub(super) mod tests;
