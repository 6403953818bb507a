//! Writes pcapng blocks, little-endian: what a live capture is, for its file and for its reader alike.

use authtrace_parse::LinkType;

/// Section header block.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const SECRETS: u32 = 10;
/// What stands around a block's body: type and length in front, the length once more behind.
const AROUND: usize = 12;
/// Secrets type of a TLS key log, "TLSK".
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// Options: code, length, value, padded.
mod option {
    pub(super) const END: u16 = 0;
    pub(super) const APPLICATION: u16 = 4;
    pub(super) const NAME: u16 = 2;
    pub(super) const RESOLUTION: u16 = 9;
    pub(super) const FILTER: u16 = 11;
    pub(super) const RECEIVED: u16 = 4;
    pub(super) const INTERFACE_DROPS: u16 = 5;
    pub(super) const SYSTEM_DROPS: u16 = 7;
}

/// A frame as a device hands it over.
#[derive(Clone, Copy)]
pub(super) struct Captured<'a> {
    /// Nanoseconds since 1970.
    pub(super) nanos: u64,
    pub(super) bytes: &'a [u8],
    pub(super) original_len: u32,
}

/// An interface, as its block describes it.
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    pub(super) filter: Option<&'a str>,
}

/// What an interface counted since the capture began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) received: u64,
    pub(super) interface_drops: u64,
    pub(super) system_drops: u64,
}

/// Begins a section.
pub(super) fn section(out: &mut Vec<u8>, application: &str) {
    block(out, SECTION, |body| {
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend([1, 0, 0, 0]);
        // Its length is not known yet.
        body.extend(u64::MAX.to_le_bytes());
        option(body, option::APPLICATION, application.as_bytes());
        option(body, option::END, &[]);
    });
}

/// Describes the next interface of the section. Its timestamps count nanoseconds.
pub(super) fn interface(out: &mut Vec<u8>, described: &Described<'_>) {
    block(out, INTERFACE, |body| {
        body.extend(described.link.0.to_le_bytes());
        body.extend([0, 0]);
        body.extend(described.snaplen.to_le_bytes());
        option(body, option::NAME, described.name.as_bytes());
        option(body, option::RESOLUTION, &[9]);
        if let Some(filter) = described.filter {
            // A zero in front says that what follows is text.
            option(body, option::FILTER, &[&[0], filter.as_bytes()].concat());
        }
        option(body, option::END, &[]);
    });
}

/// A frame of interface `id`.
#[inline]
pub(super) fn packet(out: &mut Vec<u8>, id: u32, frame: Captured<'_>) {
    let padded = frame.bytes.len().next_multiple_of(4);
    // A frame is no longer than the largest snap length, which is far from the limit of the field.
    let captured = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
    let total = u32::try_from(padded + 20 + AROUND).unwrap_or(u32::MAX).to_le_bytes();
    let mut head = [0; 28];
    let fields = [
        ENHANCED_PACKET,
        u32::from_le_bytes(total),
        id,
        (frame.nanos >> 32) as u32,
        frame.nanos as u32,
        captured,
        frame.original_len,
    ];
    for (place, field) in head.chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    out.reserve(padded + 20 + AROUND);
    out.extend_from_slice(&head);
    out.extend_from_slice(frame.bytes);
    out.extend_from_slice(&[0; 3][..padded - frame.bytes.len()]);
    out.extend_from_slice(&total);
}

/// Counters of interface `id` at a time, in nanoseconds since 1970.
pub(super) fn statistics(out: &mut Vec<u8>, id: u32, nanos: u64, counted: &Counted) {
    block(out, STATISTICS, |body| {
        body.extend(id.to_le_bytes());
        body.extend(((nanos >> 32) as u32).to_le_bytes());
        body.extend((nanos as u32).to_le_bytes());
        option(body, option::RECEIVED, &counted.received.to_le_bytes());
        option(body, option::INTERFACE_DROPS, &counted.interface_drops.to_le_bytes());
        option(body, option::SYSTEM_DROPS, &counted.system_drops.to_le_bytes());
        option(body, option::END, &[]);
    });
}

