//! A Socket.IO connection that is refused before it becomes a WebSocket: the client begins by long polling, and the server's
//! refusal is the text of an answer with status 200 (Engine.IO protocol 4, "HTTP long-polling"; Socket.IO protocol 5,
//! "Connection to a namespace").

use authtrace_parse::Exchange;

use super::{
    socket::{Refusal, Socket},
    socket_refusal::refusal,
    times::Times,
};
use crate::{scrub::scrub, text::Interner};

/// Between packets of one answer.
const BETWEEN: char = '\u{1e}';

/// What an answer to a poll refuses; `None` for every other answer.
pub(super) fn extract(exchange: &Exchange, interner: &mut Interner) -> Option<Socket> {
    let response = exchange.response.as_ref().filter(|response| response.status == 200 && is_poll(exchange))?;
    let text = response.body.text()?.expose();
    let refused = text.split(BETWEEN).filter(|packet| packet.starts_with("44"));
    let (class, words) = refused.filter_map(refusal).next()?;
    let at = Times::from(&exchange.timing).ended().map(|at| at.nanos());
    let refusal = Refusal { class, text: interner.text(&scrub(&words)), at, data_before: 0 };
    // Whoever connects to a namespace says who it is in a packet of its own, before it polls.
    Some(Socket { refusal: Some(refusal), introduces: true, recorded: true, last: at, ..Socket::default() })
}

fn is_poll(exchange: &Exchange) -> bool {
    let mut polls = false;
    let mut engine = false;
    for (name, value) in exchange.request.target.query_pairs() {
        polls |= name == "transport" && value.expose() == "polling";
        engine |= name == "EIO";
    }
    polls && engine
}
