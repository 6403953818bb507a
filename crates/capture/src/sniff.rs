//! Tells a format by its first bytes.

use crate::packets::PacketFormat;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The format of the traffic.
    pub container: Container,
    /// How the file is packed.
    pub compression: Compression,
}

/// A format of recorded traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// HTTP Archive 1.2 and its relatives.
    Har,
    /// Classic pcap.
    Pcap,
    /// pcapng.
    Pcapng,
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952), of one or several members.
    Gzip,
    /// zlib (RFC 1950).
    Zlib,
    /// Zstandard (RFC 8878), of one or several frames.
    Zstd,
}

impl Compression {
    /// Name in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }

    /// The compression that a file starting with `head` has.
    pub(crate) fn sniff(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // Skippable frame (RFC 8878 §3.1.2).
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // Method deflate, window up to 32 KiB, header checksum (RFC 1950 §2.2).
            [cmf @ (0x08 | 0x18 | 0x28 | 0x38 | 0x48 | 0x58 | 0x68 | 0x78), flags, ..]
                if (u16::from(*cmf) << 8 | u16::from(*flags)).is_multiple_of(31) && flags & 0x20 == 0 =>
            {
                Self::Zlib
            }
            _ => Self::None,
        }
    }
}

/// What unpacked bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// JSON, or something wrapped around it: the HAR reader decides.
    Json,
    /// pcap or pcapng.
    PacketCapture,
    /// Something else, in words.
    Other(&'static str),
}

/// Bytes that a guess needs at most.
pub(crate) const HEAD: usize = 4096;

/// Magic bytes of what people mistake for a capture.
const OTHERS: [(&[u8], &str); 20] = [
    (b"PK\x03\x04", "a ZIP archive (a Playwright trace or a Fiddler .saz: unpack it first)"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\x7fELF", "a program"),
    (b"BZh", "a bzip2 archive (unpack it first)"),
    (b"\xfd7zXZ\0", "an xz archive (unpack it first)"),
    (b"\x04\x22\x4d\x18", "an lz4 archive (unpack it first)"),
    (b"7z\xbc\xaf", "a 7-Zip archive (unpack it first)"),
    (b"snoop\0\0\0", "a Solaris snoop capture (convert it with `editcap -F pcap`)"),
    (b"GMBU", "a Network Monitor capture (convert it with `editcap -F pcap`)"),
    (b"TRSNIFF data    \x1a", "a Sniffer capture (convert it with `editcap -F pcap`)"),
    (b"XCP\0", "a NetXRay capture (convert it with `editcap -F pcap`)"),
    (b"btsnoop\0", "a Bluetooth capture"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet table"),
    (b"CLIENT_RANDOM", "a TLS key log"),
    (b"CLIENT_HANDSHAKE", "a TLS key log"),
    (b"GET ", "raw HTTP text"),
    (b"POST ", "raw HTTP text"),
    (b"HTTP/", "raw HTTP text"),
];

/// Looks at the first bytes of an unpacked input.
pub(crate) fn guess(head: &[u8]) -> Guess {
    if PacketFormat::sniff(head).is_some() {
        return Guess::PacketCapture;
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Guess::Other(what);
    }
    if wraps_json(head) {
        return Guess::Json;
    }
    match head.trim_ascii_start() {
        [b'<', ..] => Guess::Other("HTML or XML"),
        text if text.iter().all(|&b| b >= 0x20 || b.is_ascii_whitespace()) => Guess::Other("plain text"),
        _ => Guess::Other("binary data of no known kind"),
    }
}

/// Whether a bracket opens after nothing but a byte-order mark and what a script wraps around JSON.
fn wraps_json(head: &[u8]) -> bool {
    let Some(open) = head.iter().position(|b| matches!(b, b'{' | b'[')) else { return false };
    let before = &head[..open];
    let mark = [&[0xef, 0xbb, 0xbf][..], &[0xff, 0xfe], &[0xfe, 0xff]].into_iter().find_map(|m| before.strip_prefix(m));
    let script = |b: &u8| b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || b"\0_$.()]}'=;,/&*".contains(b);
    mark.unwrap_or(before).iter().all(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &[u8], expected: Guess) {
        assert_eq!(guess(head), expected);
    }

    #[test]
    fn guesses_by_first_bytes() {
        check(b"{\"log\":{}}", Guess::Json);
        check(b"  \n[{", Guess::Json);
        check(b"\xef\xbb\xbf{", Guess::Json);
        check(b"\xff\xfe{\0", Guess::Json);
        check(b"onInputData({", Guess::Json);
        check(b")]}',\n{", Guess::Json);
        check(b"var har = {", Guess::Json);
        for magic in [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34_u32] {
            check(&magic.to_be_bytes(), Guess::PacketCapture);
            check(&magic.to_le_bytes(), Guess::PacketCapture);
        }
        check(b"\x0a\x0d\x0d\x0a", Guess::PacketCapture);
        check(b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0", Guess::PacketCapture);
        check(b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\x01", Guess::PacketCapture);
        check(b"\n\r\r\nsome text", Guess::Other("plain text"));
        check(b"\xa1\xb2\xc3\xd5\0", Guess::Other("binary data of no known kind"));
        check(b"<html><style>a {}", Guess::Other("HTML or XML"));
        check(b"hello", Guess::Other("plain text"));
        check(b"\x00\x01\x02", Guess::Other("binary data of no known kind"));
    }

    #[test]
    fn tells_compression() {
        assert_eq!(Compression::sniff(b"\x1f\x8b\x08\0"), Compression::Gzip);
        assert_eq!(Compression::sniff(b"\x78\x9c\0"), Compression::Zlib);
        assert_eq!(Compression::sniff(b"\x28\xb5\x2f\xfd"), Compression::Zstd);
        assert_eq!(Compression::sniff(b"{\"log\""), Compression::None);
        assert_eq!(Compression::sniff(b"xy"), Compression::None);
    }
}
