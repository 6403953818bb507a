//! SOCKS: what a client and its proxy say before the connection is handed over (version 4 and 4a; RFC 1928, RFC 1929).

/// Bytes that either end may say before the hand-over: a greeting of 257, a name and a password of 255 each, an address.
const MOST_SAID: usize = 1536;

/// How far a handshake has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is to be said.
    Open,
    /// The rest is another conversation, behind this many bytes of the client and of the server.
    HandedOver([usize; 2]),
    /// It is none, or one that hands nothing over.
    Other,
}

/// A handshake under way.
#[derive(Default)]
pub(super) struct Handshake {
    /// By side: what was said.
    pub(super) said: [Vec<u8>; 2],
}

/// Whether these first bytes greet a SOCKS server; `None` where more bytes are needed to tell. The client waits for the
/// answer, so nothing stands behind a greeting.
pub(super) fn begins(bytes: &[u8]) -> Option<bool> {
    let length = match bytes {
        [5, count, ..] if *count > 0 => 2 + usize::from(*count),
        [4, 1, ..] => match version_4(bytes) {
            Ok(length) => length,
            Err(Trouble::Ended) if bytes.len() < MOST_SAID => return None,
            Err(_) => return Some(false),
        },
        [5 | 4] => return None,
        _ => return Some(false),
    };
    if bytes.len() < length { None } else { Some(bytes.len() == length) }
}

impl Handshake {
    /// How far it has come with what was said until now.
    pub(super) fn progress(&self) -> Progress {
        let [client, server] = &self.said;
        let parsed = match client.first() {
            Some(5) => version_5_both(client, server),
            _ => version_4(client).and_then(|asked| match server.as_slice() {
                // Reply, code, port, address.
                [0, 90..=93, ..] | [0] | [] => Ok([asked, whole(server, 8)?]),
                _ => Err(Trouble::Wrong),
            }),
        };
        match parsed {
            Ok(lengths) => Progress::HandedOver(lengths),
            Err(Trouble::Ended) if client.len().max(server.len()) <= MOST_SAID => Progress::Open,
            Err(_) => Progress::Other,
        }
    }
}

/// Why a message cannot be read.
enum Trouble {
    /// Bytes are missing.
    Ended,
    Wrong,
}

/// `length`, if that many bytes are there.
fn whole(bytes: &[u8], length: usize) -> Result<usize, Trouble> {
    if bytes.len() >= length { Ok(length) } else { Err(Trouble::Ended) }
}

fn at(bytes: &[u8], index: usize) -> Result<usize, Trouble> {
    bytes.get(index).map(|byte| usize::from(*byte)).ok_or(Trouble::Ended)
}

/// `value`, if `bytes` hold it at `index`.
fn expect(bytes: &[u8], index: usize, value: usize) -> Result<(), Trouble> {
    if at(bytes, index)? == value { Ok(()) } else { Err(Trouble::Wrong) }
}

/// Length of a version 4 request: command, port, address, user, and a host name where the address is 0.0.0.x (4a).
fn version_4(bytes: &[u8]) -> Result<usize, Trouble> {
    expect(bytes, 0, 4)?;
    expect(bytes, 1, 1)?;
    let text = |from: usize| {
        let rest = bytes.get(from..).ok_or(Trouble::Ended)?;
        memchr::memchr(0, rest).map(|end| from + end + 1).ok_or(Trouble::Ended)
    };
    let behind_user = text(8)?;
    let named = bytes[4..7] == [0; 3] && bytes[7] != 0;
    if named { text(behind_user) } else { Ok(behind_user) }
}

/// Lengths of what both ends say in version 5.
fn version_5_both(client: &[u8], server: &[u8]) -> Result<[usize; 2], Trouble> {
    let mut asked = whole(client, 2 + at(client, 1)?)?;
    expect(server, 0, 5)?;
    let mut answered = whole(server, 2)?;
    match at(server, 1)? {
        0 => {}
        // User name and password (RFC 1929).
        2 => {
            expect(client, asked, 1)?;
            let name = at(client, asked + 1)?;
            let password = at(client, asked + 2 + name)?;
            asked = whole(client, asked + 3 + name + password)?;
            expect(server, answered, 1)?;
            expect(server, answered + 1, 0)?;
            answered += 2;
        }
        _ => return Err(Trouble::Wrong),
    }
    // Only CONNECT hands this very connection over.
    expect(client, asked, 5)?;
    expect(client, asked + 1, 1)?;
    asked = address(client, asked + 3)?;
    expect(server, answered, 5)?;
    answered = address(server, answered + 3)?;
    Ok([asked, answered])
}

/// Where an address of version 5 that begins at `from`, and the port behind it, end.
fn address(bytes: &[u8], from: usize) -> Result<usize, Trouble> {
    let length = match at(bytes, from)? {
        1 => 4,
        3 => 1 + at(bytes, from + 1)?,
        4 => 16,
        _ => return Err(Trouble::Wrong),
    };
    whole(bytes, from + 1 + length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(client: &[u8], server: &[u8], expected: Progress) {
        assert_eq!(Handshake { said: [client.to_vec(), server.to_vec()] }.progress(), expected);
    }

    #[test]
    fn version_5() {
        let (greeting, choice) = (b"\x05\x02\x00\x02".as_slice(), b"\x05\x00".as_slice());
        assert_eq!([begins(greeting), begins(&greeting[..3])], [Some(true), None]);
        assert_eq!([begins(b"\x05\x00"), begins(b"\x05\x01\x00\x00")], [Some(false); 2]);
        let asked = [greeting, b"\x05\x01\x00\x03\x01h\x00\x50GET"].concat();
        let answered = [choice, b"\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x50HTTP"].concat();
        check(&asked, &answered, Progress::HandedOver([12, 12]));
        for end in 0..12 {
            check(&asked, &answered[..end], Progress::Open);
            check(&asked[..end.max(1)], &answered, Progress::Open);
        }
        check(&asked, b"\x05\xff", Progress::Other);
        check(&[greeting, b"\x05\x02\x00\x01"].concat(), choice, Progress::Other);
        check(greeting, b"HTTP/1.1", Progress::Other);
        let named = [greeting, b"\x01\x01u\x02pw\x05\x01\x00\x01abcd\x00\x50"].concat();
        let accepted = b"\x05\x02\x01\x00\x05\x00\x00\x04abcdefghijklmnop\x00\x50";
        check(&named, accepted, Progress::HandedOver([20, 26]));
        check(&named, b"\x05\x02\x01\x01", Progress::Other);
    }

    #[test]
    fn version_4_and_4a() {
        let plain = b"\x04\x01\x00\x50\x0a\x00\x00\x01user\x00";
        let named = b"\x04\x01\x00\x50\x00\x00\x00\x01\x00example.org\x00";
        let reply = b"\x00\x5a\x00\x00\x00\x00\x00\x00";
        assert_eq!([begins(plain), begins(named), begins(&named[..12])], [Some(true), Some(true), None]);
        check(plain, reply, Progress::HandedOver([13, 8]));
        check(named, reply, Progress::HandedOver([21, 8]));
        check(named, &reply[..3], Progress::Open);
        check(named, b"\x05\x5a", Progress::Other);
    }
}
