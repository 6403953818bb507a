//! One exchange in full for programs: its row, then both messages as the page shows them, secrets taken out alike.

use authtrace_analyze::facts::{Fact, set_cookie::SetCookie};
use authtrace_parse::{Body, HeaderView, headers::Headers};
use serde::Serialize;

use super::{Shown, body, conceal::Conceal, headers, url};
use crate::{exchanges, json};

/// Exchanges in full: one array.
pub fn document<'a>(shown: impl Iterator<Item = Shown<'a>>) -> String {
    json::pretty(&shown.map(full).collect::<Vec<_>>())
}

/// One exchange in full on one line.
pub fn line(shown: Shown<'_>) -> String {
    json::line(&full(shown))
}

#[derive(Serialize)]
struct Full<'a> {
    #[serde(flatten)]
    row: exchanges::Row<'a>,
    url: String,
    error_text: Option<&'a str>,
    findings: Vec<String>,
    /// Why headers and bodies are missing.
    unread: Option<&'a str>,
    request: Option<Message>,
    response: Option<Message>,
    messages: Vec<Frame>,
}

/// A request or a response.
#[derive(Serialize)]
struct Message {
    view: &'static str,
    headers: Vec<Field>,
    body: Content,
}

#[derive(Serialize)]
struct Field {
    name: String,
    value: String,
    /// Why a browser ignores the cookie that the field sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

#[derive(Serialize)]
struct Content {
    state: &'static str,
    mime: Option<String>,
    bytes: Option<u64>,
    text: Option<String>,
}

/// A message of a WebSocket.
#[derive(Serialize)]
struct Frame {
    from: &'static str,
    text: Option<String>,
}

fn full(shown: Shown<'_>) -> Full<'_> {
    let Shown { analysis, fact, again, findings } = shown;
    let conceal = Conceal::new(&analysis.capture, fact);
    let exchange = again.exchange();
    let message = |headers: &Headers, view, body: &Body| Message {
        view: view_name(view),
        headers: fields(headers, fact, &conceal),
        body: content(body, &conceal),
    };
    let socket = exchange.and_then(|exchange| exchange.websocket.as_ref());
    Full {
        row: exchanges::row(&analysis.capture, fact),
        url: url(fact, exchange, &conceal),
        error_text: fact.outcome.error_text.as_deref(),
        findings: findings.iter().map(ToString::to_string).collect(),
        unread: match again {
            super::Again::Failed(why) => Some(why),
            _ => None,
        },
        request: exchange.map(|e| message(&e.request.headers, e.request.view, &e.request.body)),
        response: exchange.and_then(|e| e.response.as_ref()).map(|r| message(&r.headers, r.view, &r.body)),
        messages: socket.iter().flat_map(|socket| &socket.messages).map(|message| frame(message, &conceal)).collect(),
    }
}

fn frame(message: &authtrace_parse::websocket::Message, conceal: &Conceal<'_>) -> Frame {
    Frame {
        from: if message.from_client { "client" } else { "server" },
        text: message.text.as_ref().map(|text| body::joined(None, text.expose(), conceal)),
    }
}

fn fields(headers: &Headers, fact: &Fact, conceal: &Conceal<'_>) -> Vec<Field> {
    let mut cookies: Vec<&SetCookie> = fact.set_cookies.iter().collect();
    let field = |(name, value): (&str, authtrace_parse::SecretStr<'_>)| {
        let value = value.expose();
        let sets = name.eq_ignore_ascii_case("set-cookie");
        Field {
            name: name.to_owned(),
            value: headers::shown(name, value, fact, conceal),
            refused: sets.then(|| headers::refusal(value, fact, &mut cookies)).flatten(),
        }
    };
    headers.iter().map(field).collect()
}

fn content(body: &Body, conceal: &Conceal<'_>) -> Content {
    let mime = body.mime.as_deref().map(|mime| conceal.text(mime));
    Content { state: body::state(body), mime, bytes: body.size, text: body::shown(body, conceal) }
}

fn view_name(view: HeaderView) -> &'static str {
    match view {
        HeaderView::Full => "full",
        HeaderView::Provisional => "provisional",
        HeaderView::Partial => "partial",
        HeaderView::Missing => "missing",
    }
}
