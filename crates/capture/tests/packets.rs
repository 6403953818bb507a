//! pcap and pcapng as they should be read: made by hand, in both byte orders, and pushed in any pieces.
#![allow(clippy::unwrap_used, reason = "an integration test")]

use std::net::{IpAddr, Ipv4Addr};

use authtrace_capture::{DecryptionSecrets, PacketFormat, PacketReader, PacketSummary, Placed};
use authtrace_parse::AnomalyKind;
use proptest::prelude::*;

/// A frame as the reader gave it, owned.
#[derive(Clone, Debug, PartialEq)]
struct Got {
    number: u32,
    nanos: Option<i64>,
    link: u16,
    bytes: Vec<u8>,
    original_len: u32,
}

/// Reads a capture pushed in the given pieces. Where a frame says to lie in its chunk, it must lie there.
fn read_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Got>, PacketSummary) {
    let mut reader = PacketReader::new();
    let mut got = Vec::new();
    let mut take = |placed: Placed<'_>, chunk: &[u8]| {
        let frame = placed.frame;
        if let Some(range) = placed.range {
            assert_eq!(&chunk[range], frame.bytes);
        }
        got.push(Got {
            number: frame.number,
            nanos: frame.time.map(|time| time.nanos()),
            link: frame.link.0,
            bytes: frame.bytes.to_vec(),
            original_len: frame.original_len,
        });
    };
    for piece in pieces {
        reader.push(piece, &mut |placed| take(placed, piece));
    }
    let summary = reader.finish(&mut |placed| take(placed, &[]));
    (got, summary)
}

fn read(bytes: &[u8]) -> (Vec<Got>, PacketSummary) {
    read_pieces([bytes])
}

fn kinds(summary: &PacketSummary) -> Vec<AnomalyKind> {
    summary.anomalies.iter().map(|anomaly| anomaly.kind).collect()
}

/// Writes integers in one byte order.
#[derive(Clone, Copy, Debug)]
struct Writer {
    big: bool,
}

const ORDERS: [Writer; 2] = [Writer { big: false }, Writer { big: true }];

impl Writer {
    fn u16(self, value: u16) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    fn u32(self, value: u32) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    fn u64(self, value: u64) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    fn u32s(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }

    fn pcap(self, magic: u32, snaplen: u32, link: u32) -> Vec<u8> {
        [self.u32(magic), self.u16(2), self.u16(4), self.u32s(&[0, 0, snaplen, link])].concat()
    }

    fn record(self, seconds: u32, fraction: u32, original_len: u32, bytes: &[u8]) -> Vec<u8> {
        [self.u32s(&[seconds, fraction, bytes.len() as u32, original_len]), bytes.to_vec()].concat()
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let size = self.u32((body.len() + padding.len() + 12) as u32);
        [self.u32(kind), size.clone(), body.to_vec(), padding, size].concat()
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        [self.u16(code), self.u16(value.len() as u16), value.to_vec(), padding].concat()
    }

    fn section(self, options: &[u8]) -> Vec<u8> {
        self.block(0x0a0d_0d0a, &[&self.u32(0x1a2b_3c4d), &self.u16(1)[..], &self.u16(0), &[0xff; 8], options].concat())
    }

    fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        self.block(1, &[&self.u16(link), &self.u16(0), &self.u32(snaplen)[..], options].concat())
    }

    fn enhanced(self, interface: u32, time: u64, original_len: u32, bytes: &[u8]) -> Vec<u8> {
        let head = self.u32s(&[interface, (time >> 32) as u32, time as u32, bytes.len() as u32, original_len]);
        self.block(
            6,
            &[&head, bytes, &[0; 3][..bytes.len().next_multiple_of(4) - bytes.len()], &self.option(1, b"comment")]
                .concat(),
        )
    }
}

