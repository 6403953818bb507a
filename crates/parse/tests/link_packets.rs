//! Lengths, cuts and fragments of IP packets; and bytes that are none.
#![allow(clippy::unwrap_used, reason = "an integration test")]

use authtrace_parse::{AnomalyKind, Decoder, DecoderCounts, Frame, LinkType, Packet, Timestamp};
use etherparse::{IpNumber, PacketBuilder};
use proptest::prelude::*;

const ETHERNET: LinkType = LinkType(1);
const RAW: LinkType = LinkType(101);
/// IPv4 and TCP headers without options.
const HEADERS: usize = 40;

fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(40_000, 80, 7, 1024).write(&mut bytes, payload).unwrap();
    bytes
}

fn tcp_v6(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(40_000, 80, 7, 1024).write(&mut bytes, payload).unwrap();
    bytes
}

fn frame(link: LinkType, bytes: &[u8], original_len: usize) -> Frame<'_> {
    Frame { number: 1, time: None, link, bytes, original_len: original_len as u32 }
}

/// Payload and cut of the segment in one frame.
fn decoded(link: LinkType, bytes: &[u8], original_len: usize) -> (Option<(Vec<u8>, u32)>, DecoderCounts) {
    let mut decoder = Decoder::new();
    let segment = match decoder.decode(&frame(link, bytes, original_len)) {
        Some(Packet::Tcp(segment)) => Some((segment.payload.to_vec(), segment.cut)),
        Some(Packet::Udp(_)) | None => None,
    };
    (segment, decoder.counts())
}

/// All that a packet says.
fn words(packet: Packet<'_>) -> String {
    match packet {
        Packet::Tcp(s) => format!(
            "{} {} {} {:?} {:?} {:?} {}",
            s.source, s.destination, s.sequence, s.acknowledgment, s.flags, s.payload, s.cut
        ),
        Packet::Udp(d) => format!("{} {} {:?}", d.source, d.destination, d.payload),
    }
}

#[track_caller]
fn check(bytes: &[u8], original_len: usize, payload: &[u8], cut: u32) {
    assert_eq!(decoded(RAW, bytes, original_len).0, Some((payload.to_vec(), cut)));
}

#[test]
fn the_snap_length_cuts_what_the_ip_header_says() {
    for whole in [tcp(b"0123456789"), tcp_v6(b"0123456789")] {
        let length = whole.len();
        check(&whole, length, b"0123456789", 0);
        check(&whole[..length - 4], length, b"012345", 4);
        check(&whole[..length - 10], length, b"", 10);
        // The capturing side added a frame check sequence of which nothing was kept: no payload.
        check(&whole[..length - 4], length + 4, b"012345", 4);
        // A length that lies: nothing was cut.
        check(&whole[..length - 4], length - 4, b"012345", 0);
    }
}

#[test]
fn padding_is_no_payload() {
    for (kind, whole) in [([8, 0], tcp(b"")), ([0x86, 0xdd], tcp_v6(b"x"))] {
        let payload = &whole[whole.len() - usize::from(kind[0] != 8)..];
        let padded = [&[0; 12][..], &kind, &whole, &[0; 6]].concat();
        assert_eq!(decoded(ETHERNET, &padded, padded.len()).0, Some((payload.to_vec(), 0)));
        // Cut within the padding.
        assert_eq!(decoded(ETHERNET, &padded[..padded.len() - 3], padded.len()).0, Some((payload.to_vec(), 0)));
    }
}

#[test]
fn a_length_of_zero_means_to_the_end_of_the_frame() {
    let mut whole = tcp(&[b'x'; 3000]);
    whole[2..4].fill(0);
    check(&whole, whole.len(), &[b'x'; 3000], 0);
    check(&whole[..HEADERS + 100], whole.len(), &[b'x'; 100], 2900);
    let mut whole = tcp_v6(&[b'x'; 3000]);
    whole[4..6].fill(0);
    check(&whole, whole.len(), &[b'x'; 3000], 0);
}

#[test]
fn checksums_do_not_matter() {
    let mut whole = tcp(b"payload");
    whole[10..12].fill(0xff);
    whole[36..38].fill(0xff);
    check(&whole, whole.len(), b"payload", 0);
}

