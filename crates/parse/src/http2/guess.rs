//! Whether a connection whose start was not captured speaks HTTP/2. Cautious: frame headers that follow each other are not
//! enough, one of the frames must hold the head of a message that decodes to what real peers send.

use super::{
    fields::Fields,
    frame::{self, FrameHeader, Run, Type, flag},
    hpack::Decoder,
};
use crate::http1::head::Side;

/// Which side sent `bytes`, if they are frames of HTTP/2.
pub(crate) fn midway(bytes: &[u8]) -> Option<Side> {
    let mut sender = None;
    let run = frame::run(bytes, |header, payload| sender = sender.or_else(|| head_of(header, payload)))?;
    let Run { count, exact } = run;
    sender.filter(|_| exact || count >= 2)
}

/// Whether `bytes` may be the start of what a server says first: SETTINGS (RFC 9113 §3.4).
pub(crate) fn may_be_settings(bytes: &[u8]) -> bool {
    match FrameHeader::at(bytes) {
        Some(header) => header.kind == Type::Settings && header.is_usual() && !header.has(flag::ACK),
        None => [0, 0].starts_with(&bytes[..bytes.len().min(2)]) && bytes.get(3).is_none_or(|kind| *kind == 4),
    }
}

/// Who sends messages with a head such as the one in this frame.
fn head_of(header: FrameHeader, payload: &[u8]) -> Option<Side> {
    let whole = usize::try_from(header.length).is_ok_and(|length| length == payload.len());
    if header.kind != Type::Headers || !whole || !header.has(flag::END_HEADERS) || header.has(flag::PADDED) {
        return None;
    }
    let block = if header.has(flag::PRIORITY) { payload.get(5..)? } else { payload };
    let mut decoder = Decoder::new();
    decoder.forget();
    let request = Fields::decode(&mut decoder, block, false).sender_is_client()?;
    Some(if request { Side::Client } else { Side::Server })
}
