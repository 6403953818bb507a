//! One direction of a TLS connection cut into records (RFC 8446 §5.1), and the way back into step after a gap.

use super::protection::Sealed;

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) version: u16,
    pub(super) len: usize,
}

impl Header {
    pub(super) const LEN: usize = 5;
    /// The longest body: TLS 1.2 allows 2^14 bytes and 2048 more for what protection adds (RFC 5246 §6.2.3).
    const MOST: usize = (1 << 14) + 2048;

    /// The header at the start of `bytes`, which hold one; `None` where it can be none.
    pub(super) fn read(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let &[kind, major, minor, high, low] = bytes;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let fits = (20..=24).contains(&kind) && major == 3 && minor <= 4 && len <= Self::MOST;
        fits.then_some(Self { kind, version: u16::from_be_bytes([major, minor]), len })
    }
}

/// What comes next in a direction.
pub(super) enum Next<'a> {
    /// More bytes are needed.
    Wait,
    /// A record.
    Record(Sealed<'a>),
    /// A record whose body nobody wants.
    Unwanted(Header),
    /// The first message of a client that would speak SSL 2.0, too, without its header (RFC 5246 §E.2).
    OldHello(&'a [u8]),
    /// Out of step: what may be a record, with the bytes that went by since the last one. It waits for
    /// [`Records::accept`] or [`Records::reject`].
    Candidate(Sealed<'a>, u64),
    /// Out of step: what stands here is no record.
    Nonsense,
}

/// Cuts one direction into records.
#[derive(Default)]
pub(super) struct Records {
    buffer: Vec<u8>,
    /// Where the next record begins in `buffer`.
    at: usize,
    /// Bytes of a record's body that go by unread.
    skip: u64,
    begun: bool,
    /// Out of step, for so many bytes.
    lost: Option<u64>,
}

impl Records {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= skipped as u64;
        self.buffer.extend_from_slice(&bytes[skipped..]);
    }

    /// `len` bytes are missing. Where they all belong to one record, its header is returned, and it is passed over;
    /// else the direction is out of step.
    pub(super) fn gap(&mut self, len: u64) -> Option<Header> {
        if self.lost.is_none() && self.skip >= len {
            self.skip -= len;
            return None;
        }
        let there = &self.buffer[self.at..];
        let whole = there.first_chunk().and_then(Header::read).filter(|_| self.lost.is_none() && self.skip == 0);
        let left = whole.map_or(0, |header| (Header::LEN + header.len).saturating_sub(there.len()) as u64);
        if left >= len && whole.is_some() {
            self.skip = left - len;
            self.forget();
            return whole;
        }
        self.lost = Some(self.lost.unwrap_or(0) + there.len() as u64 + len - self.skip);
        self.skip = 0;
        self.forget();
        None
    }

    /// Out of step: the bytes that went by since the last record.
    pub(super) fn lost(&self) -> Option<u64> {
        self.lost
    }

    /// What comes next. The body of a record is gathered only where `wanted`.
    pub(super) fn next(&mut self, wanted: impl Fn(&Header) -> bool) -> Next<'_> {
        if let Some(lost) = self.lost {
            return self.search(lost);
        }
        if !self.begun && self.is_old_hello() {
            return self.old_hello();
        }
        let Some(header) = self.buffer[self.at..].first_chunk() else { return Next::Wait };
        let Some(header) = Header::read(header) else {
            self.lost = Some(0);
            return Next::Nonsense;
        };
        self.begun = true;
        let body = self.at + Header::LEN;
        let end = body + header.len;
        if end > self.buffer.len() {
            if wanted(&header) {
                return Next::Wait;
            }
            self.skip = (end - self.buffer.len()) as u64;
            self.forget();
            return Next::Unwanted(header);
        }
        self.at = end;
        Next::Record(Sealed { kind: header.kind, version: header.version, body: &self.buffer[body..end] })
    }

    /// The candidate is a record.
    pub(super) fn accept(&mut self) {
        let header = self.buffer[self.at..].first_chunk().and_then(Header::read);
        self.at += header.map_or(0, |header| Header::LEN + header.len);
        self.lost = None;
    }

    /// The candidate is none.
    pub(super) fn reject(&mut self) {
        self.at += 1;
        self.lost = self.lost.map(|lost| lost + 1);
    }

    /// Drops what is there: nothing more will be asked for.
    pub(super) fn forget(&mut self) {
        self.buffer = Vec::new();
        self.at = 0;
    }

    /// Steps to the next place that looks like a record.
    fn search(&mut self, lost: u64) -> Next<'_> {
        let there = &self.buffer[self.at..];
        let looks_right = |bytes: &[u8; Header::LEN]| Header::read(bytes).filter(|header| header.len > 0);
        let mut places = there.windows(Header::LEN);
        let found = places.position(|bytes| bytes.first_chunk().and_then(looks_right).is_some());
        // The last bytes may begin a header.
        let passed = found.unwrap_or_else(|| there.len().saturating_sub(Header::LEN - 1));
        let lost = lost + passed as u64;
        self.at += passed;
        self.lost = Some(lost);
        let there = &self.buffer[self.at..];
        let Some(header) = there.first_chunk().and_then(looks_right) else { return Next::Wait };
        match there.get(Header::LEN..Header::LEN + header.len) {
            Some(body) => Next::Candidate(Sealed { kind: header.kind, version: header.version, body }, lost),
            None => Next::Wait,
        }
    }

    fn is_old_hello(&self) -> bool {
        super::begins_old(&self.buffer[self.at..]) == Some(true)
    }

    fn old_hello(&mut self) -> Next<'_> {
        let Some(&[high, low]) = self.buffer[self.at..].first_chunk() else { return Next::Wait };
        let body = self.at + 2;
        let end = body + usize::from(u16::from_be_bytes([high & 0x7f, low]));
        if end > self.buffer.len() {
            return Next::Wait;
        }
        self.begun = true;
        self.at = end;
        Next::OldHello(&self.buffer[body..end])
    }
}
