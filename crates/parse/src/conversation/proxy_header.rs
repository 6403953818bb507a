//! The PROXY protocol of HAProxy: what a load balancer states of the client in front of a connection's first bytes
//! (proxy-protocol.txt §2.1, §2.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How version 2 begins.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// How version 1 begins.
const WORD: &[u8] = b"PROXY ";
/// Bytes of the longest header of version 1.
const MOST_LINE: usize = 107;
/// Bytes of version 2 in front of the addresses.
const FIXED: usize = 16;

/// A header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its bytes.
    pub(super) length: usize,
    /// The client that it states; a health check states none.
    pub(super) client: Option<SocketAddr>,
}

/// What some first bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Whole(Header),
    /// The start of one.
    Partial,
    Other,
}

/// Reads the header at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Reading {
    if begins(bytes, WORD) {
        return text(bytes);
    }
    if begins(bytes, SIGNATURE) {
        return binary(bytes);
    }
    Reading::Other
}

/// Whether `bytes` are, or are the start of, what begins with `pattern`. A few line ends alone are not told apart: HTTP
/// may begin with them, too.
fn begins(bytes: &[u8], pattern: &[u8]) -> bool {
    let shared = bytes.len().min(pattern.len());
    shared > 4 && bytes[..shared] == pattern[..shared]
}

fn text(bytes: &[u8]) -> Reading {
    let line = &bytes[..bytes.len().min(MOST_LINE)];
    let Some(end) = memchr::memmem::find(line, b"\r\n") else {
        return if bytes.len() < MOST_LINE { Reading::Partial } else { Reading::Other };
    };
    let mut words = line[WORD.len()..end].split(|byte| *byte == b' ').map(std::str::from_utf8);
    let client = match words.next() {
        Some(Ok("UNKNOWN")) => None,
        Some(Ok("TCP4" | "TCP6")) => {
            let mut word = || words.next()?.ok();
            let (address, _, port) = (word(), word(), word());
            let address = address.and_then(|text| text.parse::<IpAddr>().ok());
            address.zip(port.and_then(|text| text.parse().ok())).map(SocketAddr::from)
        }
        _ => return Reading::Other,
    };
    Reading::Whole(Header { length: end + 2, client })
}

fn binary(bytes: &[u8]) -> Reading {
    let Some([version_command, family, high, low]) = bytes.get(SIGNATURE.len()..FIXED) else { return Reading::Partial };
    let length = FIXED + usize::from(u16::from_be_bytes([*high, *low]));
    if version_command >> 4 != 2 {
        return Reading::Other;
    }
    let Some(addresses) = bytes.get(FIXED..length) else { return Reading::Partial };
    // LOCAL (0) is the balancer itself; PROXY is 1.
    let client = if version_command & 0x0f == 1 { source(family >> 4, addresses) } else { None };
    Reading::Whole(Header { length, client })
}

/// The source in addresses of this family: both addresses, then both ports.
fn source(family: u8, addresses: &[u8]) -> Option<SocketAddr> {
    let port = |at: usize| Some(u16::from_be_bytes(*addresses.get(at..)?.first_chunk()?));
    match family {
        1 => Some((Ipv4Addr::from(*addresses.first_chunk::<4>()?), port(8)?).into()),
        2 => Some((Ipv6Addr::from(*addresses.first_chunk::<16>()?), port(32)?).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], length: usize, client: Option<&str>) {
        let client = client.map(|text| text.parse().unwrap());
        assert_eq!(read(bytes), Reading::Whole(Header { length, client }));
        for end in 5..length {
            assert_eq!(read(&bytes[..end]), Reading::Partial, "{end}");
        }
    }

    #[test]
    fn lines() {
        check(b"PROXY TCP4 192.0.2.7 192.0.2.8 56324 443\r\nGET /", 42, Some("192.0.2.7:56324"));
        check(b"PROXY TCP6 2001:db8::1 ::1 9 443\r\n", 34, Some("[2001:db8::1]:9"));
        check(b"PROXY UNKNOWN\r\n", 15, None);
        assert_eq!(read(b"PROXY STRANGE\r\n"), Reading::Other);
        assert_eq!(read(&[b"PROXY TCP4 ", [b'1'; 200].as_slice()].concat()), Reading::Other);
        assert_eq!(read(b"GET / HTTP/1.1\r\n"), Reading::Other);
    }

    #[test]
    fn blocks() {
        let block = |command: u8, family: u8, rest: &[u8]| {
            let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
            [SIGNATURE, &[command, family], &length, rest].concat()
        };
        let four = [10, 0, 0, 9, 10, 0, 0, 1, 0x1f, 0x90, 0, 80];
        check(&block(0x21, 0x11, &four), 28, Some("10.0.0.9:8080"));
        check(&block(0x21, 0x11, &[&four[..], &[1, 0, 2, b'h', b'2']].concat()), 33, Some("10.0.0.9:8080"));
        let six = [[0; 15].as_slice(), &[1], &[0; 16], &[0, 7, 0, 80]].concat();
        check(&block(0x21, 0x21, &six), 52, Some("[::1]:7"));
        check(&block(0x20, 0x00, &[]), 16, None);
        check(&block(0x21, 0x11, &four[..5]), 21, None);
        assert_eq!(read(&block(0x31, 0x11, &four)), Reading::Other);
    }
}
