//! The manifest as a note of a file that has nothing else.

use super::*;

/// A file with one program header, whose notes are these: a name, a type and the bytes.
fn file_with_notes(notes: &[(&[u8; 8], u32, &[u8])]) -> Vec<u8> {
    let mut noted = Vec::new();
    for (name, kind, bytes) in notes {
        noted.extend(note::NAME_BYTES.to_le_bytes());
        noted.extend((bytes.len() as u32).to_le_bytes());
        noted.extend(kind.to_le_bytes());
        noted.extend(*name);
        noted.extend(*bytes);
        noted.resize(noted.len().next_multiple_of(4), 0);
    }
    let size = (noted.len() as u64).to_le_bytes();
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    file.resize(64, 0);
    file[16..18].copy_from_slice(&ET_DYN.0.to_le_bytes());
    file[18..20].copy_from_slice(&MACHINE.0.to_le_bytes());
    file[32..40].copy_from_slice(&64_u64.to_le_bytes());
    file[54..56].copy_from_slice(&56_u16.to_le_bytes());
    file[56..58].copy_from_slice(&1_u16.to_le_bytes());
    let mut header = vec![0; 56];
    header[0..4].copy_from_slice(&object::elf::PT_NOTE.0.to_le_bytes());
    header[8..16].copy_from_slice(&120_u64.to_le_bytes());
    header[32..40].copy_from_slice(&size);
    header[40..48].copy_from_slice(&size);
    header[48..56].copy_from_slice(&4_u64.to_le_bytes());
    [file, header, noted].concat()
}

fn manifest_in(notes: &[(&[u8; 8], u32, &[u8])]) -> Result<usize, LoadFault> {
    let file = file_with_notes(notes);
    let parsed = parse(&file)?;
    check_header(&parsed)?;
    manifest(&parsed, &file).map(<[u8]>::len)
}

#[test]
fn a_manifest_has_a_largest_size() {
    let of_size = |bytes: usize| manifest_in(&[(&note::NAME, note::TYPE, &vec![b' '; bytes])]);
    assert_eq!(of_size(MANIFEST_BYTES_MAX), Ok(MANIFEST_BYTES_MAX));
    assert_eq!(of_size(0), Ok(0));
    let fault = of_size(MANIFEST_BYTES_MAX + 1).unwrap_err();
    assert_eq!(fault.code, LoadErrorCode::ManifestUnreadable);
    assert_eq!(fault.cause, "the manifest is larger than 256 KiB");
}

#[test]
fn the_manifest_is_the_only_note_with_its_name_and_type() {
    let other_name = (b"Locus\0\0\0", note::TYPE, b"1".as_slice());
    let other_type = (&note::NAME, note::TYPE + 1, b"22".as_slice());
    let ours = (&note::NAME, note::TYPE, b"333".as_slice());
    assert_eq!(manifest_in(&[other_name, ours, other_type]), Ok(3));
    let cause = |notes: &[_]| manifest_in(notes).unwrap_err().cause;
    assert_eq!(cause(&[other_name, other_type]), "the file contains no manifest");
    assert_eq!(cause(&[ours, other_name, ours]), "the file contains two manifests");
}
