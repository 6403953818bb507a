//! Messages as HTTP/1 writes them (RFC 9112), with the length of the body that is here.

use authtrace_parse::{HeaderView, Kind, Protocol};

use super::{
    flow::Flow,
    message::{Answer, Fields, Message},
    websocket,
};

/// Fields that say how the body was framed and coded: it is neither any more.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "content-encoding"];
/// Bytes that a head is cut by, where it was.
const CUT: usize = 512;

/// Says one exchange.
pub(super) fn say(message: &Message, flow: &mut Flow) {
    let version = if message.protocol == Protocol::Http10 { "HTTP/1.0" } else { "HTTP/1.1" };
    let line = format!("{} {} {version}\r\n", message.method, target(message));
    let had_body = framed(&message.asked);
    let body = if message.kind == Kind::WebSocket { &[][..] } else { &message.asked_body };
    let length = (had_body || !body.is_empty()).then_some(body.len());
    part(flow, true, message.at, (line, &message.asked, length, message.asked_view), (message.at, body));
    if let Some(answer) = &message.answer {
        reply(message, answer, version, flow);
    }
}

/// What stands in the first line: the whole URL where the connection does not say the scheme (RFC 9112 §3.2.2).
fn target(message: &Message) -> String {
    let absolute = message.scheme == "https" && message.target.starts_with('/');
    if absolute { format!("https://{}{}", message.authority, message.target) } else { message.target.clone() }
}

fn framed(fields: &Fields) -> bool {
    fields.iter().any(|(name, _)| FRAMING.contains(&name.to_ascii_lowercase().as_str()))
}

fn reply(message: &Message, answer: &Answer, version: &str, flow: &mut Flow) {
    let line = format!("{version} {} \r\n", answer.status);
    let upgraded = answer.status == 101;
    let tunnel = message.method == "CONNECT" && (200..300).contains(&answer.status);
    let bodiless = message.method == "HEAD" || upgraded || tunnel || matches!(answer.status, 100..=199 | 204 | 304);
    let body = if bodiless { &[][..] } else { &answer.body };
    let length = (!bodiless).then_some(body.len());
    part(flow, false, answer.first_byte, (line, &answer.fields, length, answer.view), (answer.ended, body));
    if let Some(talk) = message.websocket.as_ref().filter(|_| upgraded) {
        websocket::say(talk, answer.first_byte, &mut |from_client, at, bytes| flow.say(from_client, at, bytes));
    }
}

/// A head and its body. Without a length, the framing fields stay as they are: there is no body to frame.
fn part(
    flow: &mut Flow,
    from_client: bool,
    at: i64,
    (mut head, fields, length, view): (String, &Fields, Option<usize>, HeaderView),
    (body_at, body): (i64, &[u8]),
) {
    for (name, value) in fields {
        let framing = FRAMING.contains(&name.to_ascii_lowercase().as_str());
        if !(framing && length.is_some()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if let Some(length) = length {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    if view == HeaderView::Partial {
        flow.say_cut(from_client, at, head.as_bytes(), CUT);
        return;
    }
    head.push_str("\r\n");
    flow.say(from_client, at, head.as_bytes());
    flow.say(from_client, body_at, body);
}
