//! Each check with the last value that it lets pass and the first that it refuses.

use object::elf::PF_W;

use super::*;

pub(in crate::loading::elf) const PAGE: u64 = PAGE_BYTES;

pub(in crate::loading::elf) fn range(address: u64, bytes: u64) -> AddressRange {
    AddressRange { address, bytes }
}

/// A segment that is all in the file, at the same offset as in memory.
fn segment(flags: u32, address: u64, bytes: u64) -> Segment {
    Segment {
        kind: PT_LOAD,
        flags: PF_R.0 | flags,
        file_offset: address,
        file_bytes: bytes,
        address,
        memory_bytes: bytes,
        alignment: PAGE,
    }
}

/// Code in the first page and writable memory in the next two, the first of which is in the file. The dynamic section is
/// at the start of the second page, and there is no thread-local data.
pub(in crate::loading::elf) fn image(bytes: &[u8]) -> Image<'_> {
    let code = segment(PF_X.0, 0, PAGE);
    let data = Segment { memory_bytes: 2 * PAGE, ..segment(PF_W.0, PAGE, PAGE) };
    let dynamic = range(PAGE, 16);
    Image { bytes, segments: vec![code, data], dynamic, thread_local: None, has_relro: false }
}

/// The bytes of a file of two pages: each byte is the number of its page, and the last is 9.
fn two_pages() -> Vec<u8> {
    let mut bytes = vec![0; PAGE as usize];
    bytes.resize(2 * PAGE as usize, 1);
    *bytes.last_mut().unwrap() = 9;
    bytes
}

fn cause(checked: Result<(), LoadFault>) -> String {
    checked.expect_err("it should be refused").cause
}

#[test]
fn a_range_contains_what_ends_with_it_and_nothing_further() {
    let outer = range(100, 10);
    assert!(outer.contains(outer) && outer.contains(range(109, 1)) && outer.contains(range(110, 0)));
    assert!(!outer.contains(range(99, 1)) && !outer.contains(range(109, 2)));
    assert!(!outer.contains(range(111, 0)) && !outer.contains(range(100, u64::MAX)));
}

#[test]
fn ranges_overlap_if_they_have_a_byte_in_common() {
    let middle = range(100, 10);
    for (other, expected) in
        [(range(90, 10), false), (range(90, 11), true), (range(109, 1), true), (range(110, 5), false)]
    {
        assert_eq!(middle.overlaps(other), expected, "{other:?}");
        assert_eq!(other.overlaps(middle), expected, "{other:?}");
    }
}

#[test]
fn segments_may_follow_each_other_and_not_overlap() {
    let first = segment(PF_X.0, 0, PAGE);
    assert!(check_mapped(&[first, segment(PF_W.0, PAGE, 8)]).is_ok());
    let overlapping = Segment { memory_bytes: PAGE + 1, file_bytes: PAGE + 1, ..first };
    assert!(cause(check_mapped(&[overlapping, segment(PF_W.0, PAGE, 8)])).contains("overlap"));
    let beyond = Segment { address: u64::MAX - (PAGE - 1), ..segment(0, PAGE, PAGE) };
    assert!(cause(check_mapped(&[beyond])).contains("past the end of the address space"));
    assert!(cause(check_mapped(&[])).contains("no loadable segment"));
}

#[test]
fn a_segment_is_readable_and_has_all_its_bytes() {
    let whole = segment(PF_W.0, 0, PAGE);
    assert!(check_mapped(&[Segment { memory_bytes: PAGE + 1, ..whole }]).is_ok());
    assert!(
        cause(check_mapped(&[Segment { memory_bytes: PAGE - 1, ..whole }])).contains("larger in the file")
    );
    assert!(cause(check_mapped(&[Segment { flags: PF_X.0, ..whole }])).contains("not readable"));
    let unwritable = Segment { flags: PF_R.0, memory_bytes: PAGE + 1, ..whole };
    assert!(cause(check_mapped(&[unwritable])).contains("not writable"));
}

