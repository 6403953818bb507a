//! Frame headers of HTTP/2 (RFC 9113 §4.1, §6), and what makes nine bytes one.

/// Bytes of a frame header.
pub(super) const HEADER: usize = 9;
/// The largest payload unless a peer asks for more (RFC 9113 §6.5.2, SETTINGS_MAX_FRAME_SIZE).
const USUAL_PAYLOAD: u32 = 1 << 14;

/// Frame types (RFC 9113 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Data,
    Headers,
    Priority,
    ResetStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// An extension.
    Other(u8),
}

impl Type {
    fn of(number: u8) -> Self {
        match number {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::ResetStream,
            4 => Self::Settings,
            5 => Self::PushPromise,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            other => Self::Other(other),
        }
    }
}

/// Flags (RFC 9113 §6); ACK shares its bit with END_STREAM.
pub(super) mod flag {
    pub(in crate::http2) const END_STREAM: u8 = 0x01;
    pub(in crate::http2) const ACK: u8 = 0x01;
    pub(in crate::http2) const END_HEADERS: u8 = 0x04;
    pub(in crate::http2) const PADDED: u8 = 0x08;
    pub(in crate::http2) const PRIORITY: u8 = 0x20;
}

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// Bytes of the payload.
    pub(super) length: u32,
    pub(super) kind: Type,
    pub(super) flags: u8,
    /// Whether the reserved bit is set, which nobody does.
    reserved: bool,
    pub(super) stream: u32,
}

impl FrameHeader {
    /// Reads nine bytes.
    pub(super) fn of(bytes: [u8; HEADER]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = bytes;
        let stream = u32::from_be_bytes(stream);
        Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind: Type::of(kind),
            flags,
            reserved: stream >> 31 != 0,
            stream: stream & (u32::MAX >> 1),
        }
    }

    /// The header at the start of `bytes`, where they hold one.
    pub(super) fn at(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().copied().map(Self::of)
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether it keeps the rules that end a connection when they are broken: which frames belong to a stream, and how
    /// long those of fixed length are. Where it does not, what is read is no frame header.
    pub(super) fn keeps_rules(&self) -> bool {
        let on_stream = self.stream != 0;
        match self.kind {
            Type::Data | Type::Headers | Type::Continuation => on_stream,
            Type::PushPromise => on_stream && self.length >= 4,
            Type::Priority => on_stream && self.length == 5,
            Type::ResetStream => on_stream && self.length == 4,
            Type::Settings => !on_stream && self.length.is_multiple_of(6) && (!self.has(flag::ACK) || self.length == 0),
            Type::Ping => !on_stream && self.length == 8,
            Type::GoAway => !on_stream && self.length >= 8,
            Type::WindowUpdate => self.length == 4,
            Type::Other(_) => true,
        }
    }

    /// Whether it looks as frame headers do in practice: enough to find them again after a loss.
    pub(super) fn is_usual(&self) -> bool {
        let flags = match self.kind {
            Type::Data => flag::END_STREAM | flag::PADDED,
            Type::Headers => flag::END_STREAM | flag::END_HEADERS | flag::PADDED | flag::PRIORITY,
            Type::Settings | Type::Ping => flag::ACK,
            Type::PushPromise => flag::END_HEADERS | flag::PADDED,
            Type::Continuation => flag::END_HEADERS,
            Type::Priority | Type::ResetStream | Type::GoAway | Type::WindowUpdate => 0,
            Type::Other(_) => return false,
        };
        self.keeps_rules() && self.length <= USUAL_PAYLOAD && self.flags & !flags == 0 && !self.reserved
    }
}

/// How frame headers stand in some bytes.
pub(super) struct Run {
    /// Headers, one behind the other's payload.
    pub(super) count: usize,
    /// Whether the last payload ends where the bytes end.
    pub(super) exact: bool,
}

/// Walks the frames that `bytes` begin with; `None` where they do not look like frames. `visit` sees each header and as
/// much of its payload as there is.
pub(super) fn run(bytes: &[u8], mut visit: impl FnMut(FrameHeader, &[u8])) -> Option<Run> {
    let mut rest = bytes;
    let mut count = 0;
    while let Some(header) = FrameHeader::at(rest) {
        if !header.is_usual() {
            return None;
        }
        count += 1;
        let payload = &rest[HEADER..];
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        visit(header, &payload[..length.min(payload.len())]);
        let Some(after) = payload.get(length..) else { return Some(Run { count, exact: false }) };
        rest = after;
    }
    (count > 0).then_some(Run { count, exact: rest.is_empty() })
}
