//! 802.11 data frames that are not encrypted, and the radio headers that capture drivers put before them.

use super::layer::{Layer, Skip, behind, u16_at, u32_at};

const TO_DISTRIBUTION: u8 = 0x01;
const FROM_DISTRIBUTION: u8 = 0x02;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// Kinds of data frames, in the upper half of the first byte.
const QUALITY_OF_SERVICE: u8 = 0x80;
const WITHOUT_DATA: u8 = 0x40;

/// A data frame (IEEE 802.11 §9.3.2.1). Of several aggregated ones, the first is read.
pub(super) fn wireless(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let &[control, flags, ..] = bytes else { return Err(Skip::Cut) };
    data(control, flags, bytes)
}

/// The data frame in `bytes`, whose frame control is `control` and `flags`.
fn data(control: u8, flags: u8, bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    // Version 0, type 2.
    let data = control & 0x0f == 0x08 && control & WITHOUT_DATA == 0;
    if !data || flags & (PROTECTED | MORE_FRAGMENTS) != 0 || fragment_number(bytes)? != 0 {
        return Err(Skip::Other);
    }
    let four_addresses = flags & (TO_DISTRIBUTION | FROM_DISTRIBUTION) == TO_DISTRIBUTION | FROM_DISTRIBUTION;
    let mut header = if four_addresses { 30 } else { 24 };
    let mut aggregated = false;
    if control & QUALITY_OF_SERVICE != 0 {
        aggregated = bytes.get(header).is_some_and(|control| control & 0x80 != 0);
        header += if flags & ORDER != 0 { 6 } else { 2 };
    }
    if aggregated {
        // Destination, source and length of the first subframe.
        header += 14;
    }
    // Some drivers pad the header to four bytes and say so in the radio header; the payload's own start says it, too.
    let snap = |at: usize| bytes.get(at..).is_some_and(|rest| rest.starts_with(&[0xaa, 0xaa, 3]));
    let padded = header.next_multiple_of(4);
    behind(bytes, if !snap(header) && snap(padded) { padded } else { header }).map(Layer::Llc)
}

/// What an access point sends to its controller. Some swap the two bytes of the frame control, in which the version must be 0
/// and a data frame's type 2; and what was decrypted on the way keeps its flag, so that only the payload's start tells.
pub(super) fn from_access_point(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let &[first, second, ..] = bytes else { return Err(Skip::Cut) };
    let swapped = second & 0x0f == 0x08 && first & 0x0f != 0x08;
    let (control, flags) = if swapped { (second, first) } else { (first, second) };
    data(control, flags & !PROTECTED, bytes)
}

fn fragment_number(bytes: &[u8]) -> Result<u16, Skip> {
    // Little-endian; the lowest four bits count fragments.
    Ok(u16_at(bytes, 22)?.swap_bytes() & 0x0f)
}

/// Radiotap: its length stands at 2, little-endian.
pub(super) fn radiotap(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    behind(bytes, usize::from(u16_at(bytes, 2)?.swap_bytes())).map(Layer::Wireless)
}

/// Prism or AVS: the first says its length little-endian at 4, the second big-endian, behind a magic number.
pub(super) fn prism(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let length = u32_at(bytes, 4)?;
    let length = if u32_at(bytes, 0)? & 0xffff_f000 == 0x8021_1000 { length } else { length.swap_bytes() };
    behind(bytes, usize::try_from(length).map_err(|_| Skip::Malformed)?).map(Layer::Wireless)
}