#[test]
fn cut_and_broken_headers_are_counted() {
    let whole = tcp(b"payload");
    for at in 1..HEADERS {
        let (segment, counts) = decoded(RAW, &whole[..at], whole.len());
        assert_eq!((segment, counts.cut, counts.malformed), (None, 1, 0), "cut at {at}");
        let (segment, counts) = decoded(RAW, &whole[..at], at);
        assert_eq!((segment, counts.cut, counts.malformed), (None, 0, 1), "ends at {at}");
    }
    // The options of TCP are cut; the offset of its data leads out of the packet.
    for (captured, original) in [(HEADERS + 4, whole.len()), (whole.len(), whole.len())] {
        let mut broken = whole.clone();
        broken[32] = 0xf0;
        let (segment, counts) = decoded(RAW, &broken[..captured], original);
        assert_eq!((segment, counts.cut + counts.malformed), (None, 1));
    }
    let mut decoder = Decoder::new();
    decoder.decode(&frame(RAW, &whole[..30], whole.len()));
    decoder.decode(&frame(LinkType(147), &whole, whole.len()));
    let kinds: Vec<_> = decoder.anomalies().iter().map(|anomaly| anomaly.kind).collect();
    assert_eq!(kinds, [AnomalyKind::UnknownLinkType, AnomalyKind::CutHeader]);
    assert_eq!(decoder.counts().first_unknown_link, Some(LinkType(147)));
}

#[test]
fn extension_headers_are_stepped_over() {
    let tcp = tcp_v6(b"payload");
    let options = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
    let atomic = |next: u8| [next, 0, 0, 0, 0, 0, 0, 1];
    // Hop by hop, destination options, routing, a fragment header that splits nothing.
    let headers = [options(60), options(43), options(44), atomic(6)].concat();
    let mut whole = [&tcp[..40], &headers, &tcp[40..]].concat();
    whole[6] = 0;
    let length = (whole.len() - 40) as u16;
    whole[4..6].copy_from_slice(&length.to_be_bytes());
    check(&whole, whole.len(), b"payload", 0);
    check(&whole[..whole.len() - 3], whole.len(), b"payl", 3);
}

#[test]
fn flags_and_numbers() {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([1, 2, 3, 4], [5, 6, 7, 8], 64).tcp(1, 2, u32::MAX, 1024);
    builder.syn().ack(77).write(&mut bytes, &[]).unwrap();
    let mut decoder = Decoder::new();
    let Some(Packet::Tcp(segment)) = decoder.decode(&frame(RAW, &bytes, bytes.len())) else { panic!("no segment") };
    assert_eq!((segment.source, segment.destination), ("1.2.3.4:1".parse().unwrap(), "5.6.7.8:2".parse().unwrap()));
    assert_eq!((segment.sequence, segment.acknowledgment), (u32::MAX, Some(77)));
    assert!(segment.flags.syn && !segment.flags.fin && !segment.flags.rst);
}

/// A piece of a datagram: where it begins, in bytes, and whether others follow.
#[derive(Clone, Debug)]
struct Piece {
    from: usize,
    to: usize,
    last: bool,
}

/// IPv4 fragments of what `whole`, an IPv4 packet, carries.
fn fragment_v4(whole: &[u8], piece: &Piece, identification: u16) -> Vec<u8> {
    let mut bytes = whole[..20].to_vec();
    bytes.extend_from_slice(&whole[20..][piece.from..piece.to]);
    let length = bytes.len() as u16;
    let flags = (piece.from / 8) as u16 | if piece.last { 0 } else { 0x2000 };
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..6].copy_from_slice(&identification.to_be_bytes());
    bytes[6..8].copy_from_slice(&flags.to_be_bytes());
    bytes
}

/// IPv6 fragments of what `whole`, an IPv6 packet without extension headers, carries behind destination options.
fn fragment_v6(whole: &[u8], piece: &Piece, identification: u16) -> Vec<u8> {
    let split = [&[6, 0, 1, 4, 0, 0, 0, 0][..], &whole[40..]].concat();
    let offset = piece.from as u16 | u16::from(!piece.last);
    let mut bytes = whole[..40].to_vec();
    bytes.extend_from_slice(&[60, 0]);
    bytes.extend_from_slice(&offset.to_be_bytes());
    bytes.extend_from_slice(&u32::from(identification).to_be_bytes());
    bytes.extend_from_slice(&split[piece.from..piece.to]);
    bytes[6] = 44;
    let length = (bytes.len() - 40) as u16;
    bytes[4..6].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// Cuts `length` bytes into pieces at the given places, which overlap their neighbours by `overlap` units of eight bytes.
fn pieces(length: usize, cuts: &[usize], overlap: usize) -> Vec<Piece> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % length.div_ceil(8) * 8).chain([0, length]).collect();
    at.sort_unstable();
    at.dedup();
    at.windows(2)
        .map(|pair| Piece { from: pair[0].saturating_sub(overlap * 8), to: pair[1], last: pair[1] == length })
        .collect()
}

