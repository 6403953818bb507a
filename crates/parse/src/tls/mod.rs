//! TLS: records, handshakes and, where a key log gives the secrets, decryption (RFC 8446, RFC 5246, RFC 6066, RFC 7301).
//!
//! ```text
//! pieces ─► records ─► protection ─► messages ─► handshake (which secret, which keys)
//!                           └──────► content ─► a conversation of its own
//! ```
//!
//! What a connection says depends on nothing but its bytes and the key log: one whose secrets come late is read again from
//! the bytes held back.

mod connection;
mod content;
mod cursor;
mod direction;
mod early;
mod epochs;
mod facts;
mod handshake;
mod hash;
pub(crate) mod hello;
mod hold;
mod key;
pub(crate) mod keylog;
mod messages;
mod negotiation;
mod opaque;
mod prf;
mod protection;
mod reading;
mod records;
pub(crate) mod schedule;
mod suite;

pub(crate) use connection::{Connection, Waiting};
pub use keylog::{KeyLog, KeyLogNotes, Outlook, SecretLabel};
pub use opaque::{Security, TlsConnection, TlsVersion, Unread};

use self::records::Header;
use crate::http1::head::Side;

/// Content types (RFC 8446 §5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// Whether `bytes` begin with a record that holds a hello message, or with the old form of a ClientHello; `None` where
/// more bytes are needed to tell.
pub(crate) fn begins(bytes: &[u8]) -> Option<bool> {
    let fits: [fn(u8) -> bool; 6] =
        [|b| b == HANDSHAKE, |b| b == 3, |b| b <= 4, |b| b <= 0x40, |_| true, |b| matches!(b, 1 | 2)];
    match (matches(bytes, &fits), begins_old(bytes)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// Who sent the hello message at the start of `bytes`.
pub(crate) fn begun_by(bytes: &[u8]) -> Side {
    let is_server = bytes.first() == Some(&HANDSHAKE) && bytes.get(Header::LEN) == Some(&messages::kind::SERVER_HELLO);
    if is_server { Side::Server } else { Side::Client }
}

/// Whether `bytes` begin with a ClientHello in the form of SSL 2.0 that offers SSL 3.0 or newer (RFC 5246 §E.2).
fn begins_old(bytes: &[u8]) -> Option<bool> {
    // Length, message type, version, and three lengths of which the second is zero in a client that knows better.
    let fits: [fn(u8) -> bool; 11] = [
        |b| b & 0x80 != 0 && b & 0x7f <= 1,
        |_| true,
        |b| b == 1,
        |b| b == 3,
        |b| b <= 3,
        |b| b <= 1,
        |b| b % 3 == 0,
        |b| b == 0,
        |b| b == 0,
        |b| b == 0,
        |b| (16..=32).contains(&b),
    ];
    matches(bytes, &fits)
}

fn matches(bytes: &[u8], fits: &[fn(u8) -> bool]) -> Option<bool> {
    let matching = bytes.iter().zip(fits).all(|(byte, fits)| fits(*byte));
    match (matching, bytes.len() >= fits.len()) {
        (false, _) => Some(false),
        (true, true) => Some(true),
        (true, false) => None,
    }
}

/// Whether `bytes` look like the middle of a TLS connection: whole records of application data, one behind the other, and
/// perhaps the beginning of another.
pub(crate) fn continues(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(header) = rest.first_chunk() {
        let Some(header) = Header::read(header).filter(|header| header.kind == APPLICATION_DATA && header.len > 16)
        else {
            return false;
        };
        rest = rest.get(Header::LEN + header.len..).unwrap_or_default();
    }
    bytes.len() >= Header::LEN
        && rest.len() < Header::LEN
        && APPLICATION_DATA_START.starts_with(&rest[..rest.len().min(2)])
}

/// What every record of application data begins with.
const APPLICATION_DATA_START: [u8; 2] = [APPLICATION_DATA, 3];
