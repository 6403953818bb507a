//! Messages as HTTP/2 frames with prior knowledge (RFC 9113): every field literal and unindexed (RFC 7541 §6.2.2), so that
//! no frame depends on another.

use authtrace_parse::Kind;

use super::{
    flow::Flow,
    message::{Fields, Message},
    websocket,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// SETTINGS_ENABLE_CONNECT_PROTOCOL = 1 (RFC 8441 §3).
const ENABLE_CONNECT: [u8; 6] = [0, 8, 0, 0, 0, 1];
/// Bytes of one frame that every peer takes (RFC 9113 §4.2).
const FRAME: usize = 16_384;

/// Who says what when.
type Said = (i64, bool, Vec<u8>);

/// Says every exchange of a connection, interleaved as they were.
pub(super) fn say(messages: &[&Message], flow: &mut Flow) {
    let begin = messages.first().map_or(0, |message| message.at);
    flow.say(true, begin, &[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
    flow.say(false, begin, &frame(SETTINGS, 0, 0, &ENABLE_CONNECT));
    let mut said: Vec<Said> = Vec::new();
    for (index, message) in (0_u32..).zip(messages) {
        exchange(message, message.stream.filter(|stream| stream % 2 == 1).unwrap_or(2 * index + 1), &mut said);
    }
    // Stable: what one stream says at one time stays in order.
    said.sort_by_key(|(at, ..)| *at);
    for (at, from_client, bytes) in said {
        flow.say(from_client, at, &bytes);
    }
}

fn exchange(message: &Message, stream: u32, said: &mut Vec<Said>) {
    let socket = message.kind == Kind::WebSocket;
    let method = if socket { "CONNECT" } else { &message.method };
    let mut fields: Vec<(&str, &str)> = vec![(":method", method), (":authority", &message.authority)];
    if socket {
        fields.push((":protocol", "websocket"));
    }
    if socket || message.method != "CONNECT" {
        fields.extend([(":scheme", message.scheme), (":path", message.target.as_str())]);
    }
    fields.extend(pairs(&message.asked));
    said.push((message.at, true, section(stream, &fields, message.asked_body.is_empty() && !socket)));
    data(stream, true, message.at, &message.asked_body, !socket, said);
    let Some(answer) = &message.answer else { return };
    let status = answer.status.to_string();
    let mut fields = vec![(":status", status.as_str())];
    fields.extend(pairs(&answer.fields));
    let open = socket || !answer.trailers.is_empty();
    said.push((answer.first_byte, false, section(stream, &fields, answer.body.is_empty() && !open)));
    data(stream, false, answer.ended, &answer.body, !open, said);
    if let Some(talk) = message.websocket.as_ref().filter(|_| socket) {
        websocket::say(talk, answer.first_byte, &mut |from_client, at, bytes| {
            data(stream, from_client, at, bytes, false, said)
        });
    } else if !answer.trailers.is_empty() {
        said.push((answer.ended, false, section(stream, &pairs(&answer.trailers).collect::<Vec<_>>(), true)));
    }
}

/// Fields, but for those that say how the body was framed or coded, and those that HTTP/2 forbids.
fn pairs(fields: &Fields) -> impl Iterator<Item = (&str, &str)> {
    let said_anew = ["content-length", "content-encoding", "transfer-encoding", "connection"];
    fields
        .iter()
        .filter(move |(name, _)| !name.starts_with(':') && !said_anew.contains(&name.as_str()))
        .map(|(n, v)| (n.as_str(), v.as_str()))
}

/// A field section in as many frames as it needs.
fn section(stream: u32, fields: &[(&str, &str)], last: bool) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        string(&mut block, name);
        string(&mut block, value);
    }
    let mut out = Vec::new();
    let count = block.len().div_ceil(FRAME).max(1);
    for (index, part) in block.chunks(FRAME).enumerate() {
        let kind = if index == 0 { HEADERS } else { CONTINUATION };
        let ends = if index + 1 == count { END_HEADERS } else { 0 } | if index == 0 && last { END_STREAM } else { 0 };
        out.extend(frame(kind, ends, stream, part));
    }
    out
}

/// A string of HPACK without Huffman code (RFC 7541 §5.2).
fn string(block: &mut Vec<u8>, text: &str) {
    let mut rest = text.len();
    if rest < 127 {
        block.push(rest as u8);
    } else {
        block.push(127);
        rest -= 127;
        while rest >= 128 {
            block.push((rest % 128) as u8 | 128);
            rest /= 128;
        }
        block.push(rest as u8);
    }
    block.extend(text.as_bytes());
}

fn data(stream: u32, from_client: bool, at: i64, body: &[u8], last: bool, said: &mut Vec<Said>) {
    let count = body.len().div_ceil(FRAME);
    for (index, part) in body.chunks(FRAME).enumerate() {
        let flags = if last && index + 1 == count { END_STREAM } else { 0 };
        said.push((at, from_client, frame(DATA, flags, stream, part)));
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}
