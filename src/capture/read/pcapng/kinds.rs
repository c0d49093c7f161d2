//! The types of pcapng blocks (section 10.1), and what is known of each.

pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE_DESCRIPTION: u32 = 1;
pub(super) const OBSOLETE_PACKET: u32 = 2;
pub(super) const SIMPLE_PACKET: u32 = 3;
pub(super) const NAME_RESOLUTION: u32 = 4;
pub(super) const INTERFACE_STATISTICS: u32 = 5;
pub(super) const ENHANCED_PACKET: u32 = 6;
pub(super) const JOURNAL_EXPORT: u32 = 9;
pub(super) const DECRYPTION_SECRETS: u32 = 0xa;

/// Blocks without a frame to which Wireshark gives a frame number all the same: the journal export
/// block, Sysdig's events and custom blocks.
pub(super) const NUMBERED_WITHOUT_FRAME: [u32; 5] = [0x9, 0x204, 0x208, 0x0bad, 0x4000_0bad];

/// Blocks without a frame that may be longer than any frame: names, the journal export block, decryption
/// secrets and custom blocks. Of others, such a length is not believed.
pub(super) const MAY_BE_HUGE: [u32; 5] = [0x4, 0x9, 0xa, 0x0bad, 0x4000_0bad];

/// IRIG times, ARINC 429 names, and a number that nobody uses yet (section 10.1).
const UNUSED: [u32; 3] = [0x7, 0x8, 0xb];

/// Whether a block of this type is known, and can hold something.
pub(super) fn is_known(kind: u32) -> bool {
    (INTERFACE_DESCRIPTION..=ENHANCED_PACKET).contains(&kind)
        || kind == DECRYPTION_SECRETS
        || UNUSED.contains(&kind)
        || NUMBERED_WITHOUT_FRAME.contains(&kind)
}

/// Whether a block of this type says nothing here: it has a meaning in some program only (section 10.1),
/// such as Hone's and Sysdig's and those for local use.
pub(super) fn is_not_read(kind: u32) -> bool {
    const HONE_AND_SYSDIG: std::ops::RangeInclusive<u32> = 0x101..=0x2ff;
    const LOCAL_USE: u32 = 0x8000_0000;
    UNUSED.contains(&kind) || HONE_AND_SYSDIG.contains(&kind) || kind >= LOCAL_USE
}
