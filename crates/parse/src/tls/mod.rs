//! TLS as far as it can be seen without keys: hello messages, alerts and sizes (RFC 8446, RFC 5246, RFC 6066, RFC 7301).

pub(crate) mod hello;
mod opaque;

pub(crate) use opaque::Opaque;
pub use opaque::{TlsConnection, TlsVersion};

/// Content type of a handshake record (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// Content type of an alert record.
const ALERT: u8 = 21;

/// Whether `bytes` begin with a record that holds a hello message; `None` where more bytes are needed to tell.
pub(crate) fn begins(bytes: &[u8]) -> Option<bool> {
    let fits: [fn(u8) -> bool; 6] =
        [|b| b == HANDSHAKE, |b| b == 3, |b| b <= 4, |b| b <= 0x40, |_| true, |b| matches!(b, 1 | 2)];
    let matching = bytes.iter().zip(fits).all(|(byte, fits)| fits(*byte));
    match (matching, bytes.len() >= fits.len()) {
        (false, _) => Some(false),
        (true, true) => Some(true),
        (true, false) => None,
    }
}
