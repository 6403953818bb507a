//! The tables that HPACK indexes (RFC 7541 §2.3): the static one, and the dynamic one with what is unknown of it.
//!
//! An index counts from the newest entry, so what was inserted before the capture began shifts nothing: entries that are
//! known keep their places, and the places behind them are known to be unknown.

use std::{collections::VecDeque, sync::Arc};

/// RFC 7541 appendix A; index 1 is the first.
#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
    ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""),
    ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""),
    ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""),
    ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""),
    ("www-authenticate", ""),
];

/// What an entry takes beside its text (RFC 7541 §4.1).
const OVERHEAD: usize = 32;

/// A field's name, shared by all entries that have it.
#[derive(Clone)]
pub(super) enum Name {
    Static(&'static str),
    Literal(Arc<[u8]>),
    /// It refers to an entry that is unknown.
    Unknown,
}

impl Name {
    /// The name, unless it is unknown.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Static(name) => Some(name.as_bytes()),
            Self::Literal(name) => Some(name),
            Self::Unknown => None,
        }
    }
}

struct Entry {
    name: Name,
    value: Box<[u8]>,
}

impl Entry {
    /// Its size; the least that it may be, where the name is unknown.
    fn size(&self) -> usize {
        self.name.bytes().map_or(0, <[u8]>::len) + self.value.len() + OVERHEAD
    }
}

/// What an index stands for.
pub(super) enum Found<'t> {
    Known(Name, &'t [u8]),
    /// An entry that was inserted before the capture began, in a part that was lost, or that was too large to keep.
    Unknown,
}

/// A dynamic table and the static one in front of it.
pub(super) struct Table {
    /// Newest first.
    entries: VecDeque<Entry>,
    size: usize,
    /// Most bytes that the encoder uses.
    limit: usize,
    /// Whether there may be entries behind those that are known.
    unknown_past: bool,
}

impl Table {
    /// Bytes kept of one table, whatever the peers agreed on. Browsers use 64 KiB, most others 4 KiB.
    pub(super) const KEPT: usize = 64 * 1024;
    /// The size that both peers start with (RFC 9113 §6.5.2).
    pub(super) const INITIAL: usize = 4096;

    /// The empty table of a connection's start.
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), size: 0, limit: Self::INITIAL, unknown_past: false }
    }

    /// What was inserted so far is unknown, and so is the limit. To keep an entry too long is harmless: nobody refers
    /// to it.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
        self.size = 0;
        self.limit = Self::KEPT;
        self.unknown_past = true;
    }

    /// What `index` stands for; `None` where it stands for nothing.
    pub(super) fn get(&self, index: usize) -> Option<Found<'_>> {
        let at = index.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(at) {
            return Some(Found::Known(Name::Static(name), value.as_bytes()));
        }
        match self.entries.get(at - STATIC.len()) {
            Some(entry) => Some(Found::Known(entry.name.clone(), &entry.value)),
            None => self.unknown_past.then_some(Found::Unknown),
        }
    }

    /// Inserts an entry; older ones make room (RFC 7541 §4.4).
    pub(super) fn insert(&mut self, name: Name, value: &[u8]) {
        let entry = Entry { name, value: value.into() };
        self.size += entry.size();
        self.entries.push_front(entry);
        self.evict();
    }

    /// Inserts an entry of which nothing is known but that it is there.
    pub(super) fn insert_unknown(&mut self) {
        self.insert(Name::Unknown, &[]);
    }

    /// The encoder uses at most `limit` bytes from here on (RFC 7541 §4.3). After a limit of 0 nothing is unknown.
    pub(super) fn resize(&mut self, limit: usize) {
        self.limit = limit;
        self.evict();
        if limit == 0 {
            self.unknown_past = false;
        }
    }

    fn evict(&mut self) {
        let kept = self.limit.min(Self::KEPT);
        while self.size > kept {
            let Some(entry) = self.entries.pop_back() else { return };
            self.size -= entry.size();
            // The peers still have what is only too large for us.
            self.unknown_past |= self.size + entry.size() <= self.limit;
        }
    }
}