#[test]
fn pcap_of_every_kind() {
    for order in ORDERS {
        for (magic, unit, extra) in [(0xa1b2_c3d4, 1000, 0), (0xa1b2_3c4d, 1, 0), (0xa1b2_cd34, 1000, 8)] {
            let record = |seconds, fraction, original_len, bytes: &[u8]| {
                let mut record = order.record(seconds, fraction, original_len, bytes);
                record.splice(16..16, vec![0xee; extra]);
                record
            };
            // The upper half of the link type tells of a frame check sequence; a snap length of zero is none.
            let file = [
                order.pcap(magic, 0, 0x2400_0001),
                record(7, 5, 9, b"abc"),
                record(8, 0, 0, b""),
                record(9, 1, 2, b"xyz"),
            ];
            let (got, summary) = read(&file.concat());
            let frame = |number, seconds: i64, fraction: i64, bytes: &[u8], original_len| Got {
                number,
                nanos: Some(seconds * 1_000_000_000 + fraction * unit),
                link: 1,
                bytes: bytes.to_vec(),
                original_len,
            };
            // The last frame is longer than it was on the wire: not believed.
            assert_eq!(got, [frame(1, 7, 5, b"abc", 9), frame(2, 8, 0, b"", 0), frame(3, 9, 1, b"xyz", 3)]);
            assert_eq!((summary.format, summary.frames, summary.truncated), (Some(PacketFormat::Pcap), 3, false));
            assert!(summary.anomalies.is_empty());
        }
    }
}

#[test]
fn a_cut_record_is_kept_as_far_as_it_is_there() {
    for order in ORDERS {
        let pcap =
            [order.pcap(0xa1b2_c3d4, 65_535, 101), order.record(1, 0, 9, b"first"), order.record(2, 0, 9, b"second")];
        let section = [order.section(&[]), order.interface(101, 0, &[])].concat();
        let pcapng = [section, order.enhanced(0, 1_000_000, 9, b"first"), order.enhanced(0, 2_000_000, 9, b"second")];
        for (file, header) in [(pcap, 16), (pcapng, 28)] {
            let start = file[0].len() + file[1].len();
            let whole = file.concat();
            for end in start..whole.len() {
                let (got, summary) = read(&whole[..end]);
                let there = (end - start).saturating_sub(header).min(6);
                let second = got.get(1).map_or(0, |frame| frame.bytes.len());
                assert_eq!((got[0].bytes.as_slice(), second), (&b"first"[..], there), "cut at {end}");
                assert!(got.get(1).is_none_or(|frame| frame.original_len == 9 && b"second".starts_with(&frame.bytes)));
                assert_eq!((summary.truncated, summary.frames as usize), (end > start, got.len()));
                assert_eq!(kinds(&summary).contains(&AnomalyKind::Truncated), end > start);
            }
        }
    }
}

#[test]
fn an_absurd_length_ends_reading() {
    for order in ORDERS {
        for length in [256 * 1024 + 1, 0x7fff_ffff, u32::MAX] {
            let corrupt = [order.u32s(&[1, 0, length, length]), vec![0; 100]].concat();
            let file = [order.pcap(0xa1b2_c3d4, 0x4000_0000, 1), order.record(1, 0, 5, b"first"), corrupt].concat();
            let (got, summary) = read(&file);
            assert_eq!((got.len(), kinds(&summary)), (1, vec![AnomalyKind::CorruptRecord]));
        }
        // A file may allow more.
        let large = vec![7; 300_000];
        let file = [order.pcap(0xa1b2_c3d4, 400_000, 1), order.record(1, 0, 300_000, &large)].concat();
        assert_eq!(read(&file).0[0].bytes, large);

        let start = [order.section(&[]), order.interface(1, 0, &[]), order.enhanced(0, 1, 5, b"first")].concat();
        for size in [0, 8, 13, 0x7fff_fff0, u32::MAX - 3] {
            let corrupt = [order.u32s(&[6, size, 0, 0, 0, 0, 0, 0, 0]), vec![0; 100]].concat();
            let (got, summary) = read(&[&start[..], &corrupt].concat());
            assert_eq!((got.len(), kinds(&summary)), (1, vec![AnomalyKind::CorruptRecord]), "{size:#x}");
        }
    }
}

