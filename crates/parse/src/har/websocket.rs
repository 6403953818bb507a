//! `_webSocketMessages`: Chrome's and Playwright's record of what followed a WebSocket handshake.

use base64::Engine;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{date, lenient::Scalar, unescape};
use crate::{
    secret::Secret,
    websocket::{Message, WebSocket},
};

record! {
    /// One message; `time` counts seconds in Chrome and milliseconds in Playwright.
    Wire {
        kind: Scalar<'de> = "type",
        time: Scalar<'de> = "time",
        opcode: Scalar<'de> = "opcode",
        data: Option<&'de RawValue> = "data",
        code: Scalar<'de> = "code",
    }
}

/// Opcodes (RFC 6455 §11.8): a text message; a close frame, and the pings and pongs that no message holds.
const TEXT: f64 = 1.0;
const CLOSE: f64 = 8.0;

/// What an entry's messages say.
#[derive(Default)]
pub(super) struct Record {
    pub(super) websocket: WebSocket,
    /// Text of a message of type `error`: the browser's words, not the server's.
    pub(super) error: Option<Box<str>>,
}

/// Reads the messages; what cannot be read is left out.
pub(super) fn read(raw: Option<&RawValue>) -> Record {
    let mut record = Record::default();
    if let Some(raw) = raw {
        // An error stops the list; what stands before it counts.
        let _ = serde::Deserializer::deserialize_seq(
            &mut serde_json::Deserializer::from_str(raw.get()),
            Messages(&mut record),
        );
    }
    record
}

/// The status in `Error during WebSocket handshake: Unexpected response code: 403`.
pub(super) fn refused_with(error: &str) -> Option<u16> {
    let (_, after) = error.split_once("response code: ")?;
    let digits = after.get(..3)?.parse().ok()?;
    (100..=599).contains(&digits).then_some(digits)
}

struct Messages<'r>(&'r mut Record);

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("messages")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(wire) = seq.next_element::<Wire<'de>>()? {
            take(self.0, &wire);
        }
        Ok(())
    }
}

/// Codes that a close frame may hold (RFC 6455 §7.4.2).
const CODES: std::ops::RangeInclusive<u16> = 1000..=4999;

/// The code of a close frame's payload (RFC 6455 §5.5.1): two bytes, which recorders write as characters or in base64, or
/// the number in digits.
fn close_code(payload: &str) -> Option<u16> {
    let digits = payload.get(..4).and_then(|start| start.parse().ok());
    let mut characters = payload.chars().map(|c| u8::try_from(u32::from(c)).ok());
    let mut raw = || Some(u16::from_be_bytes([characters.next()??, characters.next()??]));
    let encoded = || {
        let bytes = base64::engine::general_purpose::STANDARD.decode(payload).ok()?;
        Some(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]))
    };
    digits.or_else(|| raw().filter(|code| CODES.contains(code))).or_else(encoded).filter(|code| CODES.contains(code))
}

fn take(record: &mut Record, wire: &Wire<'_>) {
    let data = || wire.data.and_then(|raw| unescape::prefix(raw.get(), Message::KEPT_BYTES));
    let kind = wire.kind.text().unwrap_or_default();
    if kind == "error" {
        let words = data().map(|(text, _)| text.into());
        record.error = record.error.take().or(words);
        return;
    }
    let websocket = &mut record.websocket;
    let opcode = wire.opcode.number();
    if kind == "close" || opcode == Some(CLOSE) {
        let stated = wire.code.number().map(|code| code as u16).or_else(|| close_code(&data()?.0));
        websocket.close_code = websocket.close_code.or(stated.filter(|code| CODES.contains(code)));
        return;
    }
    if opcode.is_some_and(|opcode| opcode > CLOSE) {
        return;
    }
    websocket.message_count += 1;
    if websocket.messages.len() == WebSocket::KEPT {
        return;
    }
    let text = wire.opcode.number().is_none_or(|opcode| opcode == TEXT);
    websocket.messages.push(Message {
        time: date::timestamp(&wire.time),
        from_client: kind == "send",
        text: text.then(data).flatten().map(|(text, _)| Secret::new(text)),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_in_every_spelling() {
        let check = |payload: &str, code| assert_eq!(close_code(payload), code, "{payload:?}");
        check("4401 Unauthorized", Some(4401));
        check("\u{11}1Unauthorized", Some(4401));
        check("\u{3}\u{f0}", Some(1008));
        check("ETE=", Some(4401));
        check("", None);
        check("bye", None);
    }
}
