//! WebSocket frames (RFC 6455 §5.2), whole and uncompressed; those of a client masked with zeros, which every peer unmasks.

use super::message::WebSocketTalk;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;

/// Says every message, then the close frame; nothing before `from`.
pub(super) fn say(talk: &WebSocketTalk, from: i64, say: &mut dyn FnMut(bool, i64, &[u8])) {
    let mut last = from;
    for (at, from_client, text) in &talk.messages {
        last = last.max(*at);
        let opcode = if text.is_some() { TEXT } else { BINARY };
        say(*from_client, last, &frame(opcode, *from_client, text.as_deref().unwrap_or_default().as_bytes()));
    }
    if let Some((code, reason, by_client)) = &talk.close {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend(reason.as_bytes());
        say(*by_client, last, &frame(CLOSE, *by_client, &payload));
    }
}

fn frame(opcode: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut frame = vec![opcode];
    match payload.len() {
        length @ ..126 => frame.push(mask | length as u8),
        length @ ..0x1_0000 => {
            frame.push(mask | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(mask | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    if masked {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}