#[test]
fn sections_and_interfaces_keep_their_own_terms() {
    for (order, other) in [(ORDERS[0], ORDERS[1]), (ORDERS[1], ORDERS[0])] {
        let offset = |seconds: i64| order.option(14, &order.u64(seconds.cast_unsigned()));
        let file = [
            order.section(&order.option(4, b"Recorder 1\0")),
            order.interface(1, 0, &[]),
            order.interface(
                113,
                0,
                &[order.option(2, b"eth0"), order.option(9, &[9]), order.u16(0), order.u16(0)].concat(),
            ),
            order.interface(276, 0, &[order.option(9, &[0x80 | 10]), offset(-3)].concat()),
            order.enhanced(2, 4 << 10 | 512, 4, b"four"),
            order.enhanced(0, 5_000_001, 5, b"five!"),
            order.enhanced(1, u64::from(u32::MAX) + 5, 3, b"six"),
            other.section(&[]),
            other.interface(0, 0, &other.option(9, &[3])),
            other.enhanced(0, 1500, 3, b"new"),
        ];
        let (got, summary) = read(&file.concat());
        let frames: Vec<_> = got.iter().map(|f| (f.number, f.link, f.nanos.unwrap(), f.bytes.as_slice())).collect();
        assert_eq!(
            frames,
            [
                (1, 276, 1_500_000_000, &b"four"[..]),
                (2, 1, 5_000_001_000, b"five!"),
                (3, 113, 4_294_967_300, b"six"),
                (4, 0, 1_500_000_000, b"new"),
            ]
        );
        assert_eq!(summary.application.as_deref(), Some("Recorder 1"));
        assert_eq!((summary.format, summary.anomalies.len()), (Some(PacketFormat::Pcapng), 0));
    }
}

#[test]
fn packet_blocks_of_every_kind() {
    for order in ORDERS {
        let simple = |original_len: u32, bytes: &[u8]| order.block(3, &[&order.u32(original_len), bytes].concat());
        let legacy = [&order.u16(0)[..], &order.u16(9), &order.u32s(&[0, 77, 3, 8]), b"old"].concat();
        let file = [
            order.section(&[]),
            order.interface(1, 6, &[]),
            // Cut by the snap length; shorter than it; as long as a block has room for.
            simple(20, b"simple"),
            simple(2, b"ab"),
            order.block(2, &legacy),
            order.enhanced(0, 1, 3, b"new"),
        ];
        let (got, summary) = read(&file.concat());
        let frames: Vec<_> = got.iter().map(|f| (f.nanos, f.bytes.as_slice(), f.original_len)).collect();
        assert_eq!(
            frames,
            [(None, &b"simple"[..], 20), (None, b"ab", 2), (Some(77_000), b"old", 8), (Some(1000), b"new", 3),]
        );
        assert!(summary.anomalies.is_empty());
        let unlimited = [order.section(&[]), order.interface(1, 0, &[]), simple(20, b"whatever")].concat();
        assert_eq!(read(&unlimited).0[0].bytes, b"whatever");
    }
}

#[test]
fn what_stands_beside_the_packets_is_kept() {
    for order in ORDERS {
        let secrets =
            |kind: u32, text: &[u8]| order.block(10, &[&order.u32s(&[kind, text.len() as u32]), text].concat());
        let names = [
            order.option(1, b"\x0a\0\0\x01api.example\0api\0"),
            order.option(7, b"unknown"),
            order.option(1, b"\x0a\0\0\x01api\0"),
            order.option(2, &[&[0; 15][..], b"\x01localhost\0"].concat()),
            order.option(0, b""),
            order.option(1, b"\x0a\0\0\x02behind the end\0"),
        ];
        let drops = |interface: u32, dropped: u64| {
            let options = [order.option(5, &order.u64(dropped)), order.option(7, &order.u64(1))].concat();
            order.block(5, &[&order.u32s(&[interface, 0, 0])[..], &options].concat())
        };
        let file = [
            order.section(&[]),
            // Before the interface, as editcap puts it; of an odd length, padded.
            secrets(DecryptionSecrets::TLS_KEY_LOG, b"CLIENT_RANDOM 1 2\n"),
            order.interface(1, 0, &[]),
            order.interface(1, 0, &[]),
            secrets(0x5747_4b4c, b"other keys"),
            order.block(4, &names.concat()),
            // Counters grow: the last ones count.
            drops(0, 3),
            drops(0, 5),
            drops(1, 10),
            drops(9, 100),
            order.block(0x0bad, b"a custom block"),
            order.block(0x8000_0001, b"somebody's own"),
            order.enhanced(0, 1, 3, b"new"),
            order.section(&[]),
            order.interface(1, 0, &[]),
            drops(0, 1),
        ];
        let (got, summary) = read(&file.concat());
        assert_eq!((got.len(), summary.frames), (1, 1));
        let kept: Vec<_> = summary.secrets.iter().map(|secrets| (secrets.kind, secrets.expose())).collect();
        assert!(kept == [(0x544c_534b, &b"CLIENT_RANDOM 1 2\n"[..]), (0x5747_4b4c, b"other keys")]);
        let address = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(summary.names.of(address).iter().map(|name| &**name).collect::<Vec<_>>(), ["api.example", "api"]);
        assert_eq!(summary.names.iter().count(), 2);
        assert_eq!((summary.drops.interface, summary.drops.system), (Some(5 + 10 + 1), Some(3)));
        assert!(summary.anomalies.is_empty());
    }
}

