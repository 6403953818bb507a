//! Decryption Secrets Blocks, and a first look through a file for those that stand behind what they decrypt.

use std::io::{self, BufReader, Read, Seek};

use zeroize::Zeroizing;

use super::{HEADER, MOST_BLOCK, MOST_SECRETS, SECRETS, SECTION, TRAILER, byte_order};
use crate::packets::order::Order;

/// The body of a Decryption Secrets Block. It holds keys: there is no way to print it.
pub struct DecryptionSecrets {
    /// Secrets type; `0x544c_534b` is a TLS key log.
    pub kind: u32,
    bytes: Zeroizing<Box<[u8]>>,
}

impl DecryptionSecrets {
    /// Secrets type of a TLS key log, "TLSK".
    pub const TLS_KEY_LOG: u32 = 0x544c_534b;

    /// Reads the body of a block.
    pub(super) fn read(order: Order, body: &[u8]) -> Self {
        let stored = order.u32(body, 4) as usize;
        let all = body.get(8..).unwrap_or_default();
        let bytes = Zeroizing::new(all[..stored.min(all.len())].into());
        Self { kind: order.u32(body, 0), bytes }
    }

    /// The secrets as they were stored, without padding: for decryption, never for output.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes read at a time: the headers of small packets lie close together, and what lies between large ones is skipped.
const WINDOW: usize = 64 << 10;

/// Every Decryption Secrets Block of a pcapng, found by its block headers alone. A file that is broken, or that cannot be
/// read, gives those in front of the fault.
pub(in crate::packets) fn find_secrets(file: impl Read + Seek) -> Vec<DecryptionSecrets> {
    let mut found = Vec::new();
    // Whoever reads the file for good says what is wrong with it.
    let _ = walk(BufReader::with_capacity(WINDOW, file), &mut found);
    found
}

fn walk(mut file: BufReader<impl Read + Seek>, found: &mut Vec<DecryptionSecrets>) -> io::Result<()> {
    let mut order = Order::Little;
    let mut room = MOST_SECRETS;
    loop {
        let mut head = [0; HEADER + TRAILER];
        file.read_exact(&mut head)?;
        let kind = order.u32(&head, 0);
        if kind == SECTION {
            let Some(stored) = byte_order(&head[HEADER..]) else { return Ok(()) };
            order = stored;
        }
        let size = order.u32(&head, 4);
        if size < (HEADER + TRAILER) as u32 || !size.is_multiple_of(4) {
            return Ok(());
        }
        let left = i64::from(size) - head.len() as i64;
        let body = size as usize - HEADER - TRAILER;
        if kind != SECRETS || size > MOST_BLOCK || body > room {
            file.seek_relative(left)?;
            continue;
        }
        room -= body;
        let mut block = Zeroizing::new(Vec::new());
        // No more is allocated than is there.
        file.by_ref().take(left.unsigned_abs()).read_to_end(&mut block)?;
        let body = Zeroizing::new([&head[HEADER..], &block].concat());
        found.push(DecryptionSecrets::read(order, &body[..body.len().saturating_sub(TRAILER)]));
    }
}
