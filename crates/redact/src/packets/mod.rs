//! Packets without their secrets, in a pcapng of their own.
//!
//! Frames of readable HTTP/1 are changed in place ([`FrameKeeper`]). What was compressed, encrypted or carried by HTTP/2
//! frames cannot be: such a connection is said again in the clear, between the same addresses, with the same initial sequence numbers and at the same times, HTTP/1 as
//! HTTP/1 and HTTP/2 with prior knowledge (RFC 9113 §3.3). Packets that gave no exchange are not copied, and neither are
//! secrets of TLS connections.

mod flow;
mod http1;
mod http2;
mod kept;
mod message;
mod pcapng;
mod websocket;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    num::NonZeroU64,
};

use authtrace_parse::{Connection, Exchange, HeaderView, Kind, Protocol, Timestamp};

pub use self::kept::{FrameKeeper, KeptFrames};
use self::{flow::Flow, message::Message};
use crate::redactor::Redactor;

/// Collects exchanges and writes them as packets.
pub struct PacketWriter<'r> {
    redactor: &'r mut Redactor,
    /// By connection, and within it by number.
    connections: BTreeMap<u32, BTreeMap<u32, Message>>,
    /// Frames of connections that need not be said again.
    kept: KeptFrames,
    /// Connections that were said, by their ends and initial sequence numbers.
    seen: BTreeSet<Said>,
}

/// Client, server, and the initial sequence numbers between them.
type Said = ((SocketAddr, SocketAddr), NonZeroU64);

impl<'r> PacketWriter<'r> {
    /// A writer that replaces what `redactor` says, of a capture of which `kept` is there already.
    pub fn new(redactor: &'r mut Redactor, kept: KeptFrames) -> Self {
        Self { redactor, connections: BTreeMap::new(), kept, seen: BTreeSet::new() }
    }

    /// Takes one exchange of a packet capture, in any order.
    pub fn push(&mut self, exchange: &Exchange) {
        let Some(Connection::Tcp(connection)) = exchange.connection else { return };
        if self.kept.connections.contains(&connection.first_frame) {
            let ends = exchange.client.zip(exchange.server);
            self.seen.extend(ends.zip(connection.opening));
            return;
        }
        match Message::new(self.redactor, exchange, connection) {
            Some(message) => {
                self.connections.entry(connection.first_frame).or_default().insert(exchange.id.0, message);
            }
            None => self.redactor.receipt.not_understood("exchange without addresses: left out", 1),
        }
    }

    /// The capture, whole.
    pub fn finish(self, version: &str) -> Vec<u8> {
        let mut seen = self.seen;
        let mut packets = self.kept.packets;
        for messages in self.connections.values() {
            let Some(first) = messages.values().next() else { continue };
            // A connection that was captured twice between the same ends is one, and said once.
            if let Some(opening) = first.connection.opening
                && !seen.insert((first.ends, opening))
            {
                self.redactor.receipt.not_understood("connection captured twice: written once", 1);
                continue;
            }
            for (number, part) in (0..).zip(parts(messages.values().collect())) {
                write(&part, number, &mut packets);
            }
        }
        packets.sort_by_key(|packet| packet.at);
        pcapng::file(version, &packets)
    }
}

/// A message after one that was not answered, or that turned the connection into a tunnel, would be taken for its answer:
/// a new flow begins there.
fn parts(messages: Vec<&Message>) -> Vec<Vec<&Message>> {
    let mut parts: Vec<Vec<&Message>> = Vec::new();
    let mut open = false;
    for message in messages {
        match parts.last_mut().filter(|_| open) {
            Some(part) => part.push(message),
            None => parts.push(vec![message]),
        }
        let http2 = message.protocol == Protocol::Http2;
        let tunnel = message.kind == Kind::Connect || message.websocket.is_some();
        open = http2 || (message.answer.is_some() && !tunnel && message.asked_view != HeaderView::Partial);
    }
    parts
}

/// Writes part number `number` of a connection as one flow.
fn write(messages: &[&Message], number: u32, packets: &mut Vec<flow::Packet>) {
    let Some(first) = messages.first() else { return };
    let mut flow = Flow::new(first.ends, first.connection, first.at, first.remark(), number);
    if first.protocol == Protocol::Http2 {
        http2::say(messages, &mut flow);
    } else {
        for message in messages {
            http1::say(message, &mut flow);
        }
    }
    packets.extend(flow.finish());
}

/// A moment, or the one before it where it is unknown.
fn moment(at: Option<Timestamp>, before: i64) -> i64 {
    at.map_or(before, Timestamp::nanos).max(before)
}
