//! Payloads of segments as one run of bytes, and back into their frames.

use std::ops::Range;

use super::Half;

/// The payload of one segment, in its frame.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) sequence: u32,
    pub(super) frame: usize,
    pub(super) offset: usize,
    pub(super) length: usize,
    /// Port of the sender: the first field of the header in front.
    pub(super) source: u16,
}

impl Place {
    pub(super) fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.length
    }
}

/// Most bytes of one direction: a download is said again, without its body.
const MOST: usize = 256 << 20;

/// Where a half's bytes begin.
fn first(half: &Half) -> Option<u32> {
    half.opened.or_else(|| half.places.first().map(|place| place.sequence))
}

/// What one end said; `None` where a byte of it is missing.
pub(super) fn put_together<'f>(half: &Half, bytes: impl Fn(&Place) -> &'f [u8]) -> Option<Vec<u8>> {
    let Some(first) = first(half) else { return Some(Vec::new()) };
    let mut places: Vec<(usize, &Place)> = Vec::with_capacity(half.places.len());
    for place in &half.places {
        let at = place.sequence.wrapping_sub(first) as usize;
        if at > MOST {
            return None;
        }
        places.push((at, place));
    }
    // Stable: of bytes that were sent twice those that were captured first count.
    places.sort_by_key(|(at, _)| *at);
    let mut said: Vec<u8> = Vec::new();
    for (at, place) in places {
        if at > said.len() {
            return None;
        }
        let known = said.len() - at;
        if let Some(new) = bytes(place).get(known..) {
            said.extend_from_slice(new);
        }
    }
    Some(said)
}

/// Hands each place the part of `said` that belongs there.
pub(super) fn overwrite(half: &Half, said: &[u8], mut put: impl FnMut(&Place, &[u8])) {
    let Some(first) = first(half) else { return };
    for place in &half.places {
        let at = place.sequence.wrapping_sub(first) as usize;
        if let Some(new) = said.get(at..at + place.length) {
            put(place, new);
        }
    }
}

/// Puts `new` at `place` of a frame; the checksum of the segment changes by what its payload does, so that it is as right
/// or wrong as it was (RFC 1624).
pub(super) fn replace(frame: &mut [u8], place: &Place, new: &[u8]) {
    let Some(old) = frame.get(place.range()) else { return };
    let (before, after) = (sum(old), sum(new));
    let header = header(frame, place);
    frame[place.range()].copy_from_slice(new);
    let Some(field) = header.map(|at| at + 16) else { return };
    let stated = u16::from_be_bytes([frame[field], frame[field + 1]]);
    // Where the network card was to fill it in, nothing was captured.
    if stated != 0 {
        let mut changed = u64::from(!stated) + (0xffff - before) + after;
        while changed > 0xffff {
            changed = (changed & 0xffff) + (changed >> 16);
        }
        frame[field..field + 2].copy_from_slice(&(!(changed as u16)).to_be_bytes());
    }
}

/// Where the TCP header in front of a payload begins: its offset field says how long it is.
fn header(frame: &[u8], place: &Place) -> Option<usize> {
    (20..=60).step_by(4).filter_map(|length| place.offset.checked_sub(length)).find(|at| {
        let header = &frame[*at..];
        let length = place.offset - at;
        header[..2] == place.source.to_be_bytes()
            && header[4..8] == place.sequence.to_be_bytes()
            && usize::from(header[12] >> 4) * 4 == length
    })
}

/// The sum of 16-bit words, folded. A payload begins at an even place of its segment.
fn sum(bytes: &[u8]) -> u64 {
    let mut sum: u64 =
        bytes.chunks(2).map(|pair| u64::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

#[cfg(test)]
mod tests {
    use authtrace_parse::TcpConnection;

    use super::*;
    use crate::packets::flow::{Flow, checksum, pseudo};

    /// Bytes of the headers of an IPv4 packet with TCP, without options.
    const HEADERS: usize = 40;

    #[track_caller]
    fn check(before: &str, after: &str) {
        let ends = ("10.0.0.1:40000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
        let connection = TcpConnection { first_frame: 1, opening: None };
        let mut flow = Flow::new(ends, connection, 0, None, 0);
        flow.say(true, 0, before.as_bytes());
        let mut packet = flow.finish().swap_remove(3).bytes;
        let sum = |packet: &[u8]| checksum(&pseudo(ends.0.ip(), ends.1.ip(), packet.len() - 20), &packet[20..]);
        assert_eq!(sum(&packet), 0, "it is right before");
        let sequence = u32::from_be_bytes(*packet[24..].first_chunk().unwrap());
        let place = Place { sequence, frame: 0, offset: HEADERS, length: before.len(), source: 40_000 };
        replace(&mut packet, &place, after.as_bytes());
        assert_eq!(&packet[HEADERS..], after.as_bytes());
        assert_eq!(sum(&packet), 0, "it is right after");
        // A wrong one stays as wrong as it was, an empty one empty.
        packet[36] ^= 1;
        let wrong = sum(&packet);
        replace(&mut packet, &place, before.as_bytes());
        assert_eq!(sum(&packet), wrong);
        packet[36..38].fill(0);
        replace(&mut packet, &place, after.as_bytes());
        assert_eq!(packet[36..38], [0, 0]);
    }

    #[test]
    fn a_right_checksum_stays_right() {
        check("GET / HTTP/1.1", "GET /x HTTP/1.");
        check("odd", "bit");
        check("\u{0}\u{0}", "zz");
        check("zz", "\u{0}\u{0}");
    }

    #[test]
    fn bytes_are_put_together_in_order_or_not_at_all() {
        let bytes: [&[u8]; 3] = [b"abcd", b"cdef", b"h"];
        let place =
            |sequence: u32, frame: usize| Place { sequence, frame, offset: 0, length: bytes[frame].len(), source: 1 };
        let said =
            |places: Vec<Place>| put_together(&Half { opened: Some(u32::MAX), places }, |place| bytes[place.frame]);
        // Sequence numbers begin anew behind the largest one.
        assert_eq!(said(vec![place(1, 1), place(u32::MAX, 0)]).as_deref(), Some(&b"abcdef"[..]));
        assert_eq!(said(vec![place(u32::MAX, 0), place(1, 1), place(1, 1)]).as_deref(), Some(&b"abcdef"[..]));
        assert_eq!(said(vec![place(u32::MAX, 0), place(7, 2)]), None);
    }
}