#[test]
fn a_segment_is_aligned_to_a_page_up_to_a_huge_page() {
    let aligned = |alignment: u64, address: u64, file_offset: u64| {
        check_mapped(&[Segment { alignment, file_offset, ..segment(0, address, 8) }])
    };
    for (alignment, address) in [(PAGE, 0), (PAGE, 5 * PAGE + 3), (ALIGNMENT_MAX, ALIGNMENT_MAX + PAGE)] {
        assert!(aligned(alignment, address, address).is_ok(), "{alignment}");
    }
    assert!(aligned(PAGE, 5 * PAGE + 3, PAGE + 3).is_ok());
    for (alignment, address, file_offset) in [
        (PAGE / 2, 0, 0),
        (PAGE + 16, 0, 0),
        (2 * ALIGNMENT_MAX, 0, 0),
        (PAGE, PAGE + 1, PAGE),
        (2 * PAGE, 3 * PAGE, 2 * PAGE),
    ] {
        assert!(cause(aligned(alignment, address, file_offset)).contains("not aligned"), "{alignment}");
    }
}

#[test]
fn the_size_in_memory_is_limited_from_the_first_segment_to_the_last() {
    let ending_at = |end: u64| {
        let last = Segment { memory_bytes: end - 2 * PAGE, ..segment(PF_W.0, 2 * PAGE, 8) };
        check_mapped(&[segment(PF_X.0, PAGE, PAGE), last])
    };
    assert!(ending_at(PAGE + IMAGE_BYTES_MAX).is_ok());
    assert!(cause(ending_at(PAGE + IMAGE_BYTES_MAX + 1)).contains("MiB of memory"));
}

#[test]
fn thread_local_data_has_a_largest_size_and_alignment() {
    let check = |file_bytes: u64, memory_bytes: u64, alignment: u64| {
        check_thread_local(&Segment { kind: PT_TLS, memory_bytes, alignment, ..segment(0, 0, file_bytes) })
    };
    for (file_bytes, memory_bytes, alignment) in [(0, 0, 1), (8, 8, 8), (0, TLS_BYTES_MAX, PAGE)] {
        assert!(check(file_bytes, memory_bytes, alignment).is_ok(), "{memory_bytes}");
    }
    for (file_bytes, memory_bytes, alignment) in
        [(9, 8, 8), (0, TLS_BYTES_MAX + 1, 8), (0, 8, 0), (0, 8, 24), (0, 8, 2 * PAGE)]
    {
        assert!(cause(check(file_bytes, memory_bytes, alignment)).contains("thread-local"), "{memory_bytes}");
    }
}

#[test]
fn each_stack_that_a_file_states_is_not_executable() {
    let stack = |flags: u32| Segment { kind: PT_GNU_STACK, ..segment(flags, 0, 0) };
    assert!(check_stack(&[stack(PF_W.0), stack(0)]).is_ok());
    assert!(cause(check_stack(&[stack(PF_W.0), stack(PF_X.0)])).contains("executable stack"));
    assert!(cause(check_stack(&[segment(0, 0, 8)])).contains("no PT_GNU_STACK"));
}

#[test]
fn read_only_data_is_in_the_pages_of_one_writable_segment() {
    let image = image(&[]);
    let check = |address: u64, bytes: u64| {
        image.check_relro(&Segment { kind: PT_GNU_RELRO, ..segment(0, address, bytes) })
    };
    assert!(check(PAGE, 2 * PAGE).is_ok() && check(3 * PAGE - 1, 1).is_ok());
    for (address, bytes) in [(PAGE, 2 * PAGE + 1), (PAGE - 1, 1), (0, PAGE)] {
        assert!(cause(check(address, bytes)).contains("writable segment"), "{address}");
    }
    // The rest of the last page is part of it.
    let data = Segment { memory_bytes: PAGE + 1, ..segment(PF_W.0, PAGE, PAGE) };
    let image = Image { segments: vec![data], ..image };
    let check = |bytes: u64| image.check_relro(&Segment { kind: PT_GNU_RELRO, ..segment(0, PAGE, bytes) });
    assert!(check(2 * PAGE).is_ok() && check(2 * PAGE + 1).is_err());
}

#[test]
fn what_is_at_an_address_is_in_one_segment_and_in_the_file() {
    let bytes = two_pages();
    let image = image(&bytes);
    assert_eq!(image.at(range(PAGE - 1, 1)), Some([0].as_slice()));
    assert_eq!(image.at(range(2 * PAGE - 2, 2)), Some([1, 9].as_slice()));
    assert_eq!(image.at(range(PAGE - 1, 2)), None, "in two segments");
    assert_eq!(image.at(range(2 * PAGE - 1, 2)), None, "partly not in the file");
    assert_eq!(image.at(range(3 * PAGE, 1)), None, "nowhere");
    assert_eq!(image.u16_at(2 * PAGE - 2), Some(0x0901));
    assert_eq!(image.u32_at(2 * PAGE - 4), Some(0x0901_0101));
    assert_eq!(image.u64_at(2 * PAGE - 8), Some(0x0901_0101_0101_0101));
    assert_eq!(
        (image.u16_at(2 * PAGE - 1), image.u32_at(2 * PAGE - 3), image.u64_at(2 * PAGE - 7)),
        Default::default()
    );
    assert_eq!(image.words(), 2 * PAGE / 4);
    assert!(image.maps(PAGE + 5, range(PAGE + 5, 3)) && !image.maps(PAGE + 4, range(PAGE + 5, 3)));
}

