//! Oddities of an input: data about the capture, never a reason to stop.

use crate::exchange::Locator;
use serde::{Deserialize, Serialize};

/// One oddity and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What was odd.
    pub kind: AnomalyKind,
    /// Where, if it belongs to one place of the input.
    pub at: Option<Locator>,
}

/// Every oddity that a parser may report, each with one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AnomalyKind {
    /// The input ends in the middle of a record; everything before it was read.
    Truncated,
    /// An entry is not valid JSON or not an object; it was skipped.
    UnreadableEntry,
    /// An entry has no usable request URL; it was skipped.
    EntryWithoutUrl,
    /// The URL's scheme is not HTTP or WebSocket (`data:`, `blob:`, an extension); it was skipped.
    NotHttp,
    /// A date could not be read; the exchange has no time.
    UnreadableDate,
    /// A field had another type than HAR 1.2 gives it and was read all the same.
    OddType,
    /// An entry is larger than the reader keeps; it was skipped.
    OversizedEntry,
    /// A body is stored in a side file that was not given.
    BodyInSideFile,
    /// A body could not be decoded with its stated encoding.
    UndecodableBody,
    /// Text before or after the JSON document was ignored (byte-order mark, JSONP wrapper, guard prefix).
    WrappedDocument,
    /// Bytes that are not UTF-8, half a surrogate pair or a raw control character in a string were replaced.
    InvalidUtf8,
    /// The compressed input is damaged; everything before the damage was read.
    DamagedCompression,
    /// The compressed input unpacks to more than the reader accepts; everything before the limit was read.
    DecompressionLimit,
    /// Reading the input failed in the middle; everything before the failure was read.
    ReadFailed,
    /// A message's head was not captured as a whole; what it holds may be more than what was read.
    HeadCut,
    /// Part of a body was not captured.
    BodyCut,
    /// A message's head is not well formed; it was read as well as can be.
    MalformedHead,
    /// A response whose request was not captured; it gives no exchange.
    ResponseWithoutRequest,
    /// The answer to this request was on the wire, and was not captured or could not be decoded.
    ResponseLost,
    /// Only one direction of a connection was captured.
    OneSidedConnection,
    /// More bytes waited for missing ones than are kept; what was missing was given up early.
    ReassemblyLimit,
    /// More connections, or requests on one of them, were open at a time than are kept; the oldest was ended early.
    ConnectionLimit,
    /// A line of a key log in the capture is none; it was skipped.
    MalformedKeyLog,
    /// More encrypted bytes waited for their keys than are kept; those of a connection were given up.
    UndecryptedLimit,
    /// Header fields refer to a part of an HTTP/2 connection that was not captured; which fields they are is unknown.
    UndecodedFields,
    /// Either end reset the HTTP/2 stream, or refused it, before the exchange was complete.
    StreamReset,
    /// The server pushed this answer (RFC 9113 §8.4): the client never sent the request.
    ServerPush,
    /// What should be frames of HTTP/2 is none, or breaks their rules; reading goes on where frames stand again.
    OutOfStep,
    /// The answer to a WebSocket handshake does not fit it: a wrong accept key, or a subprotocol or an extension that was
    /// not offered (RFC 6455 §4.1).
    WebSocketHandshakeMismatch,
    /// The length of a packet record cannot be right; everything before it was read, nothing behind it.
    CorruptRecord,
    /// A pcapng block states two lengths; the first was believed.
    BlockLengthsDiffer,
    /// A packet block claims more captured bytes than it holds; it was skipped.
    BrokenPacketBlock,
    /// A frame came from an interface that its section does not describe; it was skipped.
    UndescribedInterface,
    /// A capture describes more interfaces, names or secrets than the reader keeps; the rest was skipped.
    CaptureNotesLimit,
    /// Frames start with a link-layer header of a kind that is not read; they were skipped.
    UnknownLinkType,
    /// The snap length cut frames within their headers; they were skipped.
    CutHeader,
    /// Headers of some frames contradict themselves; they were skipped.
    MalformedHeader,
    /// Fragments of IP packets never found the rest of their packet; they were skipped.
    DroppedFragments,
}

impl AnomalyKind {
    /// Stable kebab-case name, used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::UnreadableEntry => "unreadable-entry",
            Self::EntryWithoutUrl => "entry-without-url",
            Self::NotHttp => "not-http",
            Self::UnreadableDate => "unreadable-date",
            Self::OddType => "odd-type",
            Self::OversizedEntry => "oversized-entry",
            Self::BodyInSideFile => "body-in-side-file",
            Self::UndecodableBody => "undecodable-body",
            Self::WrappedDocument => "wrapped-document",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::DamagedCompression => "damaged-compression",
            Self::DecompressionLimit => "decompression-limit",
            Self::ReadFailed => "read-failed",
            Self::HeadCut => "head-cut",
            Self::BodyCut => "body-cut",
            Self::MalformedHead => "malformed-head",
            Self::ResponseWithoutRequest => "response-without-request",
            Self::ResponseLost => "response-lost",
            Self::OneSidedConnection => "one-sided-connection",
            Self::ReassemblyLimit => "reassembly-limit",
            Self::ConnectionLimit => "connection-limit",
            Self::MalformedKeyLog => "malformed-key-log",
            Self::UndecryptedLimit => "undecrypted-limit",
            Self::UndecodedFields => "undecoded-fields",
            Self::StreamReset => "stream-reset",
            Self::ServerPush => "server-push",
            Self::OutOfStep => "out-of-step",
            Self::WebSocketHandshakeMismatch => "websocket-handshake-mismatch",
            Self::CorruptRecord => "corrupt-record",
            Self::BlockLengthsDiffer => "block-lengths-differ",
            Self::BrokenPacketBlock => "broken-packet-block",
            Self::UndescribedInterface => "undescribed-interface",
            Self::CaptureNotesLimit => "capture-notes-limit",
            Self::UnknownLinkType => "unknown-link-type",
            Self::CutHeader => "cut-header",
            Self::MalformedHeader => "malformed-header",
            Self::DroppedFragments => "dropped-fragments",
        }
    }
}
