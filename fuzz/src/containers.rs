//! pcap and pcapng: the same frames in whatever pieces the file comes, then through the link layer.

use authtrace_capture::{PacketFormat, PacketReader, PacketSummary, Placed};
use authtrace_parse::Decoder;

/// A classic pcap.
pub fn pcap(bytes: &[u8]) {
    read(bytes, PacketFormat::Pcap);
}

/// A pcapng.
pub fn pcapng(bytes: &[u8]) {
    read(bytes, PacketFormat::Pcapng);
}

fn read(bytes: &[u8], format: PacketFormat) {
    let (whole, summary) = frames(bytes, bytes.len().max(1));
    if summary.format != Some(format) {
        return;
    }
    let piece = bytes.iter().fold(0, |sum: usize, byte| sum.wrapping_add(usize::from(*byte))) % 61 + 1;
    let (pieces, in_pieces) = frames(bytes, piece);
    assert_eq!(whole, pieces, "in pieces of {piece}");
    assert_eq!(
        (summary.frames, summary.lost, summary.truncated),
        (in_pieces.frames, in_pieces.lost, in_pieces.truncated)
    );
    assert_eq!(summary.anomalies, in_pieces.anomalies);
}

/// Number, link type, lengths and first bytes of every frame that a file in pieces of `piece` bytes gives.
type Seen = (u32, u16, u32, Vec<u8>, usize);

fn frames(bytes: &[u8], piece: usize) -> (Vec<Seen>, PacketSummary) {
    let (mut reader, mut decoder, mut seen) = (PacketReader::new(), Decoder::new(), Vec::new());
    for chunk in bytes.chunks(piece) {
        reader.push(chunk, &mut |placed: Placed<'_>| {
            if let Some(range) = placed.range.clone() {
                assert_eq!(&chunk[range], placed.frame.bytes);
            }
            look(&placed, &mut decoder, &mut seen);
        });
    }
    let summary = reader.finish(&mut |placed: Placed<'_>| look(&placed, &mut decoder, &mut seen));
    (seen, summary)
}

fn look(placed: &Placed<'_>, decoder: &mut Decoder, seen: &mut Vec<Seen>) {
    let frame = &placed.frame;
    assert!(frame.original_len as usize >= frame.bytes.len());
    decoder.decode(frame);
    let start = frame.bytes[..frame.bytes.len().min(64)].to_vec();
    seen.push((frame.number, frame.link.0, frame.original_len, start, frame.bytes.len()));
}