/// Lines of a TLS key log, for what follows and for what stood before.
pub(super) fn secrets(out: &mut Vec<u8>, lines: &[u8]) {
    block(out, SECRETS, |body| {
        body.extend(TLS_KEY_LOG.to_le_bytes());
        body.extend(u32::try_from(lines.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend_from_slice(lines);
    });
}

/// Length of the leading blocks that hold at most `frames` frames and `bytes` bytes, and how many frames they hold. `blocks`
/// are whole ones.
pub(super) fn leading(blocks: &[u8], frames: u64, bytes: u64) -> (usize, u64) {
    let (mut at, mut taken) = (0, 0);
    while let Some(head) = blocks.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let [a, b, c, d, e, f, g, h] = *head;
        let is_packet = u32::from_le_bytes([a, b, c, d]) == ENHANCED_PACKET;
        let end = at + u32::from_le_bytes([e, f, g, h]) as usize;
        if end <= at || end > blocks.len() || end as u64 > bytes || (is_packet && taken == frames) {
            break;
        }
        taken += u64::from(is_packet);
        at = end;
    }
    (at, taken)
}

fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    body(out);
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
    let total = u32::try_from(out.len() - start + 4).unwrap_or(u32::MAX).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&total);
    out.extend(total);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    body.extend_from_slice(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use authtrace_parse::Timestamp;

    use super::*;
    use crate::packets::{DecryptionSecrets, PacketReader};

    fn written(frames: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        section(&mut out, "authtrace");
        interface(&mut out, &Described { name: "lo", link: LinkType::ETHERNET, snaplen: 262_144, filter: Some("tcp") });
        secrets(&mut out, b"CLIENT_RANDOM aa bb\n");
        for (nanos, bytes) in (1_700_000_000_123_456_789..).zip(frames) {
            packet(&mut out, 0, Captured { nanos, bytes, original_len: 1500 });
        }
        statistics(&mut out, 0, 5, &Counted { received: 9, interface_drops: 1, system_drops: 2 });
        out
    }

    #[test]
    fn what_is_written_is_read_back() {
        let frames: [&[u8]; 4] = [b"", b"a", b"abcd", b"abcdefg"];
        let mut reader = PacketReader::new();
        let mut read = Vec::new();
        let mut take = |placed: crate::Placed<'_>| {
            let frame = placed.frame;
            read.push((frame.bytes.to_vec(), frame.time, frame.original_len, frame.link));
        };
        reader.push(&written(&frames), &mut take);
        let summary = reader.finish(&mut take);
        let expected = (1_700_000_000_123_456_789..)
            .zip(frames)
            .map(|(nanos, bytes)| (bytes.to_vec(), Some(Timestamp::from_nanos(nanos)), 1500, LinkType::ETHERNET));
        assert_eq!(read, expected.collect::<Vec<_>>());
        assert_eq!(summary.application.as_deref(), Some("authtrace"));
        assert_eq!(summary.drops.total(), 3);
        assert!(!summary.truncated && summary.anomalies.is_empty());
        assert_eq!(summary.secrets[0].kind, DecryptionSecrets::TLS_KEY_LOG);
        assert_eq!(summary.secrets[0].expose(), b"CLIENT_RANDOM aa bb\n");
    }

    #[test]
    fn leading_blocks_end_where_the_next_frame_is_too_much() {
        let mut out = Vec::new();
        for _ in 0..3 {
            packet(&mut out, 0, Captured { nanos: 0, bytes: &[0; 100], original_len: 100 });
        }
        let one = out.len() / 3;
        assert_eq!(leading(&out, 2, u64::MAX), (2 * one, 2));
        assert_eq!(leading(&out, 9, u64::MAX), (3 * one, 3));
        assert_eq!(leading(&out, 9, one as u64 + 5), (one, 1));
        assert_eq!(leading(&out, 0, u64::MAX), (0, 0));
    }
}
