//! Facts that leave memory for a while: written out as a whole, with the secrets that they hold, and readable to nobody but
//! the process that wrote them.
//!
//! Values that are still held cannot be serialised, here as anywhere: they are taken out of the credentials first and stand
//! behind them as mere bytes, in a buffer that is sealed before it leaves this module and wiped in any case.

use std::io::{self, Write};

use authtrace_parse::Secret;
use chacha20poly1305::{AeadInOut as _, ChaCha20Poly1305, KeyInit as _, Nonce, Tag};
use serde::{Deserialize, Serialize};
use snap::raw::{Decoder, Encoder};
use zeroize::Zeroizing;

use crate::{
    stored::{KeysTried, Part, StoredFact},
    tokens::Token,
};

/// Bytes of the tag that shows that a part is the one that was sealed.
const TAG: usize = 16;

/// Seals parts and opens them again, by a key that nobody else has.
pub struct Seal {
    cipher: ChaCha20Poly1305,
    /// Parts sealed so far: no number, and so no nonce, comes twice.
    sealed: u64,
}

/// A part that only its [`Seal`] can open.
pub struct Sealed {
    number: u64,
    bytes: Vec<u8>,
}

impl Sealed {
    /// What may be written anywhere.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its number, under which it is opened.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// Everything of a part that is no secret, as it is written.
#[derive(Serialize)]
struct Rows<'p> {
    facts: &'p [StoredFact],
    tokens: &'p [Token],
    keys: &'p KeysTried,
}

/// The same as it is read.
#[derive(Deserialize)]
struct OwnRows {
    facts: Vec<StoredFact>,
    tokens: Vec<Token>,
    keys: KeysTried,
}

impl Seal {
    /// With `key`, which has to be random and used for nothing else.
    pub fn new(key: &Zeroizing<[u8; 32]>) -> Self {
        Self { cipher: ChaCha20Poly1305::new((&**key).into()), sealed: 0 }
    }

    /// Seals `part`; `None` where it cannot be written, which no part that was drawn gives rise to.
    pub fn seal(&mut self, part: Part) -> Option<Sealed> {
        let plain = written(part)?;
        // Sealed where it lies: nothing of what it was is left.
        let mut bytes = Encoder::new().compress_vec(&plain.0).ok()?;
        let number = self.sealed;
        let tag = self.cipher.encrypt_inout_detached(&nonce(number), &[], bytes.as_mut_slice().into()).ok()?;
        self.sealed += 1;
        bytes.extend_from_slice(&tag);
        Some(Sealed { number, bytes })
    }

    /// Opens the part of this `number`; `None` where these are not the bytes that it was.
    pub fn open(&self, number: u64, bytes: Vec<u8>) -> Option<Part> {
        let mut bytes = Zeroizing::new(bytes);
        let end = bytes.len().checked_sub(TAG)?;
        let (content, tag) = bytes.split_at_mut(end);
        let tag = Tag::try_from(&*tag).ok()?;
        self.cipher.decrypt_inout_detached(&nonce(number), &[], (&mut *content).into(), &tag).ok()?;
        let plain = Zeroizing::new(Decoder::new().decompress_vec(content).ok()?);
        read(&plain)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = Nonce::default();
    nonce.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, number)| *byte = number);
    nonce
}

/// Bytes that grow and leave no copy behind when they do.
#[derive(Default)]
struct Wiped(Zeroizing<Vec<u8>>);

impl Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `part` as bytes: its rows, then the secrets of each credential in turn.
fn written(mut part: Part) -> Option<Wiped> {
    let secrets: Vec<_> = part.tokens.iter_mut().map(Token::take_secrets).collect();
    let rows = Rows { facts: &part.facts, tokens: &part.tokens, keys: &part.keys };
    let mut plain = postcard::to_io(&rows, Wiped::default()).ok()?;
    for secret in secrets.iter().flatten() {
        write_secret(secret.as_ref(), &mut plain).ok()?;
    }
    Some(plain)
}

fn read(plain: &[u8]) -> Option<Part> {
    let (OwnRows { facts, mut tokens, keys }, mut rest) = postcard::take_from_bytes(plain).ok()?;
    for token in &mut tokens {
        let mut secrets: [Option<Secret>; Token::SECRETS] = Default::default();
        for secret in &mut secrets {
            *secret = read_secret(&mut rest)?;
        }
        token.put_back(secrets);
    }
    Some(Part { facts, tokens, keys })
}

/// A secret is its length plus one and its bytes; 0 where there is none.
fn write_secret(secret: Option<&Secret>, to: &mut Wiped) -> io::Result<()> {
    let Some(secret) = secret else { return to.write_all(&0u64.to_le_bytes()) };
    to.write_all(&(secret.len() as u64 + 1).to_le_bytes())?;
    to.write_all(secret.expose().as_bytes())
}

/// The next secret of `from`, where there is one; `None` where `from` ends too early.
#[expect(clippy::option_option, reason = "the bytes may end, and there may be no secret")]
fn read_secret(from: &mut &[u8]) -> Option<Option<Secret>> {
    let (length, rest) = from.split_first_chunk()?;
    *from = rest;
    let Some(length) = u64::from_le_bytes(*length).checked_sub(1) else { return Some(None) };
    let (text, rest) = from.split_at_checked(usize::try_from(length).ok()?)?;
    *from = rest;
    Some(Some(Secret::new(std::str::from_utf8(text).ok()?)))
}