#[test]
fn memory_has_the_access_of_its_segment() {
    let image = image(&[]);
    assert!(image.contains(range(3 * PAGE - 1, 1)) && !image.contains(range(3 * PAGE - 1, 2)));
    assert!(image.is_writable(range(PAGE, 2 * PAGE)) && !image.is_writable(range(PAGE - 1, 1)));
    assert!(!image.is_writable(range(3 * PAGE, 1)));
    assert!(image.is_executable(0) && image.is_executable(PAGE - 1) && !image.is_executable(PAGE));
    // Memory that is not in the file has no code.
    let longer = Segment { memory_bytes: 2 * PAGE, ..segment(PF_X.0, 0, PAGE) };
    assert!(!Image { segments: vec![longer], ..image }.is_executable(PAGE));
}

#[test]
fn a_file_ends_with_its_last_segment_or_later() {
    let headers = [segment(0, 0, PAGE), segment(PF_W.0, PAGE, 8)];
    assert!(check_complete(&headers, PAGE + 8).is_ok());
    assert!(cause(check_complete(&headers, PAGE + 7)).contains("ends before its last segment"));
    let endless = Segment { file_offset: u64::MAX, ..segment(0, 0, 1) };
    assert!(check_complete(&[endless], u64::MAX).is_err());
}

#[test]
fn another_header_describes_mapped_bytes() {
    let image = image(&[]);
    let check = |header: Segment| image.check_other(&header, &[], 64);
    let note = Segment { kind: PT_NOTE, ..segment(0, PAGE, 32) };
    assert!(check(note).is_ok() && check(Segment { memory_bytes: 31, ..note }).is_ok());
    assert!(cause(check(Segment { memory_bytes: 33, ..note })).contains("reaches past its bytes"));
    assert!(cause(check(Segment { file_offset: 0, ..note })).contains("describes other bytes"));
    assert!(cause(check(Segment { kind: ProgramType(3), ..note })).contains("the unknown type 0x3"));
    // Thread-local data without a value is nowhere in the file.
    let zeros =
        Segment { kind: PT_TLS, file_offset: 5, file_bytes: 0, alignment: 8, ..segment(0, 2 * PAGE + 8, 16) };
    assert!(check(zeros).is_ok());
    for bad in [
        Segment { file_bytes: 8, ..zeros },
        Segment { address: 3 * PAGE - 8, ..zeros },
        Segment { file_bytes: 8, memory_bytes: 8, address: PAGE, ..zeros },
    ] {
        assert!(cause(check(bad)).contains("describes other bytes"), "{:#x}", bad.address);
    }
    let headers = Segment { kind: PT_PHDR, ..segment(0, 64, 56) };
    assert!(check(headers).is_ok());
    assert!(
        cause(check(Segment { kind: PT_PHDR, ..segment(0, 65, 56) })).contains("not where the file says")
    );
    let dynamic = Segment { kind: PT_DYNAMIC, ..segment(PF_W.0, PAGE, 16) };
    assert!(check(dynamic).is_ok());
    assert!(cause(check(Segment { flags: PF_R.0, ..dynamic })).contains("not writable"));
    assert!(cause(check(Segment { kind: PT_DYNAMIC, ..segment(PF_W.0, 0, 16) })).contains("not writable"));
}

#[test]
fn properties_are_one_of_the_notes() {
    let image = image(&[]);
    let properties = Segment { kind: PT_GNU_PROPERTY, ..segment(0, 64, 32) };
    let check = |header: Segment| cause(image.check_other(&properties, &[properties, header], 0));
    let note = |address: u64, bytes: u64| Segment { kind: PT_NOTE, ..segment(0, address, bytes) };
    assert!(image.check_other(&properties, &[note(0, 8), note(60, 36)], 0).is_ok());
    for other in [note(64, 31), note(65, 64), Segment { kind: PT_PHDR, ..note(64, 32) }] {
        assert!(check(other).contains("not among its notes"));
    }
}