#[test]
fn what_cannot_be_used_is_counted_and_stepped_over() {
    for order in ORDERS {
        let mut overfull = order.enhanced(0, 1, 9, b"a packet");
        overfull.splice(20..24, order.u32(60));
        let file = [
            order.section(&[]),
            order.interface(1, 0, &[]),
            order.enhanced(1, 1, 3, b"who"),
            overfull,
            order.enhanced(0, 1, 3, b"new"),
        ];
        let (got, summary) = read(&file.concat());
        assert_eq!((got.len(), got[0].number, summary.frames, summary.lost), (1, 3, 3, 2));
        assert_eq!(kinds(&summary), [AnomalyKind::UndescribedInterface, AnomalyKind::BrokenPacketBlock]);
        // An interface of an earlier section does not count.
        let file =
            [order.section(&[]), order.interface(1, 0, &[]), order.section(&[]), order.enhanced(0, 1, 3, b"who")];
        assert_eq!(kinds(&read(&file.concat()).1), [AnomalyKind::UndescribedInterface]);
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let order = ORDERS[0];
    let frame = order.enhanced(0, 1, 3, b"new");
    let start = [order.section(&[]), order.interface(1, 0, &[])].concat();
    let names = |count: u32| {
        let record = |n: u32| order.option(1, &[&n.to_be_bytes()[..], b"x\0"].concat());
        order.block(4, &(0..count).flat_map(record).collect::<Vec<u8>>())
    };
    for (block, full) in [
        (names(1 << 16), false),
        (names((1 << 16) + 1), true),
        (order.block(4, &order.option(1, &(0..66).flat_map(|n: u8| [n, 0]).collect::<Vec<_>>())), false),
        (order.block(4, &order.option(1, &(0..80).flat_map(|n: u8| [n, 0]).collect::<Vec<_>>())), true),
        (order.interface(1, 0, &[]).repeat((1 << 16) - 1), false),
        (order.interface(1, 0, &[]).repeat(1 << 16), true),
        (order.block(10, &[&order.u32s(&[1, 15 << 20])[..], &vec![7; 15 << 20]].concat()).repeat(5), true),
        // Longer than any block that is kept.
        (order.block(4, &vec![0; 17 << 20]), true),
    ] {
        let (got, summary) = read(&[&start[..], &block, &frame].concat());
        let expected = if full { vec![AnomalyKind::CaptureNotesLimit] } else { Vec::new() };
        assert_eq!((got.len(), kinds(&summary)), (1, expected));
        assert!(summary.names.iter().count() <= 1 << 16);
        assert!(summary.secrets.iter().map(|secrets| secrets.expose().len()).sum::<usize>() <= 64 << 20);
    }
}

#[test]
fn disagreeing_lengths_are_forgiven_once_the_next_block_is_known() {
    for order in ORDERS {
        let start = [order.section(&[]), order.interface(1, 0, &[])].concat();
        let mut odd = order.enhanced(0, 1, 3, b"odd");
        let trailer = odd.len() - 4..;
        odd.splice(trailer, order.u32(64));
        let known = [&start[..], &odd, &order.enhanced(0, 2, 4, b"next")].concat();
        let (got, summary) = read(&known);
        assert_eq!((got.len(), kinds(&summary)), (2, vec![AnomalyKind::BlockLengthsDiffer]));
        let garbage =
            [&start[..], &odd, &order.block(0x1234_5678, b"garbage?"), &order.enhanced(0, 2, 4, b"next")].concat();
        let (got, summary) = read(&garbage);
        assert_eq!(got.len(), 1);
        assert_eq!(kinds(&summary), [AnomalyKind::CorruptRecord, AnomalyKind::BlockLengthsDiffer]);
    }
}

#[test]
fn tells_what_is_no_packet_capture() {
    for bytes in [&b""[..], b"\xd4\xc3", b"{\"log\":{}}", b"\n\r\r\n is how some texts begin", b"snoop\0\0\0\0\0\0\x02"]
    {
        let (got, summary) = read(bytes);
        assert!(got.is_empty() && summary.format.is_none() && summary.frames == 0 && !summary.truncated);
    }
    for bytes in [&b"\xd4\xc3\xb2\xa1\x02\0"[..], b"\x0a\x0d\x0d\x0a\x1c\0\0\0"] {
        let (_, summary) = read(bytes);
        assert!(summary.format.is_some() && summary.truncated);
    }
}

#[test]
fn keys_are_there_before_the_next_chunk() {
    let order = ORDERS[0];
    let mut reader = PacketReader::new();
    reader.push(&order.section(&[]), &mut |_| {});
    assert!(reader.secrets().is_empty());
    reader.push(&order.block(10, &[order.u32s(&[1, 4]), b"keys".to_vec()].concat()), &mut |_| {});
    assert!(reader.secrets()[0].expose() == b"keys");
}

/// A pcap or pcapng with a bit of everything, some of it wrong.
fn mixture(order: Writer, frames: &[Vec<u8>], pcapng: bool) -> Vec<u8> {
    if !pcapng {
        let records =
            frames.iter().enumerate().map(|(n, bytes)| order.record(n as u32, 1, bytes.len() as u32 + 3, bytes));
        return std::iter::once(order.pcap(0xa1b2_3c4d, 0, 1)).chain(records).collect::<Vec<_>>().concat();
    }
    let mut file = [order.section(&[]), order.interface(1, 0, &[])].concat();
    for (n, bytes) in frames.iter().enumerate() {
        file.extend(match n % 5 {
            0 => order.block(0x0bad, bytes),
            1 => order.block(3, &[&order.u32(bytes.len() as u32)[..], bytes].concat()),
            2 => order.enhanced(n as u32 % 7, n as u64, 0, bytes),
            3 => order.block(10, &[&order.u32s(&[1, 2])[..], b"ab"].concat()),
            _ => order.enhanced(0, n as u64, 70_000, bytes),
        });
    }
    file
}

proptest! {
    #[test]
    fn chunks_make_no_difference(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        end in any::<prop::sample::Index>(),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        big in any::<bool>(),
        pcapng in any::<bool>(),
    ) {
        let mut file = mixture(Writer { big }, &frames, pcapng);
        if let Some((at, value)) = damage {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(end.index(file.len() + 1));
        let whole = read(&file);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(file.len() + 1)).collect();
        at.extend([0, file.len()]);
        at.sort_unstable();
        let cut = read_pieces(at.windows(2).map(|pair| &file[pair[0]..pair[1]]));
        let single = read_pieces(file.chunks(1));
        for (got, summary) in [cut, single] {
            prop_assert_eq!(&got, &whole.0);
            prop_assert_eq!(
                (summary.format, summary.frames, summary.lost, summary.truncated, &summary.anomalies),
                (whole.1.format, whole.1.frames, whole.1.lost, whole.1.truncated, &whole.1.anomalies)
            );
            prop_assert!(summary.secrets.iter().map(DecryptionSecrets::expose).eq(whole.1.secrets.iter().map(DecryptionSecrets::expose)));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), big in any::<bool>(), pcapng in any::<bool>()) {
        read(&[mixture(Writer { big }, &[], pcapng), bytes].concat());
    }
}
