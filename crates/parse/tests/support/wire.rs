//! A TCP connection in the making: what each end says becomes segments, which a test may cut, drop, double or shuffle.

use std::net::SocketAddr;

use authtrace_parse::{
    BodyQuestion, Content, Exchange, Flags, Kind, Reassembler, ReassemblySummary, Segment, Timestamp, stream::Mark,
};

/// A segment that owns its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) from_client: bool,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: Option<u32>,
    pub(crate) flags: Flags,
    pub(crate) payload: Vec<u8>,
    pub(crate) cut: u32,
}

/// One connection.
pub(crate) struct Wire {
    pub(crate) segments: Vec<Owned>,
    client_port: u16,
    next: [u32; 2],
    /// Most payload bytes of a segment.
    pub(crate) mss: usize,
}

impl Wire {
    /// A connection whose handshake was captured.
    pub(crate) fn open() -> Self {
        let mut wire = Self::midway();
        wire.next = [0xffff_fff0, 77];
        wire.control(true, Flags { syn: true, ..Flags::default() });
        wire.segments[0].acknowledgment = None;
        wire.control(false, Flags { syn: true, ..Flags::default() });
        wire
    }

    /// A connection that was open before the capture began.
    pub(crate) fn midway() -> Self {
        Self { segments: Vec::new(), client_port: 40_000, next: [1000, 2000], mss: 1400 }
    }

    /// The client says `text`; says which segments carry it.
    pub(crate) fn client(&mut self, text: impl AsRef<[u8]>) -> std::ops::Range<usize> {
        self.say(true, text.as_ref())
    }

    /// The server says `text`; says which segments carry it.
    pub(crate) fn server(&mut self, text: impl AsRef<[u8]>) -> std::ops::Range<usize> {
        self.say(false, text.as_ref())
    }

    /// An orderly end.
    pub(crate) fn close(&mut self) {
        self.control(true, Flags { fin: true, ..Flags::default() });
        self.control(false, Flags { fin: true, ..Flags::default() });
    }

    /// The client resets the connection.
    pub(crate) fn reset(&mut self) {
        self.control(true, Flags { rst: true, ..Flags::default() });
    }

    fn say(&mut self, from_client: bool, bytes: &[u8]) -> std::ops::Range<usize> {
        let first = self.segments.len();
        for payload in bytes.chunks(self.mss) {
            self.segment(from_client, Flags::default(), payload);
        }
        first..self.segments.len()
    }

    fn control(&mut self, from_client: bool, flags: Flags) {
        self.segment(from_client, flags, b"");
        self.next[usize::from(!from_client)] = self.next[usize::from(!from_client)].wrapping_add(u32::from(!flags.rst));
    }

    fn segment(&mut self, from_client: bool, flags: Flags, payload: &[u8]) {
        let (own, peer) = (usize::from(!from_client), usize::from(from_client));
        self.segments.push(Owned {
            from_client,
            sequence: self.next[own],
            acknowledgment: Some(self.next[peer]),
            flags,
            payload: payload.to_vec(),
            cut: 0,
        });
        self.next[own] = self.next[own].wrapping_add(u32::try_from(payload.len()).unwrap());
    }

    /// Reads the connection.
    pub(crate) fn read(&self) -> (Vec<Exchange>, ReassemblySummary) {
        read(&[self])
    }
}

/// Reads connections one after the other.
pub(crate) fn read(wires: &[&Wire]) -> (Vec<Exchange>, ReassemblySummary) {
    let keep_all = |_: &BodyQuestion<'_>| usize::MAX;
    let mut exchanges = Vec::new();
    let mut reader = Reassembler::new(0, 0, &keep_all);
    let mut frame = 0;
    for wire in wires {
        let client = SocketAddr::from(([10, 0, 0, 1], wire.client_port));
        let server = SocketAddr::from(([10, 0, 0, 2], 8000));
        for segment in &wire.segments {
            frame += 1;
            let (source, destination) = if segment.from_client { (client, server) } else { (server, client) };
            let segment = Segment {
                source,
                destination,
                sequence: segment.sequence,
                acknowledgment: segment.acknowledgment,
                flags: segment.flags,
                payload: &segment.payload,
                cut: segment.cut,
            };
            let mark = Mark { frame, time: Some(Timestamp::from_nanos(i64::from(frame) * 1_000_000)) };
            reader.segment(&segment, mark, &mut |exchange| exchanges.push(exchange));
        }
    }
    let summary = reader.finish(&mut |exchange| exchanges.push(exchange));
    exchanges.sort_by_key(|exchange| exchange.id);
    (exchanges, summary)
}

/// An exchange in one line: `GET http://h/p → 200 "body"`, with what is odd behind it.
pub(crate) fn line(exchange: &Exchange) -> String {
    let target = &exchange.request.target;
    let mut line = format!("{} {}{}", exchange.request.method, target.origin(), target.path.expose());
    if let Some(query) = &target.query {
        line += &format!("?{}", query.expose());
    }
    line += &body(&exchange.request.body.content);
    line += &match &exchange.response {
        Some(response) => format!(" → {}{}", response.status, body(&response.body.content)),
        None => " → ∅".to_owned(),
    };
    if exchange.kind != Kind::Http {
        line += &format!(" ({:?})", exchange.kind).to_lowercase();
    }
    for anomaly in &exchange.anomalies {
        line += &format!(" [{}]", anomaly.name());
    }
    line
}

fn body(content: &Content) -> String {
    match content {
        Content::Unknown => " ?".to_owned(),
        Content::Empty => String::new(),
        Content::NotCaptured => " not captured".to_owned(),
        Content::Skipped => " skipped".to_owned(),
        Content::Text { text, cut } => {
            let shown: String = text.expose().chars().take(20).collect();
            format!(" {shown:?}{}", if *cut { "…" } else { "" })
        }
    }
}