proptest! {
    #[test]
    fn fragments_in_any_order_give_the_datagram(
        payload in prop::collection::vec(any::<u8>(), 1..4000),
        cuts in prop::collection::vec(any::<usize>(), 1..8),
        overlap in 0usize..3,
        order in any::<prop::sample::Index>(),
        doubled in any::<prop::sample::Index>(),
        v6 in any::<bool>(),
    ) {
        let whole = if v6 { tcp_v6(&payload) } else { tcp(&payload) };
        let carried = whole.len() - if v6 { 40 - 8 } else { 20 };
        let mut pieces = pieces(carried, &cuts, overlap);
        prop_assume!(pieces.len() > 1);
        // The last to come is not a double of an earlier one, so that the datagram is whole exactly then.
        let first = order.index(pieces.len());
        pieces.rotate_left(first);
        if order.index(2) == 1 {
            pieces.reverse();
        }
        let twice = pieces[doubled.index(pieces.len() - 1)].clone();
        pieces.insert(0, twice);
        let mut decoder = Decoder::new();
        let mut got = Vec::new();
        for piece in &pieces {
            let bytes = if v6 { fragment_v6(&whole, piece, 5) } else { fragment_v4(&whole, piece, 5) };
            if let Some(Packet::Tcp(segment)) = decoder.decode(&frame(RAW, &bytes, bytes.len())) {
                prop_assert_eq!((segment.sequence, segment.cut), (7, 0));
                got.push(segment.payload.to_vec());
            }
        }
        prop_assert_eq!(got.first(), Some(&payload));
        prop_assert_eq!(decoder.counts().segments, got.len() as u64);
        prop_assert_eq!(decoder.counts().fragments, (pieces.len() - got.len()) as u64);
    }

    /// The short way of Ethernet finds what the long way finds, which raw IP takes.
    #[test]
    fn the_usual_frame_is_decoded_as_any_other(
        payload in prop::collection::vec(any::<u8>(), 0..100),
        damage in prop::collection::vec((0..HEADERS, any::<u8>()), 0..3),
        kept in any::<prop::sample::Index>(),
        padding in 0usize..20,
        beyond in 0usize..20,
        v6 in any::<bool>(),
    ) {
        let mut packet = if v6 { tcp_v6(&payload) } else { tcp(&payload) };
        for (at, value) in damage {
            packet[at] = value;
        }
        packet.extend(vec![0; padding]);
        packet.truncate(if beyond % 2 == 0 { packet.len() } else { kept.index(packet.len() + 1) });
        let kind = if v6 { [0x86, 0xdd] } else { [0x08, 0x00] };
        let ethernet = [&[0; 12][..], &kind, &packet].concat();
        let (mut short, mut long) = (Decoder::new(), Decoder::new());
        let one = short.decode(&frame(ETHERNET, &ethernet, ethernet.len() + beyond)).map(words);
        let other = long.decode(&frame(RAW, &packet, packet.len() + beyond)).map(words);
        prop_assert_eq!(one, other);
        prop_assert_eq!(short.counts(), long.counts());
    }

    #[test]
    fn random_bytes_never_panic(link in 0u16..300, bytes in prop::collection::vec(any::<u8>(), 0..200), more in 0usize..100) {
        decoded(LinkType(link), &bytes, bytes.len() + more);
    }

    #[test]
    fn damaged_packets_never_panic(
        link in prop::sample::select(vec![0u16, 1, 6, 9, 101, 104, 105, 107, 113, 119, 127, 149, 178, 192, 239, 276]),
        before in prop::collection::vec(any::<u8>(), 0..60),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        udp in any::<bool>(),
    ) {
        let mut bytes = before;
        if udp {
            let ports = [4789, 4790, 6081, 2152, 1701, 6635, 3544, 37008, 5247];
            let builder = PacketBuilder::ipv4([1; 4], [2; 4], 64).udp(1, ports[cut.index(ports.len())]);
            let inner = bytes.clone();
            builder.write(&mut bytes, &inner).unwrap();
        } else {
            bytes.extend_from_slice(&tcp(b"payload"));
        }
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let kept = cut.index(bytes.len() + 1);
        decoded(LinkType(link), &bytes[..kept], bytes.len());
    }
}

#[test]
fn a_fragment_that_is_cut_is_counted() {
    let whole = tcp(&[1; 100]);
    let bytes = fragment_v4(&whole, &Piece { from: 0, to: 64, last: false }, 5);
    let (segment, counts) = decoded(RAW, &bytes[..60], bytes.len());
    assert_eq!((segment, counts.cut, counts.fragments), (None, 1, 0));
}

