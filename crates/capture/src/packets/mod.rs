//! Packet captures: the bytes of a pcap or pcapng in, pushed in any pieces, [`Frame`]s out.
//!
//! The reader copies nothing but the one record that crosses from one chunk into the next, holds no more than that,
//! and allocates for bytes that are there, never for lengths that the file claims.

mod crew;
mod cursor;
mod keys;
mod order;
mod pcap;
mod pcapng;
mod pipeline;
mod record;

use std::ops::Range;

use authtrace_parse::{Anomaly, Frame};

pub use self::pcapng::{DecryptionSecrets, Drops, Names};
use self::{cursor::Cursor, pcap::Pcap, pcapng::Pcapng};
pub(crate) use self::{
    keys::KeySource,
    pcap::FILE_HEADER,
    pipeline::{PacketReport, read},
};

/// A packet capture's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketFormat {
    /// Classic pcap, of any byte order and resolution.
    Pcap,
    /// pcapng.
    Pcapng,
}

impl PacketFormat {
    /// The format of a file that starts with `head`, of which twelve bytes are enough.
    pub(crate) fn sniff(head: &[u8]) -> Option<Self> {
        match head.first_chunk() {
            Some(magic) if pcap::recognises(*magic) => Some(Self::Pcap),
            Some(_) if pcapng::recognises(head) => Some(Self::Pcapng),
            _ => None,
        }
    }
}

/// A frame, and where its bytes lie.
#[derive(Clone)]
pub struct Placed<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// Range of its bytes in the chunk that is being pushed, so that whoever owns the chunk can send it on without
    /// copying; `None` where the record began in an earlier chunk and its bytes lie in the reader's own buffer.
    pub range: Option<Range<usize>>,
    /// The keys that stand before it.
    pub secrets: &'a [DecryptionSecrets],
}

/// What a capture said beside its frames.
pub struct PacketSummary {
    /// Its format; `None` where its first bytes are those of neither: then nothing else was read.
    pub format: Option<PacketFormat>,
    /// Packet records met, those included that gave no frame: the number of the last frame.
    pub frames: u32,
    /// Packet records that gave no frame, each for a reason among the anomalies.
    pub lost: u32,
    /// Whether it ends in the middle of a record.
    pub truncated: bool,
    /// Oddities, each kind once.
    pub anomalies: Vec<Anomaly>,
    /// Names of addresses.
    pub names: Names,
    /// Keys for the traffic, as the capturing side stored them.
    pub secrets: Vec<DecryptionSecrets>,
    /// What the capturing side lost.
    pub drops: Drops,
    /// Program that wrote the capture.
    pub application: Option<String>,
}

/// Reads a pcap or pcapng pushed in chunks; the same bytes give the same frames however they are cut.
#[derive(Default)]
pub struct PacketReader {
    state: State,
    cursor: Cursor,
}

/// What is being read.
enum State {
    /// The first bytes, so far.
    Head(Vec<u8>),
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
    /// Neither format.
    Foreign,
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl PacketReader {
    /// A reader before the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next bytes and hands every frame that they complete to `out`, in the order of the capture.
    pub fn push(&mut self, chunk: &[u8], out: &mut dyn FnMut(Placed<'_>)) {
        let at = self.open(chunk);
        match &mut self.state {
            State::Pcap(pcap) => self.cursor.read(pcap, chunk, at, out),
            State::Pcapng(pcapng) => self.cursor.read(pcapng.as_mut(), chunk, at, out),
            State::Head(_) | State::Foreign => {}
        }
    }

    /// The keys met so far: complete up to the last byte pushed, before whatever is pushed next.
    pub fn secrets(&self) -> &[DecryptionSecrets] {
        match &self.state {
            State::Pcapng(pcapng) => &pcapng.secrets,
            State::Head(_) | State::Pcap(_) | State::Foreign => &[],
        }
    }

    /// Whether no further byte can matter: a corrupt record, or no packet capture at all.
    pub fn is_done(&self) -> bool {
        self.cursor.stopped || matches!(self.state, State::Foreign)
    }

    /// Goes on with the next file of the same capture, in the same format: frames are counted on, and what was learned of
    /// names and keys stays.
    pub fn next_file(&mut self, out: &mut dyn FnMut(Placed<'_>)) {
        self.end_file(out);
        self.cursor.next_file();
        match &mut self.state {
            // A section header of its own follows, as in the middle of one file.
            State::Pcapng(pcapng) => pcapng.next_file(),
            state => *state = State::default(),
        }
    }

    /// Hands out a last frame that the end cuts, as far as it is there.
    fn end_file(&mut self, out: &mut dyn FnMut(Placed<'_>)) {
        match &self.state {
            State::Head(head) if PacketFormat::sniff(head).is_some() => self.cursor.note_cut(),
            State::Head(_) | State::Foreign => {}
            State::Pcap(pcap) => self.cursor.finish(pcap, out),
            State::Pcapng(pcapng) => self.cursor.finish(pcapng.as_ref(), out),
        }
    }

    /// Ends reading: a last frame that the end cuts is handed out as far as it is there.
    pub fn finish(mut self, out: &mut dyn FnMut(Placed<'_>)) -> PacketSummary {
        self.end_file(out);
        let mut summary = PacketSummary::of(self.cursor);
        match self.state {
            State::Head(head) => summary.format = PacketFormat::sniff(&head),
            State::Pcap(_) => summary.format = Some(PacketFormat::Pcap),
            State::Pcapng(pcapng) => summary.tell(*pcapng),
            State::Foreign => {}
        }
        summary
    }

    /// Tells the format, once enough bytes are there; returns where in `chunk` to go on.
    fn open(&mut self, chunk: &[u8]) -> usize {
        let State::Head(head) = &mut self.state else { return 0 };
        let mut taken = 0;
        while head.len() < header_len(head) {
            let Some(next) = chunk.get(taken) else { return taken };
            head.push(*next);
            taken += 1;
        }
        self.state = match PacketFormat::sniff(head) {
            Some(PacketFormat::Pcap) => head.first_chunk().and_then(Pcap::open).map_or(State::Foreign, State::Pcap),
            Some(PacketFormat::Pcapng) => {
                // The first block is the section header itself.
                self.cursor.start_with(std::mem::take(head));
                State::Pcapng(Box::default())
            }
            None => State::Foreign,
        };
        taken
    }
}

/// How many bytes of a file that starts with `head` tell its format and what all records share.
fn header_len(head: &[u8]) -> usize {
    if PacketFormat::sniff(head) == Some(PacketFormat::Pcap) { pcap::FILE_HEADER } else { pcapng::FIRST_BYTES }
}

impl PacketSummary {
    fn of(cursor: Cursor) -> Self {
        Self {
            format: None,
            frames: cursor.frames,
            lost: cursor.lost,
            truncated: cursor.truncated,
            anomalies: cursor.notes.into_iter().map(|kind| Anomaly { kind, at: None }).collect(),
            names: Names::default(),
            secrets: Vec::new(),
            drops: Drops::default(),
            application: None,
        }
    }

    /// Adds what only a pcapng says.
    fn tell(&mut self, pcapng: Pcapng) {
        self.format = Some(PacketFormat::Pcapng);
        self.drops = pcapng.drops();
        self.anomalies.extend(pcapng.notes.into_iter().map(|kind| Anomaly { kind, at: None }));
        self.names = pcapng.names;
        self.secrets = pcapng.secrets;
        self.application = pcapng.application;
    }
}
