//! The stream assembler, against what was sent: whatever order segments come in, it delivers those bytes, in order, once.
//!
//! Input: four bytes of first sequence number, then for each step what to do (one byte), an offset (two bytes), a length (one
//! byte). What stands at an offset of the stream follows from the offset, so there is one truth for every input.

use authtrace_parse::stream::{Mark, Payload, Piece, Sink, Stream};

/// Follows the steps in `bytes`.
pub fn run(bytes: &[u8]) {
    let Some((first, steps)) = bytes.split_first_chunk::<4>() else { return };
    let isn = u32::from_le_bytes(*first);
    let (mut stream, mut check) = (Stream::default(), Check { next: 0 });
    let mark = Mark { frame: 1, time: None };
    stream.open(isn);
    for step in steps.chunks_exact(4) {
        let &[what, low, high, len] = step else { return };
        let offset = u32::from(u16::from_le_bytes([low, high]));
        let sequence = isn.wrapping_add(1).wrapping_add(offset);
        match what % 8 {
            0..=3 => {
                let sent: Vec<u8> = (0..u32::from(len)).map(|index| at(u64::from(offset + index))).collect();
                let cut = if what & 0x80 == 0 { 0 } else { u32::from(len) / 2 };
                let after = if what & 0x40 == 0 { 0 } else { 10 };
                stream.push(
                    sequence,
                    Payload { bytes: &sent[..sent.len() - cut as usize], cut, after },
                    mark,
                    u64::from(what >> 4),
                    &mut check,
                );
            }
            4 => drop(stream.acknowledge(sequence)),
            5 => stream.close(sequence),
            6 => drop(stream.skip_hole(mark, &mut check)),
            _ => stream.deliver_held(&mut check),
        }
        assert_eq!(stream.position(), check.next);
    }
    while stream.first_held().is_some() {
        if stream.first_held().is_some_and(|held| !held.is_next) {
            stream.skip_hole(mark, &mut check);
        }
        stream.deliver_held(&mut check);
    }
    assert_eq!(stream.held_bytes(), 0);
    stream.skip_to_end(mark, &mut check);
    assert_eq!(stream.position(), check.next);
}

/// The byte at an offset.
fn at(offset: u64) -> u8 {
    (offset ^ offset >> 8).wrapping_mul(31) as u8
}

/// Compares what is delivered with what was sent.
struct Check {
    next: u64,
}

impl Sink for Check {
    fn piece(&mut self, piece: Piece<'_>, _: Mark) {
        match piece {
            Piece::Data(bytes) => {
                assert!(!bytes.is_empty());
                for (offset, byte) in (self.next..).zip(bytes) {
                    assert_eq!(*byte, at(offset), "at {offset}");
                }
                self.next += bytes.len() as u64;
            }
            Piece::Gap(len) => {
                assert!(len > 0);
                self.next += len;
            }
        }
    }
}