#[test]
fn a_fragmented_tunnel_is_looked_into() {
    let inner = tcp(b"in a tunnel");
    let mut outer = Vec::new();
    let builder = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    builder.write(&mut outer, IpNumber::IPV4, &inner).unwrap();
    let mut decoder = Decoder::new();
    let mut got = Vec::new();
    // The outer packet comes in fragments whose whole holds, again, one of two fragments of the inner packet.
    for (inner_piece, identification) in
        [(Piece { from: 0, to: 16, last: false }, 1), (Piece { from: 16, to: inner.len() - 20, last: true }, 2)]
    {
        let mut carrier = Vec::new();
        let builder = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
        builder.write(&mut carrier, IpNumber::IPV4, &fragment_v4(&inner, &inner_piece, 9)).unwrap();
        let end = carrier.len() - 20;
        for piece in [Piece { from: 0, to: 8, last: false }, Piece { from: 8, to: end, last: true }] {
            let bytes = fragment_v4(&carrier, &piece, identification);
            if let Some(Packet::Tcp(segment)) = decoder.decode(&frame(RAW, &bytes, bytes.len())) {
                got.push(segment.payload.to_vec());
            }
        }
    }
    assert_eq!(got, [b"in a tunnel"]);
    assert!(decoder.anomalies().is_empty());
}

/// Sends the first fragment of datagrams that never become whole.
fn flood(decoder: &mut Decoder, datagrams: u16, piece: &Piece, payload: usize) {
    let whole = tcp(&vec![0; payload]);
    for identification in 0..datagrams {
        let bytes = fragment_v4(&whole, piece, identification);
        assert!(decoder.decode(&frame(RAW, &bytes, bytes.len())).is_none());
    }
}

#[test]
fn waiting_fragments_are_bounded() {
    let mut decoder = Decoder::new();
    flood(&mut decoder, 5000, &Piece { from: 0, to: 8, last: false }, 100);
    assert_eq!(decoder.counts().dropped_datagrams, 5000 - 4096);
    assert_eq!(decoder.anomalies()[0].kind, AnomalyKind::DroppedFragments);

    let mut decoder = Decoder::new();
    flood(&mut decoder, 300, &Piece { from: 65_000, to: 65_008, last: false }, 65_000);
    let dropped = decoder.counts().dropped_datagrams;
    assert!((300 - 258..300 - 250).contains(&dropped), "{dropped}");
}

#[test]
fn an_identification_may_be_used_again_later() {
    let (old, new) = (tcp(&[b'o'; 100]), tcp(&[b'n'; 100]));
    let piece = |whole, from, to, last| fragment_v4(whole, &Piece { from, to, last }, 5);
    // The old datagram's end never comes. Soon after, nothing tells the new one's end from it.
    for (wait, joined) in [(29, true), (31, false)] {
        let mut decoder = Decoder::new();
        let mut at = |seconds, bytes: &[u8]| {
            let time = Some(Timestamp::from_seconds(seconds));
            match decoder.decode(&Frame { time, ..frame(RAW, bytes, bytes.len()) }) {
                Some(Packet::Tcp(segment)) => Some(segment.payload.to_vec()),
                Some(Packet::Udp(_)) | None => None,
            }
        };
        assert_eq!(at(0, &piece(&old, 0, 48, false)), None);
        assert_eq!(at(wait, &piece(&new, 48, 120, true)).is_some(), joined, "after {wait} s");
        let rest = at(wait, &piece(&new, 0, 48, false));
        assert_eq!(rest, (!joined).then(|| vec![b'n'; 100]), "after {wait} s");
    }
}

#[test]
fn fragments_that_fit_nowhere_are_refused() {
    let whole = tcp(&[0; 100]);
    let mut decoder = Decoder::new();
    let mut push = |from, to, last| {
        let bytes = fragment_v4(&whole, &Piece { from, to, last }, 5);
        assert!(decoder.decode(&frame(RAW, &bytes, bytes.len())).is_none());
    };
    push(0, 48, false);
    push(56, 64, true);
    // Beyond the end, and of a length that only the last may have.
    push(64, 80, false);
    push(16, 21, false);
    assert_eq!(decoder.counts().refused_fragments, 2);
}

#[test]
fn where_fragments_disagree_the_later_one_counts() {
    let (a, b) = (tcp(&[b'a'; 28]), tcp(&[b'b'; 28]));
    let end = a.len() - 20;
    let pieces = [
        fragment_v4(&a, &Piece { from: 0, to: 32, last: false }, 5),
        // Bytes 24 to 32 once more, of which 20 are the TCP header.
        fragment_v4(&b, &Piece { from: 24, to: 32, last: false }, 5),
        fragment_v4(&a, &Piece { from: 32, to: end, last: true }, 5),
    ];
    let mut decoder = Decoder::new();
    let mut got = Vec::new();
    for bytes in &pieces {
        if let Some(Packet::Tcp(segment)) = decoder.decode(&frame(RAW, bytes, bytes.len())) {
            got = segment.payload.to_vec();
        }
    }
    assert_eq!(got, [&[b'a'; 4][..], &[b'b'; 8], &[b'a'; 16]].concat());
}
