//! Integers of HPACK (RFC 7541 §5.1): a prefix of some bits, and more bytes for what does not fit.

use super::Trouble;

/// The largest integer that means anything: no table, string or block is longer than this.
const MOST: usize = 1 << 30;

/// Reads an integer with a prefix of `bits` bits; gives it and what follows it.
pub(super) fn read(bytes: &[u8], bits: u8) -> Result<(usize, &[u8]), Trouble> {
    let mask = (1_u8 << bits) - 1;
    let (first, mut rest) = bytes.split_first().ok_or(Trouble::Ended)?;
    let mut value = usize::from(first & mask);
    if value < usize::from(mask) {
        return Ok((value, rest));
    }
    let mut shift = 0;
    loop {
        let (byte, after) = rest.split_first().ok_or(Trouble::Ended)?;
        rest = after;
        // Five bytes of seven bits reach beyond the limit; more may only be padding, which nobody needs.
        if shift > 28 {
            return Err(Trouble::Wrong);
        }
        value += usize::from(byte & 0x7f) << shift;
        shift += 7;
        if value > MOST {
            return Err(Trouble::Wrong);
        }
        if byte & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
}
