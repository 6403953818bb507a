//! Model-based: whatever order segments come in, the stream delivers what a bitmap of captured bytes says.

use proptest::prelude::*;

use super::*;

const MARK: Mark = Mark { frame: 1, time: None };

/// What a stream delivered, with gaps as `None` for each byte.
#[derive(Default)]
struct Delivered(Vec<Option<u8>>);

impl Sink for Delivered {
    fn piece(&mut self, piece: Piece<'_>, _mark: Mark) {
        match piece {
            Piece::Data(bytes) => self.0.extend(bytes.iter().copied().map(Some)),
            Piece::Gap(len) => self.0.extend(std::iter::repeat_n(None, usize::try_from(len).unwrap())),
        }
    }
}

/// The byte at a position: neighbours and positions 256 apart differ.
fn byte(position: usize) -> u8 {
    (position ^ (position >> 8)) as u8
}

/// A segment: where it begins, how many bytes it has, and how many of them the snap length cut off.
type Cut = (usize, usize, usize);

/// A payload that depends on nothing.
fn payload(bytes: &[u8]) -> Payload<'_> {
    Payload { bytes, cut: 0, after: 0 }
}

/// Delivers what is in order.
fn drain(stream: &mut Stream, out: &mut Delivered) {
    while stream.first_held().is_some_and(|held| held.is_next) {
        stream.deliver_held(out);
    }
}

/// Pushes `segments` of a stream whose first byte is at sequence number `start`, then ends it.
fn run(start: u32, segments: &[Cut], total: usize, acknowledged: bool) -> Vec<Option<u8>> {
    let mut stream = Stream::default();
    let mut out = Delivered::default();
    stream.open(start.wrapping_sub(1));
    for (from, len, cut) in segments {
        let end = (*from + *len).min(total);
        let from = (*from).min(end);
        let captured = end - (*cut).min(end - from);
        let bytes: Vec<u8> = (from..captured).map(byte).collect();
        let sequence = start.wrapping_add(u32::try_from(from).unwrap());
        let cut = u32::try_from(end - captured).unwrap();
        stream.push(sequence, Payload { bytes: &bytes, cut, after: 0 }, MARK, 0, &mut out);
        drain(&mut stream, &mut out);
    }
    if acknowledged {
        stream.acknowledge(start.wrapping_add(u32::try_from(total).unwrap()));
    }
    while stream.skip_hole(MARK, &mut out) {
        drain(&mut stream, &mut out);
    }
    out.0
}

/// Which bytes any segment captured: the oracle.
fn captured(segments: &[Cut], total: usize) -> Vec<bool> {
    let mut seen = vec![false; total];
    for (from, len, cut) in segments {
        let end = (*from + *len).min(total);
        let from = (*from).min(end);
        seen[from..end - (*cut).min(end - from)].fill(true);
    }
    seen
}

proptest! {
    #[test]
    fn delivers_what_was_captured(
        start in prop_oneof![Just(0u32), Just(u32::MAX - 100), any::<u32>()],
        segments in prop::collection::vec((0usize..400, 1usize..60), 0..60),
    ) {
        let segments: Vec<Cut> = segments.into_iter().map(|(from, len)| (from, len, 0)).collect();
        let total = 400;
        let seen = captured(&segments, total);
        let got = run(start, &segments, total, true);
        let expected: Vec<Option<u8>> =
            seen.iter().enumerate().map(|(position, seen)| seen.then(|| byte(position))).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn never_delivers_a_wrong_byte(
        start in any::<u32>(),
        segments in prop::collection::vec((0usize..300, 1usize..50, 0usize..50), 0..40),
        acknowledged in any::<bool>(),
    ) {
        let got = run(start, &segments, 300, acknowledged);
        prop_assert!(got.len() <= 300);
        for (position, delivered) in got.iter().enumerate() {
            prop_assert!(delivered.is_none_or(|delivered| delivered == byte(position)));
        }
    }
}

#[test]
fn in_order_bytes_pass_at_once() {
    let mut stream = Stream::default();
    let mut out = Delivered::default();
    stream.push(7, payload(b"ab"), MARK, 0, &mut out);
    assert_eq!(out.0, [Some(b'a'), Some(b'b')]);
    stream.push(11, payload(b"ef"), MARK, 0, &mut out);
    assert_eq!(out.0.len(), 2, "early bytes wait");
    stream.push(9, payload(b"cd"), MARK, 0, &mut out);
    drain(&mut stream, &mut out);
    assert_eq!(out.0.iter().flatten().copied().collect::<Vec<_>>(), b"abcdef");
}

#[test]
fn waits_for_what_the_sender_had_seen() {
    let mut stream = Stream::default();
    let mut out = Delivered::default();
    let answer = Payload { after: 10, ..payload(b"ab") };
    stream.push(0, answer, MARK, 9, &mut out);
    assert!(out.0.is_empty());
    assert_eq!(stream.first_held(), Some(FirstHeld { frame: 1, is_next: true, after: 10 }));
    stream.push(0, answer, MARK, 10, &mut out);
    assert_eq!(out.0.len(), 2);
}

#[test]
fn a_hole_that_the_peer_acknowledged_is_known() {
    let mut stream = Stream::default();
    let mut out = Delivered::default();
    stream.push(0, payload(b"ab"), MARK, 0, &mut out);
    stream.acknowledge(2);
    assert!(!stream.misses_acknowledged());
    stream.acknowledge(5);
    assert!(stream.misses_acknowledged());
    stream.push(6, payload(b"g"), MARK, 0, &mut out);
    stream.skip_hole(MARK, &mut out);
    assert_eq!(out.0, [Some(b'a'), Some(b'b'), None, None, None], "only as far as it was acknowledged");
}

#[test]
fn says_when_it_holds_too_much() {
    let mut stream = Stream::default();
    let mut out = Delivered::default();
    stream.open(u32::MAX);
    for n in 1..=Stream::HELD_SEGMENTS {
        stream.push(u32::try_from(2 * n).unwrap(), payload(b"x"), MARK, 0, &mut out);
    }
    assert!(!stream.is_overfull());
    stream.push(1, payload(b"x"), MARK, 0, &mut out);
    assert!(stream.is_overfull());
}

#[test]
fn the_end_shows_what_is_missing_before_it() {
    let mut stream = Stream::default();
    let mut out = Delivered::default();
    stream.push(0, payload(b"ab"), MARK, 0, &mut out);
    stream.close(5);
    assert!(!stream.is_complete());
    stream.skip_to_end(MARK, &mut out);
    assert_eq!(out.0.len(), 5);
    assert!(stream.is_complete());
}
