//! What a WebSocket handshake agrees on (RFC 6455 §4, RFC 7692 §7.1), and whether the answer fits the request.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};

use crate::headers::Headers;

/// What a server appends to the key before it hashes it (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// permessage-deflate as agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compression {
    /// Whether each message of the client, of the server, is compressed on its own.
    pub(crate) no_context: [bool; 2],
}

/// What both ends agreed on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Agreed {
    pub(crate) compression: Option<Compression>,
    /// The answer does not fit the request: a wrong accept key, or a subprotocol or extension that was not offered.
    pub(crate) mismatch: bool,
}

/// What the headers of a request and of its answer agree on.
pub(crate) fn agree(request: &Headers, answer: &Headers) -> Agreed {
    // Extended CONNECT (RFC 8441) has neither key nor accept.
    let accepted = request.get("sec-websocket-key").is_none_or(|key| {
        answer
            .get("sec-websocket-accept")
            .is_some_and(|accept| accept.expose().trim() == accept_key(key.expose().trim()))
    });
    let chosen = answer.get("sec-websocket-protocol").map(|chosen| chosen.expose().trim());
    let offered = chosen.is_none_or(|chosen| items(request, "sec-websocket-protocol").any(|item| item == chosen));
    let extended = items(answer, "sec-websocket-extensions").find(|item| name(item) == DEFLATE);
    let asked = items(request, "sec-websocket-extensions").any(|item| name(item) == DEFLATE);
    let compression = extended.map(|item| {
        let has = |parameter: &str| item.split(';').skip(1).any(|text| name_of_parameter(text) == parameter);
        Compression { no_context: [has("client_no_context_takeover"), has("server_no_context_takeover")] }
    });
    Agreed { compression, mismatch: !accepted || !offered || (compression.is_some() && !asked) }
}

const DEFLATE: &str = "permessage-deflate";

/// `Sec-WebSocket-Accept` for a key (RFC 6455 §4.2.2).
fn accept_key(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// The comma-separated items of all fields called `name`.
fn items<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).flat_map(|value| value.expose().split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// The name in `name; parameter; …`.
fn name(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}

/// The name in `name=value`.
fn name_of_parameter(text: &str) -> &str {
    text.split('=').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: &[(&str, &str)], answer: &[(&str, &str)], mismatch: bool, no_context: Option<[bool; 2]>) {
        let headers = |fields: &[(&str, &str)]| fields.iter().copied().collect::<Headers>();
        let agreed = agree(&headers(request), &headers(answer));
        assert_eq!(agreed.mismatch, mismatch);
        assert_eq!(agreed.compression.map(|compression| compression.no_context), no_context);
    }

    #[test]
    fn the_answer_fits_or_not() {
        // The example of RFC 6455 §1.3.
        let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        let accept = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        check(&[key], &[accept], false, None);
        check(&[key], &[], true, None);
        check(&[key], &[("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=")], true, None);
        let protocol = |value| ("Sec-WebSocket-Protocol", value);
        check(&[key, protocol("a, b")], &[accept, protocol("b")], false, None);
        check(&[key, protocol("a, b")], &[accept, protocol("c")], true, None);
        check(&[], &[], false, None);
    }

    #[test]
    fn compression_is_agreed_on() {
        let extensions = |value| ("Sec-WebSocket-Extensions", value);
        let offer = extensions("x, permessage-deflate; client_max_window_bits");
        check(&[offer], &[extensions("permessage-deflate")], false, Some([false, false]));
        let answer = extensions("permessage-deflate;server_no_context_takeover; client_max_window_bits=10");
        check(&[offer], &[answer], false, Some([false, true]));
        check(&[], &[answer], true, Some([false, true]));
        check(&[offer], &[], false, None);
    }
}
