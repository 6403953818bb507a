//! Options of a pcapng block: code, length, value, padded to four bytes.

use crate::packets::order::Order;

/// Ends a list of options.
const END: u16 = 0;
/// Section header: name of the program that wrote it.
pub(super) const USER_APPLICATION: u16 = 4;
/// Interface description: resolution of timestamps, one byte.
pub(super) const TIME_RESOLUTION: u16 = 9;
/// Interface description: seconds to add to timestamps, signed.
pub(super) const TIME_OFFSET: u16 = 14;
/// Interface statistics: packets dropped by the interface.
pub(super) const INTERFACE_DROPS: u16 = 5;
/// Interface statistics: packets dropped by the operating system.
pub(super) const SYSTEM_DROPS: u16 = 7;

/// The options in `bytes`; a value that the block's end cuts ends the list.
pub(super) fn options(order: Order, bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, tail) = rest.split_first_chunk::<4>()?;
        let (code, length) = (order.u16(head, 0), usize::from(order.u16(head, 2)));
        if code == END {
            return None;
        }
        let value = tail.get(..length)?;
        rest = tail.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    })
}

/// The first option `code` as text, without the NUL that some writers end it with.
pub(super) fn text(order: Order, bytes: &[u8], code: u16) -> Option<String> {
    let (_, value) = options(order, bytes).find(|(found, _)| *found == code)?;
    let text = std::str::from_utf8(value).ok()?.trim_end_matches('\0');
    (!text.is_empty()).then(|| text.to_owned())
}
