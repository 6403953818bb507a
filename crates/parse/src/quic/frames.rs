//! Frames of an Initial packet: of the few that it may hold, CRYPTO matters (RFC 9000 §12.4, §19).

use super::packet::Reader;

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_WITH_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;

/// A piece of the handshake.
pub(super) struct Crypto<'a> {
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

/// The CRYPTO frames in `bytes`, up to the first frame that an Initial packet cannot hold or that ends the connection.
pub(super) fn crypto(bytes: &[u8]) -> impl Iterator<Item = Crypto<'_>> {
    let mut reader = Reader { bytes, at: 0 };
    std::iter::from_fn(move || {
        loop {
            match reader.varint()? {
                PADDING | PING => {}
                kind @ (ACK | ACK_WITH_ECN) => skip_ack(&mut reader, kind == ACK_WITH_ECN)?,
                CRYPTO => {
                    let offset = reader.varint()?;
                    let length = usize::try_from(reader.varint()?).ok()?;
                    return Some(Crypto { offset, bytes: reader.take(length)? });
                }
                _ => return None,
            }
        }
    })
}

/// Largest acknowledged, delay, number of further ranges, first range; then the ranges, then three ECN counts.
fn skip_ack(reader: &mut Reader<'_>, ecn: bool) -> Option<()> {
    reader.varint()?;
    reader.varint()?;
    let ranges = reader.varint()?;
    reader.varint()?;
    for _ in 0..ranges {
        reader.varint()?;
        reader.varint()?;
    }
    for _ in 0..if ecn { 3 } else { 0 } {
        reader.varint()?;
    }
    Some(())
}
